"""Rate limits: a budget of weight per window of wall time for each exchange."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """`weight` that may be spent in each window of `seconds`."""

    weight: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Usage:
    """What is spent of a budget. `reset_seconds` is how long the window still lasts."""

    used: int
    limit: int
    reset_seconds: float

    @property
    def exceeded(self) -> bool:
        """Whether the request that was just counted goes beyond the budget."""
        return self.used > self.limit


class Limiter:
    """Counts the weight spent on one exchange; a window begins with its first request. Safe to use from many threads.

    Parameters
    ----------
    budget : Budget
        The real exchange's.
    scale : float
        How many times the real budget is granted here.
    monotonic : callable
        Seconds of a clock that never goes back.
    """

    def __init__(self, budget: Budget, scale: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._limit = max(1, round(budget.weight * scale))
        self._seconds = budget.seconds
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._window_end = -math.inf
        self._used = 0

    def spend(self, weight: int) -> Usage:
        """Count a request of `weight`, refused or not, and return where the budget stands."""
        with self._lock:
            now = self._monotonic()
            if now >= self._window_end:
                self._window_end, self._used = now + self._seconds, 0
            self._used += weight
            return Usage(self._used, self._limit, self._window_end - now)
