"""Frames: the candles of many symbols at one time, as a few bytes that say by themselves whose they are.

A frame is 46 bytes per symbol before compression, column by column, ordered by symbol hash:

    crc32 of the symbol                    4 bytes
    decimal places of prices, of volume    1 byte each
    close, open, high, low, volume         8 bytes each, all first bytes, then all second bytes, ...

Prices and volumes are whole numbers scaled by their decimal places: 42283.58 is 4228358 with 2 places. The open is
stored relative to the close, the high to the upper end of the body, the low to its lower end; the numbers become
small, their upper bytes zeros, and the zeros cost nothing once compressed. A value that is no short decimal keeps its
float64 bits instead (`whole_numbers`). Either way exactly the floats that went in come out.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from zlib import compress, crc32

import numpy as np
from numpy.typing import NDArray

from signalbox.adapters.storage.candle_format import DEFLATED, LANES, STORED, SYMBOL_BYTES, open_frame
from signalbox.adapters.storage.whole_numbers import from_whole, to_whole, unzigzag, zigzag
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.market.candles import FloatArray

HashArray = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Frames:
    """Decoded frames of one set of symbols.

    Attributes
    ----------
    hashes : (n_symbols,) uint32 array
        crc32 of each symbol, ascending.
    positions : list of int
        Which of the frames handed in these are, in order.
    cells : (5, n_frames, n_symbols) float64 array
        open, high, low, close, volume, in the order of `candles.COLUMNS`.
    """

    hashes: HashArray
    positions: list[int]
    cells: FloatArray


def symbol_hashes(symbols: Iterable[str]) -> HashArray:
    """Return the crc32 of each symbol; raise InvalidValueError if two symbols share one."""
    names = list(symbols)
    hashes = np.array([crc32(name.encode()) for name in names], dtype=np.uint32)
    if len(set(hashes.tolist())) != len(names):
        raise InvalidValueError(
            f"symbols must differ in name and hash, two of these do not: {', '.join(sorted(names))}"
        )
    return hashes


def part_name(hashes: HashArray) -> str:
    """Return the attribute that a frame of these symbols is stored under, whatever their order."""
    return "f_" + sha256(np.sort(hashes).astype("<u4").tobytes()).hexdigest()[:12]


def encode_frame(hashes: HashArray, cells: FloatArray) -> bytes:
    """Return the frame of one candle per symbol.

    Parameters
    ----------
    hashes : (n_symbols,) uint32 array
        crc32 of each symbol, all different.
    cells : (5, n_symbols) float64 array
        open, high, low, close, volume; quote currency, volume in base currency.

    Returns
    -------
    bytes
        The same for the same candles, in whatever order the symbols come.
    """
    order = np.argsort(hashes)
    columns = cells[:, order]
    prices, price_places = to_whole(columns[:4])
    volumes, volume_places = to_whole(columns[4:])
    opens, highs, lows, closes = prices
    body_top, body_bottom = np.maximum(opens, closes), np.minimum(opens, closes)
    lanes = np.stack([closes, zigzag(opens - closes), highs - body_top, body_bottom - lows, volumes[0]])
    by_byte = lanes.astype("<u8").view(np.uint8).reshape(LANES * len(hashes), 8).T
    plain = b"".join(
        (
            hashes[order].astype("<u4").tobytes(),
            price_places.tobytes(),
            volume_places.tobytes(),
            by_byte.tobytes(),
        )
    )
    packed = compress(plain, 9)
    return DEFLATED + packed if len(packed) < len(plain) else STORED + plain


def decode_frames(frames: Iterable[bytes]) -> list[Frames]:
    """Return what `frames` hold, those of one set of symbols decoded together.

    Raises InvalidValueError for bytes that are no frame.
    """
    alike: dict[bytes, tuple[list[int], list[bytes]]] = defaultdict(lambda: ([], []))
    for position, frame in enumerate(frames):
        plain = open_frame(frame)
        positions, plains = alike[plain[: 4 * (len(plain) // SYMBOL_BYTES)]]
        positions.append(position)
        plains.append(plain)
    return [_decode_alike(positions, plains) for positions, plains in alike.values()]


def _decode_alike(positions: list[int], plains: list[bytes]) -> Frames:
    count = len(plains[0]) // SYMBOL_BYTES
    table = np.frombuffer(b"".join(plains), dtype=np.uint8).reshape(len(plains), -1)
    hashes = np.frombuffer(plains[0], dtype="<u4", count=count)
    price_places, volume_places = table[:, 4 * count : 5 * count], table[:, 5 * count : 6 * count]
    by_byte = table[:, 6 * count :].reshape(len(plains), 8, LANES * count)
    lanes = np.ascontiguousarray(by_byte.transpose(0, 2, 1)).view("<u8").reshape(len(plains), LANES, count)
    closes = lanes[:, 0].view(np.int64)
    opens = closes + unzigzag(lanes[:, 1])
    highs = np.maximum(opens, closes) + lanes[:, 2].view(np.int64)
    lows = np.minimum(opens, closes) - lanes[:, 3].view(np.int64)
    prices = from_whole(np.stack([opens, highs, lows, closes]), price_places)
    volumes = from_whole(lanes[:, 4].view(np.int64)[None], volume_places)
    return Frames(hashes, positions, np.concatenate([prices, volumes]))
