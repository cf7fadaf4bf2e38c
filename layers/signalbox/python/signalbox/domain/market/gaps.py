"""Gaps: candles that lack between others. The exchange is asked again a few times; then it has none.

A gap is asked for in the turn that finds it, then 2, 4 and 8 candles after the time before, always in the same query as
the newest candle. After `MOST_ATTEMPTS` answers without it, it is genuine and never asked for again.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from signalbox.domain.market.candles import BoolArray, CandleGrid
from signalbox.domain.market.timeframe import Timeframe

MOST_ATTEMPTS = 4


@dataclass(frozen=True, slots=True)
class Gap:
    """Candles of one symbol that the exchange did not give.

    Attributes
    ----------
    symbol : str
        Whose.
    first_open, last_open : int
        Open times (epoch ms) of the first and last of them. For a symbol listed within the window of a turn, the first
        is the window's: how far back it was asked for.
    attempts : int
        Answers of the exchange that held later candles, and none of these.
    asked_at : int
        Open time (epoch ms) of the newest candle of the turn that asked last.
    """

    symbol: str
    first_open: int
    last_open: int
    attempts: int
    asked_at: int

    @property
    def genuine(self) -> bool:
        """Whether the exchange has none, and is not asked again."""
        return self.attempts >= MOST_ATTEMPTS

    def rests(self, last_open: int, timeframe: Timeframe) -> bool:
        """Return whether the turn whose newest candle opens at `last_open` leaves it alone."""
        return self.genuine or last_open < self.asked_at + timeframe.milliseconds * 2**self.attempts


@dataclass(frozen=True, eq=False)
class StoredCandles:
    """What is stored of a span: the candles, and what is known of those that lack."""

    grid: CandleGrid
    gaps: tuple[Gap, ...] = ()

    @property
    def settled(self) -> BoolArray:
        """(n_candles, n_symbols): where there is a candle, or a genuine gap."""
        return np.asarray(self.grid.present | cells_of((gap for gap in self.gaps if gap.genuine), self.grid))


def cells_of(gaps: Iterable[Gap], grid: CandleGrid) -> BoolArray:
    """Return which cells (n_candles, n_symbols) of `grid` the gaps are."""
    cells = np.zeros(grid.close.shape, dtype=np.bool_)
    column_of = {symbol: column for column, symbol in enumerate(grid.symbols)}
    for gap in gaps:
        if gap.symbol in column_of:
            start = np.searchsorted(grid.times, gap.first_open, side="left")
            stop = np.searchsorted(grid.times, gap.last_open, side="right")
            cells[start:stop, column_of[gap.symbol]] = True
    return cells


def holes(grid: CandleGrid) -> BoolArray:
    """Return where (n_candles, n_symbols) a symbol lacks a candle and has a later one."""
    later = np.logical_or.accumulate(grid.present[::-1], axis=0)[::-1]
    return np.asarray(later & ~grid.present)


def runs(marked: BoolArray) -> list[tuple[int, int]]:
    """Return the first and last index of each run of True in a line (n,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marked, [False]])))
    return [(int(first), int(after) - 1) for first, after in edges.reshape(-1, 2)]
