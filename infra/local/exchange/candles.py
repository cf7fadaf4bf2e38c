"""Candles of one symbol as arrays, and their aggregation into longer ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

OPEN, HIGH, LOW, CLOSE, VOLUME = range(5)
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@dataclass(frozen=True, eq=False, slots=True)
class Candles:
    """Candles of one symbol, oldest first, holes left out.

    Attributes
    ----------
    times : (n,) int64 array
        Open times in epoch ms, strictly ascending.
    values : (n, 5) float64 array
        Open, high, low, close (quote currency) and volume (base currency).
    """

    times: IntArray
    values: FloatArray

    def __len__(self) -> int:
        return len(self.times)

    def between(self, first_open: int, last_open: int) -> "Candles":
        """Return the candles whose open times lie in [`first_open`, `last_open`] (epoch ms)."""
        start = int(np.searchsorted(self.times, first_open, side="left"))
        stop = int(np.searchsorted(self.times, last_open, side="right"))
        return Candles(self.times[start:stop], self.values[start:stop])

    @classmethod
    def none(cls) -> "Candles":
        """Return no candles."""
        return cls(np.empty(0, np.int64), np.empty((0, 5)))

    @classmethod
    def joined(cls, parts: "Sequence[Candles]") -> "Candles":
        """Return the candles of `parts`, which must follow each other in time, as one."""
        if not parts:
            return cls.none()
        return cls(np.concatenate([part.times for part in parts]), np.concatenate([part.values for part in parts]))


def aggregate(candles: Candles, step_ms: int) -> Candles:
    """Return `candles` put together into candles of `step_ms`, aligned to the epoch.

    A longer candle exists where at least one of its parts does: open of the first, close of the last, the extremes of
    high and low, and the sum of the volumes, rounded to the 8 decimals that exchanges publish.
    """
    if not len(candles):
        return candles
    opens = candles.times - candles.times % step_ms
    starts = np.flatnonzero(np.diff(opens, prepend=opens[0] - 1))
    stops = np.append(starts[1:], len(opens)) - 1
    values = np.empty((len(starts), 5))
    values[:, OPEN] = candles.values[starts, OPEN]
    values[:, HIGH] = np.maximum.reduceat(candles.values[:, HIGH], starts)
    values[:, LOW] = np.minimum.reduceat(candles.values[:, LOW], starts)
    values[:, CLOSE] = candles.values[stops, CLOSE]
    values[:, VOLUME] = np.round(np.add.reduceat(candles.values[:, VOLUME], starts), 8)
    return Candles(opens[starts], values)
