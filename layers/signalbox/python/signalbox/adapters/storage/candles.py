"""Candles in DynamoDB: the newest as frames, one item per bucket and candle time; older ones as packed chunks.

Several workers may write one item: the shards of a bucket, or one worker twice with a symbol more. Each frame is an
attribute of its own, named for the set of symbols in it (`f_<hash>`) and set once by UpdateItem, so that none
overwrites another, and the same candles written twice are there once. The list `parts` keeps the order in which they
came. Reading merges the frames. Where two of them hold the same candle, the one written first counts: a stored candle
never changes. A write is answered with what was there before it, so `save` says for free which of its candles came
too late.

Reading asks for frames first and for `packed_upto` after them. What compaction deleted before the frames were read it
had packed before, so that no candle is missed however the two meet.

One candle of 100 symbols costs two write units instead of 100. A window of 500 of them loads in three calls.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from zlib import crc32

import numpy as np

from signalbox.adapters.storage.candle_items import Sheet
from signalbox.adapters.storage.candle_table import FrameItem, frame_items, series_of
from signalbox.adapters.storage.chunk_table import packed_upto
from signalbox.adapters.storage.chunks import add_packed
from signalbox.adapters.storage.data_revisions import add_revisions, revisions_of
from signalbox.adapters.storage.dynamo import ConditionFailedError, RawItem, call
from signalbox.adapters.storage.frames import encode_frame, part_name, symbol_hashes
from signalbox.domain.market.candles import COLUMNS, CandleGrid
from signalbox.domain.market.data_revision import DataRevision
from signalbox.domain.market.gaps import Gap, StoredCandles
from signalbox.domain.market.timeframe import Timeframe

WRITERS = 8
"""Frames written at once: a first load writes hundreds, each a round trip of some milliseconds."""


class DynamoCandleStore:
    """Implements `ports.CandleStore`."""

    def load(  # noqa: PLR0913, PLR0917 - the key of a series, and the span
        self, exchange: str, timeframe: Timeframe, bucket: int, symbols: Sequence[str], first_open: int, last_open: int
    ) -> CandleGrid:
        """Return the candles of `read`."""
        return self.read(exchange, timeframe, bucket, symbols, first_open, last_open).grid

    def read(  # noqa: PLR0913, PLR0917 - the key of a series, and the span
        self, exchange: str, timeframe: Timeframe, bucket: int, symbols: Sequence[str], first_open: int, last_open: int
    ) -> StoredCandles:
        """Return what is stored of `symbols` over the span, and the known gaps in it, read consistently.

        Parameters
        ----------
        exchange, timeframe, bucket : str, Timeframe, int
            The series.
        symbols : sequence of str
            The grid's columns.
        first_open, last_open : int
            First and last open time, epoch ms, both included.

        Returns
        -------
        StoredCandles
            Every candle of the span a row; NaN where nothing is stored.

        Raises
        ------
        InvalidValueError
            If two of `symbols` have one crc32, or what is stored is no frame or chunk.
        """
        sheet = Sheet.blank(exchange, timeframe, symbols, first_open, last_open)
        sheet.add_frames(list(frame_items(series_of(exchange, timeframe, bucket), first_open, last_open)))
        if sheet.lacking.any():
            upto = packed_upto(exchange, timeframe, bucket)
            if upto is not None and upto >= first_open:
                add_packed(sheet, upto)
        return StoredCandles(sheet.grid(), tuple(sheet.gaps))

    def save(self, grid: CandleGrid, bucket: int) -> CandleGrid:
        """Store every row of `grid` that holds a candle, and return the grid as it is stored then.

        What was stored before stays, and stands in the grid that is returned wherever `grid` holds a candle for it.

        Raises InvalidValueError if two of the grid's symbols have one crc32.
        """
        series = series_of(grid.exchange, grid.timeframe, bucket)
        hashes = symbol_hashes(grid.symbols)
        cells = np.stack([getattr(grid, name) for name in COLUMNS])
        present = grid.present

        def write(row: int) -> RawItem | None:
            there = present[row]
            return _write(
                series,
                int(grid.times[row]),
                part_name(hashes[there]),
                encode_frame(hashes[there], cells[:, row, there]),
            )

        rows = np.flatnonzero(present.any(axis=1)).tolist()
        if len(rows) == 1:
            before = [write(rows[0])]
        else:
            with ThreadPoolExecutor(WRITERS) as pool:
                before = list(pool.map(write, rows))
        return _stored(grid, [item for item in before if item])

    def note_gaps(self, exchange: str, timeframe: Timeframe, bucket: int, gaps: Sequence[Gap]) -> None:
        """Count one more attempt for each gap, unless its turn (`asked_at`), or a later one, was counted."""
        for gap in gaps:
            _note_gap(series_of(exchange, timeframe, bucket), gap)

    def add_revisions(self, exchange: str, timeframe: Timeframe, revisions: Sequence[DataRevision]) -> int:
        """Store revisions; return how many were not stored before."""
        return add_revisions(exchange, timeframe, revisions)

    def revisions_of(self, exchange: str, timeframe: Timeframe, symbol: str) -> list[DataRevision]:
        """Return a symbol's revisions by time of the candle, then in the order they were seen."""
        return revisions_of(exchange, timeframe, symbol)


def _write(series: str, time: int, part: str, frame: bytes) -> RawItem | None:
    """Set a frame unless one of the same symbols is there; return the item as it was before, or None."""
    place = {"TableName": FrameItem.name(), "Key": {"frame_series": {"S": series}, "time": {"N": str(time)}}}
    try:
        reply = call(
            "UpdateItem",
            {
                **place,
                "UpdateExpression": f"SET {part} = :frame, parts = list_append(if_not_exists(parts, :none), :part)",
                "ConditionExpression": f"attribute_not_exists({part})",
                "ExpressionAttributeValues": {
                    ":frame": {"B": frame},
                    ":none": {"L": []},
                    ":part": {"L": [{"S": part}]},
                },
                "ReturnValues": "ALL_OLD",
            },
        )
    except ConditionFailedError:
        return call("GetItem", {**place, "ConsistentRead": True}).get("Item")
    return reply.get("Attributes")


def _stored(grid: CandleGrid, before: Sequence[RawItem]) -> CandleGrid:
    """Return `grid` with the candles that items held before in place of its own."""
    if not before:
        return grid
    sheet = Sheet.blank(grid.exchange, grid.timeframe, grid.symbols, int(grid.times[0]), int(grid.times[-1]))
    sheet.add_frames(before)
    stays = grid.present & ~sheet.lacking
    cells = (np.where(stays, old, getattr(grid, name)) for name, old in zip(COLUMNS, sheet.cells, strict=True))
    return CandleGrid(grid.exchange, grid.timeframe, grid.symbols, grid.times, *cells)


def _note_gap(series: str, gap: Gap) -> None:
    code = f"{crc32(gap.symbol.encode()):08x}"
    try:
        call(
            "UpdateItem",
            {
                "TableName": FrameItem.name(),
                "Key": {"frame_series": {"S": series}, "time": {"N": str(gap.last_open)}},
                "UpdateExpression": f"SET gf_{code} = :first, gt_{code} = :asked ADD ga_{code} :one",
                "ConditionExpression": f"attribute_not_exists(gt_{code}) OR gt_{code} < :asked",
                "ExpressionAttributeValues": {
                    ":first": {"N": str(gap.first_open)},
                    ":asked": {"N": str(gap.asked_at)},
                    ":one": {"N": "1"},
                },
            },
        )
    except ConditionFailedError:
        return
