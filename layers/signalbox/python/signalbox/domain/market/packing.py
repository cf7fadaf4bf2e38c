"""How history is packed: which candles share a chunk, and which are old enough for one.

All lengths are counted in candles of the timeframe and aligned to the epoch: a chunk of 1h candles holds 20 days.
"""

from signalbox.domain.market.timeframe import Timeframe

CHUNK_CANDLES = 480
"""Candles per chunk, of every timeframe: 5m 40 hours, 1h 20 days, 4h 80 days, 1d 480 days. Most fit one read unit."""
BLOCK_CANDLES = 24
"""History is packed by so many candles at once, a whole number of which make a chunk."""
HOT_CANDLES = 24
"""The newest candles stay in frames: gaps in them are still asked for again."""


def chunk_start(timeframe: Timeframe, open_time: int) -> int:
    """Return the open time (epoch ms) of the first candle of the chunk that a candle belongs to."""
    return open_time - open_time % (CHUNK_CANDLES * timeframe.milliseconds)


def chunk_end(timeframe: Timeframe, start: int) -> int:
    """Return the open time (epoch ms) of the last candle of the chunk that begins at `start`."""
    return start + (CHUNK_CANDLES - 1) * timeframe.milliseconds


def chunk_starts(timeframe: Timeframe, first_open: int, last_open: int) -> list[int]:
    """Return the starts (epoch ms) of the chunks that a span of open times (both included) touches."""
    first = chunk_start(timeframe, first_open)
    return list(range(first, last_open + 1, CHUNK_CANDLES * timeframe.milliseconds))


def packed_upto(timeframe: Timeframe, now_ms: int) -> int:
    """Return the open time (epoch ms) of the last candle that is packed at `now_ms`: the end of a whole block, followed
    by at least `HOT_CANDLES` closed candles."""
    block = BLOCK_CANDLES * timeframe.milliseconds
    hot_from = timeframe.last_closed_open(now_ms) - (HOT_CANDLES - 1) * timeframe.milliseconds
    return hot_from - hot_from % block - timeframe.milliseconds
