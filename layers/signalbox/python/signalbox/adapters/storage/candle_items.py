"""How frame items of the candles table are put together into the candles of a span."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from signalbox.adapters.storage.candle_table import frames_in
from signalbox.adapters.storage.dynamo import RawItem
from signalbox.adapters.storage.frames import Frames, decode_frames, symbol_hashes
from signalbox.domain.market.candles import COLUMNS, BoolArray, CandleGrid, FloatArray, IntArray
from signalbox.domain.market.gaps import Gap
from signalbox.domain.market.timeframe import Timeframe


@dataclass(eq=False)
class Sheet:
    """The cells of a span of candles while they are put together.

    Attributes
    ----------
    exchange, timeframe, symbols
        As in `CandleGrid`.
    times : (n_candles,) int64 array
        Open times, epoch ms.
    cells : (5, n_candles, n_symbols) float64 array
        In the order of `candles.COLUMNS`; NaN where nothing is known yet.
    gaps : list of Gap
        What is known of candles that lack.
    """

    exchange: str
    timeframe: Timeframe
    symbols: tuple[str, ...]
    times: IntArray
    cells: FloatArray
    gaps: list[Gap] = field(default_factory=list)

    @classmethod
    def blank(
        cls, exchange: str, timeframe: Timeframe, symbols: Sequence[str], first_open: int, last_open: int
    ) -> "Sheet":
        """Return a sheet of holes; raise InvalidValueError if two of `symbols` share a crc32."""
        symbol_hashes(symbols)
        times = np.arange(first_open, last_open + 1, timeframe.milliseconds, dtype=np.int64)
        cells = np.full((len(COLUMNS), len(times), len(symbols)), np.nan)
        return cls(exchange, timeframe, tuple(symbols), times, cells)

    @property
    def lacking(self) -> BoolArray:
        """(n_candles, n_symbols): where there is no candle."""
        return np.asarray(np.isnan(self.cells[3]))

    def grid(self) -> CandleGrid:
        """Return the candles."""
        return CandleGrid(self.exchange, self.timeframe, self.symbols, self.times, *self.cells)

    def add_frames(self, items: Sequence[RawItem]) -> list[tuple[Frames, list[int]]]:
        """Take in what frame items hold of the sheet's symbols; return the decoded frames, each with its rows.

        Of two frames that hold the same candle the one written first counts: a stored candle never changes.
        """
        hashes = symbol_hashes(self.symbols).tolist()
        column_of = {code: column for column, code in enumerate(hashes)}
        rows: list[int] = []
        places: list[int] = []
        parts: list[bytes] = []
        for item in items:
            row = self._row(int(item["time"]["N"]))
            if row is not None:
                found = list(frames_in(item).values())
                rows += [row] * len(found)
                places += range(len(found))
                parts += found
                self.gaps += _gaps_in(item, {f"{code:08x}": self.symbols[at] for code, at in column_of.items()})
        decoded = [(frames, [rows[position] for position in frames.positions]) for frames in decode_frames(parts)]
        # In the order of writing: each frame in the place it has among those of its item.
        held_by = np.full(self.lacking.shape, len(parts))
        for frames, at_rows in decoded:
            _merge(self.cells, held_by, frames, at_rows, [places[position] for position in frames.positions], column_of)
        return decoded

    def _row(self, time: int) -> int | None:
        row, offset = divmod(time - int(self.times[0]), self.timeframe.milliseconds) if len(self.times) else (0, 1)
        return row if offset == 0 and 0 <= row < len(self.times) else None


def _gaps_in(item: RawItem, symbol_of: dict[str, str]) -> Iterator[Gap]:
    for name in item:
        symbol = symbol_of.get(name[3:]) if name.startswith("ga_") else None
        if symbol is not None:
            yield Gap(
                symbol,
                first_open=int(item["gf_" + name[3:]]["N"]),
                last_open=int(item["time"]["N"]),
                attempts=int(item[name]["N"]),
                asked_at=int(item["gt_" + name[3:]]["N"]),
            )


def _merge(  # noqa: PLR0913, PLR0917 - the cells, and what is laid over them
    cells: FloatArray,
    held_by: IntArray,
    frames: Frames,
    rows: list[int],
    places: list[int],
    column_of: dict[int, int],
) -> None:
    """Lay frames over the cells, each where no frame of an earlier place has a candle (`held_by`)."""
    codes = frames.hashes.tolist()
    asked = [at for at, code in enumerate(codes) if code in column_of]
    if not asked:
        return
    where = np.ix_(np.array(rows), np.array([column_of[codes[at]] for at in asked]))
    found = frames.cells[:, :, asked]
    place = np.array(places)[:, None]
    earlier = ~np.isnan(found[3]) & (place < held_by[where])
    held_by[where] = np.where(earlier, place, held_by[where])
    for column, values in zip(cells, found, strict=True):
        column[where] = np.where(earlier, values, column[where])
