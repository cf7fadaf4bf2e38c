"""Data revisions: what an exchange changed about a candle after it had closed and was stored."""

from collections.abc import Iterable
from dataclasses import dataclass

from signalbox.domain.market.candles import COLUMNS, Candle, CandleGrid


@dataclass(frozen=True, slots=True)
class DataRevision:
    """One change of one candle.

    The stored candle stays: signals were made of it, and whatever is computed of stored candles comes out again. What
    came instead is kept here.

    Attributes
    ----------
    symbol : str
        Whose candle.
    stored, came : Candle
        What is stored and stays, and what the exchange says since, of the same open time.
    seen_at : int
        When that was seen: the close (epoch ms) of the newest candle of the turn.
    """

    symbol: str
    stored: Candle
    came: Candle
    seen_at: int


def revised(grid: CandleGrid, revisions: Iterable[DataRevision]) -> CandleGrid:
    """Return `grid` with what came in place of what is stored; of several changes of a candle the last given counts."""
    columns = [getattr(grid, name).copy() for name in COLUMNS]
    row_of = {int(time): row for row, time in enumerate(grid.times)}
    for revision in revisions:
        row = row_of.get(revision.came.time)
        if row is not None:
            at = grid.symbols.index(revision.symbol)
            for column, value in zip(columns, revision.came[1:], strict=True):
                column[row, at] = value
    return CandleGrid(grid.exchange, grid.timeframe, grid.symbols, grid.times, *columns)
