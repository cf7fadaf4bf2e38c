"""Chunks: some hundred candles of one symbol as a few kilobytes, without loss.

    version, decimal places of prices and of volume     1 byte each
    candles                                             2 bytes
    candle length, seconds                              4 bytes
    first open time, epoch ms                           8 bytes
    crc32 of all the other bytes                        4 bytes
    zlib of:  where there is a candle (1 bit each, padded to whole bytes), then five lanes, each byte plane by plane:
              close less the close before, open less the close before, high above and low below the body, volume

The numbers are whole (`whole_numbers`), and most of their upper bytes are zero, which costs nothing once compressed.
Real hourly candles take 7.2 to 8.3 bytes each. A hole takes a bit, and is a hole again.
"""

import zlib
from dataclasses import dataclass

import numpy as np

from signalbox.adapters.storage.candle_format import (
    CHUNK_CHECK,
    CHUNK_HEADER,
    CHUNK_VERSION,
    LANES,
    open_chunk,
)
from signalbox.adapters.storage.whole_numbers import UnsignedArray, from_whole, to_whole, unzigzag, zigzag
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.market.candles import FloatArray, IntArray

_LEVEL = 9


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Candles of one symbol, one after the other.

    Attributes
    ----------
    first_open : int
        Open time of the first, epoch ms.
    step : int
        Length of a candle, ms.
    cells : (5, n_candles) float64 array
        open, high, low, close, volume; NaN in all five where there is no candle.
    """

    first_open: int
    step: int
    cells: FloatArray

    @property
    def last_open(self) -> int:
        """Open time of the last, epoch ms."""
        return self.first_open + (int(self.cells.shape[1]) - 1) * self.step


def encode_chunk(chunk: Chunk) -> bytes:
    """Return the bytes of a chunk, always the same for the same candles.

    Raises InvalidValueError if it has no or more than 65,535 candles, or candles of no whole number of seconds.
    """
    count = chunk.cells.shape[1]
    seconds, rest = divmod(chunk.step, 1000)
    if not 0 < count <= 0xFFFF or rest:
        raise InvalidValueError(
            f"chunk must hold 1 to 65535 candles of whole seconds, was {count} of {chunk.step} milliseconds"
        )
    there = ~np.isnan(chunk.cells).all(axis=0)
    cells = chunk.cells[:, there]
    prices, price_places = to_whole(cells[:4].reshape(-1, 1))
    volumes, volume_places = to_whole(cells[4:].reshape(-1, 1))
    lanes = _deltas(prices.reshape(4, -1), volumes.reshape(-1))
    planes = lanes.astype("<u8").view(np.uint8).reshape(LANES, -1, 8).transpose(0, 2, 1)
    body = zlib.compress(np.packbits(there).tobytes() + planes.tobytes(), _LEVEL)
    header = CHUNK_HEADER.pack(
        CHUNK_VERSION, int(price_places[0]), int(volume_places[0]), count, seconds, chunk.first_open
    )
    return header + CHUNK_CHECK.pack(zlib.crc32(body, zlib.crc32(header))) + body


def decode_chunk(data: bytes) -> Chunk:
    """Return the chunk that was encoded; raise InvalidValueError for bytes that are no chunk, or not whole."""
    price_places, volume_places, count, step, first_open, body = open_chunk(data)
    plain = np.frombuffer(body, dtype=np.uint8)
    bits = -(-count // 8)
    there = np.unpackbits(plain[:bits], count=count).astype(bool)
    planes = plain[bits:].reshape(LANES, 8, -1).transpose(0, 2, 1)
    lanes = np.ascontiguousarray(planes).view("<u8").reshape(LANES, -1)
    prices, volumes = _undeltas(lanes)
    cells = np.full((LANES, count), np.nan)
    cells[:4, there] = from_whole(prices[..., None], np.array([price_places], dtype=np.uint8))[..., 0]
    cells[4, there] = from_whole(volumes[:, None], np.array([volume_places], dtype=np.uint8))[:, 0]
    return Chunk(first_open, step, cells)


def _deltas(prices: IntArray, volumes: IntArray) -> IntArray:
    """Return the five lanes. Differences of float bits may wrap around, and wrap back when they are added up."""
    opens, highs, lows, closes = prices
    before = np.concatenate([[np.int64(0)], closes[:-1]]) if closes.size else closes
    highs_above = highs - np.maximum(opens, closes)
    lows_below = np.minimum(opens, closes) - lows
    return np.stack([zigzag(closes - before), zigzag(opens - before), zigzag(highs_above), zigzag(lows_below), volumes])


def _undeltas(lanes: UnsignedArray) -> tuple[IntArray, IntArray]:
    closes = np.cumsum(unzigzag(lanes[0]), dtype=np.int64)
    before = np.concatenate([[np.int64(0)], closes[:-1]]) if closes.size else closes
    opens = before + unzigzag(lanes[1])
    highs = np.maximum(opens, closes) + unzigzag(lanes[2])
    lows = np.minimum(opens, closes) - unzigzag(lanes[3])
    return np.stack([opens, highs, lows, closes]), lanes[4].view(np.int64)
