"""Candles for readers without numpy: one symbol's, from the same frames and chunks that `DynamoCandleStore` keeps."""

from zlib import crc32

from signalbox.adapters.storage.candle_table import FrameItem, frame_items, frames_in, series_of
from signalbox.adapters.storage.chunk_table import fetch_packed, packed_upto
from signalbox.adapters.storage.plain_codec import chunk_candles, frame_candle
from signalbox.domain.market.candle import Candle
from signalbox.domain.market.timeframe import Timeframe


class DynamoCandleReader:
    """Implements `ports.CandleReader`."""

    def read(  # noqa: PLR0913, PLR0917 - the key of a series, and the span
        self, exchange: str, timeframe: Timeframe, bucket: int, symbol: str, first_open: int, last_open: int
    ) -> list[Candle]:
        """Return the stored candles of a symbol over the span (epoch ms, both ends included), oldest first.

        Of two views of a candle the one written first counts, and one in a frame before one in a chunk.
        """
        found = _in_frames(series_of(exchange, timeframe, bucket), symbol, first_open, last_open)
        step = timeframe.milliseconds
        lacking = next((time for time in range(first_open, last_open + 1, step) if time not in found), None)
        upto = None if lacking is None else packed_upto(exchange, timeframe, bucket)
        if lacking is not None and upto is not None and upto >= lacking:
            for chunk in fetch_packed(exchange, timeframe, {symbol: lacking}, upto).values():
                for candle in chunk_candles(chunk.data):
                    if first_open <= candle.time <= last_open:
                        found.setdefault(candle.time, candle)
        return [found[time] for time in sorted(found)]

    def newest_open(self, exchange: str, timeframe: Timeframe, bucket: int) -> int | None:
        """Return when the newest stored candle of a bucket opened (epoch ms), or None before the first."""
        newest = FrameItem.newest_raw("frame_series", series_of(exchange, timeframe, bucket), 1)
        return int(newest[0]["time"]["N"]) if newest else None


def _in_frames(series: str, symbol: str, first_open: int, last_open: int) -> dict[int, Candle]:
    code = crc32(symbol.encode())
    found: dict[int, Candle] = {}
    for item in frame_items(series, first_open, last_open):
        time = int(item["time"]["N"])
        for frame in frames_in(item).values():
            candle = frame_candle(frame, code, time)
            if candle is not None:
                found.setdefault(time, candle)
    return found
