"""Frames and chunks read without numpy, for one symbol: what the API shows of candles. The floats are the same to the
last bit as `frames` and `chunk_codec` give."""

import struct
from collections.abc import Iterator
from itertools import accumulate

from signalbox.adapters.storage.candle_format import AS_BITS, LANES, SYMBOL_BYTES, open_chunk, open_frame
from signalbox.domain.market.candle import Candle

_U64 = (1 << 64) - 1
_I64 = struct.Struct("<q")
_F64 = struct.Struct("<d")


def frame_candle(frame: bytes, code: int, time: int) -> Candle | None:
    """Return the candle of the symbol whose crc32 is `code` in a frame, or None if the frame has none of it.

    `time` is the frame's, epoch ms. Raises InvalidValueError for bytes that are no frame.
    """
    plain = open_frame(frame)
    count = len(plain) // SYMBOL_BYTES
    hashes = struct.unpack_from(f"<{count}I", plain)
    if code not in hashes:
        return None
    at = hashes.index(code)
    planes = plain[6 * count :]
    width = LANES * count
    close, opened, high, low, volume = (
        _signed(int.from_bytes(planes[lane * count + at :: width][:8], "little")) for lane in range(LANES)
    )
    opened = _signed(close + _unzigzag(opened))
    prices = opened, _signed(max(opened, close) + high), _signed(min(opened, close) - low), close
    return _candle(time, prices, volume, plain[4 * count + at], plain[5 * count + at])


def chunk_candles(data: bytes) -> Iterator[Candle]:
    """Yield the candles of a chunk, oldest first, without holes. Raises InvalidValueError for bytes that are none."""
    chunk = open_chunk(data)
    bits = -(-chunk.candles // 8)
    mask = chunk.plain[:bits]
    rows = [row for row in range(chunk.candles) if mask[row // 8] >> (7 - row % 8) & 1]
    closes, opens, highs, lows, volumes = (_lane(chunk.plain[bits:], lane, len(rows)) for lane in range(LANES))
    before = 0
    for row, close, opened, high, low, volume in zip(
        rows, accumulate(map(_unzigzag, closes)), opens, highs, lows, volumes, strict=True
    ):
        end, start = _signed(close), _signed(before + _unzigzag(opened))
        prices = (
            start,
            _signed(max(start, end) + _unzigzag(high)),
            _signed(min(start, end) - _unzigzag(low)),
            end,
        )
        yield _candle(chunk.first_open + row * chunk.step, prices, volume, chunk.price_places, chunk.volume_places)
        before = end


def _lane(planes: bytes, lane: int, count: int) -> list[int]:
    """Return the signed numbers of one lane of a chunk, whose bytes lie plane by plane."""
    start = 8 * lane * count
    rows = zip(*(planes[start + plane * count : start + (plane + 1) * count] for plane in range(8)), strict=True)
    return [_I64.unpack(bytes(row))[0] for row in rows]


def _candle(time: int, prices: tuple[int, ...], volume: int, price_places: int, volume_places: int) -> Candle:
    opened, high, low, close = (_number(price, price_places) for price in prices)
    return Candle(time, opened, high, low, close, _number(volume, volume_places))


def _number(whole: int, places: int) -> float:
    """Return the float of a whole number, as `whole_numbers.from_whole` does."""
    if places == AS_BITS:
        (value,) = _F64.unpack(_I64.pack(whole))
        return float(value)
    return float(whole) / float(10**places)


def _unzigzag(number: int) -> int:
    folded = number & _U64
    return (folded >> 1) ^ -(folded & 1)


def _signed(number: int) -> int:
    """Return a number as 64 bits hold it: sums of float bits may wrap around."""
    folded = number & _U64
    return folded - (1 << 64) if folded >> 63 else folded
