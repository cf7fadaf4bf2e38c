"""Regimes: two causal axes, direction and volatility, never one label (docs/definitions.md, "regime")."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from signalbox.domain.instants import from_ms
from signalbox.domain.market.candles import BoolArray, CandleGrid, FloatArray
from signalbox.domain.regimes.change import Direction, RegimeChange, Volatility, label


@dataclass(frozen=True, eq=False)
class Regimes:
    """The regime of every cell of a grid.

    Attributes
    ----------
    direction, volatility : (n_candles, n_symbols) float64 arrays
        Codes of `Direction` and `Volatility`; NaN until warm and where a symbol has no candle.
    """

    direction: FloatArray
    volatility: FloatArray

    @property
    def known(self) -> BoolArray:
        """(n_candles, n_symbols): where both axes are known."""
        return ~(np.isnan(self.direction) | np.isnan(self.volatility))

    def label_at(self, row: int, column: int) -> str:
        """Return the label of one cell."""
        return label(self.direction[row, column], self.volatility[row, column])


def changes(grid: CandleGrid, regimes: Regimes) -> list[RegimeChange]:
    """Return every change of either axis, the first known regime included, ordered by symbol and time.

    A symbol that is unknown for a while and comes back as it was has not changed.
    """
    return [change for column in range(len(grid.symbols)) for change in _changes_of(grid, regimes, column)]


def _changes_of(grid: CandleGrid, regimes: Regimes, column: int) -> Sequence[RegimeChange]:
    rows = np.flatnonzero(regimes.known[:, column])
    pairs = np.stack([regimes.direction[rows, column], regimes.volatility[rows, column]], axis=1)
    changed = np.ones(len(rows), dtype=bool)
    changed[1:] = (pairs[1:] != pairs[:-1]).any(axis=1)
    return [
        RegimeChange(
            grid.symbols[column],
            grid.timeframe,
            from_ms(grid.times[row] + grid.timeframe.milliseconds),
            Direction(int(direction)),
            Volatility(int(volatility)),
        )
        for row, (direction, volatility) in zip(rows[changed], pairs[changed], strict=True)
    ]
