"""Candles in DynamoDB: one item per bucket and candle time, which holds frames of many symbols.

Several workers may write one item: the shards of a bucket, or one worker twice with a symbol more. Each frame is an
attribute of its own, named for the set of symbols in it (`f_<hash>`) and set by UpdateItem, so that writes commute,
none overwrites another's symbols, and the same candles written twice are there once. Reading merges the frames. Where
two of them hold the same candle, the one with the greater volume counts: a candle only ever gains trades.

One candle of 100 symbols costs two write units instead of 100, and 500 of them load in two calls and 25 ms.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from pynamodb.attributes import UnicodeAttribute

from signalbox.adapters.storage.attributes import WholeAttribute
from signalbox.adapters.storage.dynamo import RawItem, Table, call
from signalbox.adapters.storage.frames import Frames, decode_frames, encode_frame, part_name, symbol_hashes
from signalbox.domain.market.candles import COLUMNS, CandleGrid, FloatArray
from signalbox.domain.market.timeframe import Timeframe

WRITERS = 8
"""Frames written at once: a first load writes hundreds, each a round trip of some milliseconds."""


class FrameItem(Table):
    """The frames of one bucket's symbols at one candle time; each is a binary attribute `f_<hash of its symbols>`."""

    class Meta:
        table_name = ""

    setting = "CANDLES_TABLE"
    frame_series = UnicodeAttribute(hash_key=True)  # exchange#timeframe#bucket
    time = WholeAttribute(range_key=True)  # open time, epoch ms


class DynamoCandleStore:
    """Implements `ports.CandleStore`."""

    def load(  # noqa: PLR0913, PLR0917 - the key of a series, and the span
        self, exchange: str, timeframe: Timeframe, bucket: int, symbols: Sequence[str], first_open: int, last_open: int
    ) -> CandleGrid:
        """Return what is stored of `symbols` over the span, read consistently.

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
        CandleGrid
            Every candle of the span a row; NaN where nothing is stored.

        Raises
        ------
        InvalidValueError
            If two of `symbols` have one crc32, or what is stored is no frame.
        """
        step = timeframe.milliseconds
        times = np.arange(first_open, last_open + 1, step, dtype=np.int64)
        cells = np.full((len(COLUMNS), len(times), len(symbols)), np.nan)
        column_of = {code: column for column, code in enumerate(symbol_hashes(symbols).tolist())}
        rows, parts = [], []
        for item in _items(_series(exchange, timeframe, bucket), first_open, last_open):
            row, offset = divmod(int(item["time"]["N"]) - first_open, step)
            if offset == 0:
                found = [item[name]["B"] for name in sorted(item) if name.startswith("f_")]
                rows += [row] * len(found)
                parts += found
        for frames in decode_frames(parts):
            _merge(cells, frames, rows, column_of)
        return CandleGrid(exchange, timeframe, tuple(symbols), times, *cells)

    def save(self, grid: CandleGrid, bucket: int) -> None:
        """Store every row of `grid` that holds a candle; what is stored of other symbols or times stays.

        Raises InvalidValueError if two of the grid's symbols have one crc32.
        """
        series = _series(grid.exchange, grid.timeframe, bucket)
        hashes = symbol_hashes(grid.symbols)
        cells = np.stack([getattr(grid, name) for name in COLUMNS])
        present = grid.present

        def write(row: int) -> None:
            there = present[row]
            _write(
                series,
                int(grid.times[row]),
                part_name(hashes[there]),
                encode_frame(hashes[there], cells[:, row, there]),
            )

        rows = np.flatnonzero(present.any(axis=1)).tolist()
        if len(rows) == 1:
            write(rows[0])
        elif rows:
            with ThreadPoolExecutor(WRITERS) as pool:
                list(pool.map(write, rows))


def _series(exchange: str, timeframe: Timeframe, bucket: int) -> str:
    return f"{exchange}#{timeframe}#{bucket}"


def _items(series: str, first_open: int, last_open: int) -> Iterator[RawItem]:
    if first_open > last_open:
        return
    pages = FrameItem.query_raw(
        "#frame_series = :series AND #time BETWEEN :first AND :last",
        {":series": {"S": series}, ":first": {"N": str(first_open)}, ":last": {"N": str(last_open)}},
        ConsistentRead=True,
    )
    for page in pages:
        yield from page


def _write(series: str, time: int, part: str, frame: bytes) -> None:
    call(
        "UpdateItem",
        {
            "TableName": FrameItem.name(),
            "Key": {"frame_series": {"S": series}, "time": {"N": str(time)}},
            "UpdateExpression": f"SET {part} = :frame",
            "ExpressionAttributeValues": {":frame": {"B": frame}},
        },
    )


def _merge(cells: FloatArray, frames: Frames, rows: list[int], column_of: dict[int, int]) -> None:
    codes = frames.hashes.tolist()
    asked = [at for at, code in enumerate(codes) if code in column_of]
    if not asked:
        return
    columns = np.array([column_of[codes[at]] for at in asked])
    where = np.ix_(np.array([rows[position] for position in frames.positions]), columns)
    found = frames.cells[:, :, asked]
    stored = np.stack([column[where] for column in cells])
    newer = np.isnan(stored[3]) | (found[4] > stored[4])
    for column, now, before in zip(cells, found, stored, strict=True):
        column[where] = np.where(newer, now, before)
