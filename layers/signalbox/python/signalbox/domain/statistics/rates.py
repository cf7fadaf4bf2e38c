"""Rates that say how much they are worth: a share with its n and its Wilson 95 % interval."""

from dataclasses import dataclass
from math import sqrt

from signalbox.domain.errors import InvalidValueError

ENOUGH = 30
"""Below this n a rate is shown as "too few"."""

NORMAL_95 = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval that holds the true value with a confidence of 95 %; both ends included."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Rate:
    """`hits` of `n`. `value` and `interval` are None where n is 0."""

    hits: int
    n: int
    value: float | None
    interval: Interval | None

    @property
    def too_few(self) -> bool:
        """Whether n is too small to say anything."""
        return self.n < ENOUGH


def rate(hits: int, n: int) -> Rate:
    """Return the share `hits / n` with its interval; raise InvalidValueError unless 0 <= hits <= n."""
    if not 0 <= hits <= n:
        raise InvalidValueError(f"hits must be between 0 and n, were {hits} of {n}")
    return Rate(hits, n, hits / n if n else None, wilson(hits, n) if n else None)


def wilson(hits: int, n: int) -> Interval:
    """Return the Wilson score interval (95 %) of a share.

    Parameters
    ----------
    hits, n : int
        0 <= hits <= n, and n > 0.

    References
    ----------
    Wilson, "Probable inference, the law of succession, and statistical inference", 1927; recommended for small n by
    Brown, Cai and DasGupta, "Interval estimation for a binomial proportion", 2001.
    """
    if n <= 0:
        raise InvalidValueError(f"n must be positive, was {n}")
    share = hits / n
    shrink = 1 + NORMAL_95**2 / n
    centre = (share + NORMAL_95**2 / (2 * n)) / shrink
    half = NORMAL_95 / shrink * sqrt(share * (1 - share) / n + NORMAL_95**2 / (4 * n**2))
    # At the ends the interval reaches 0 and 1 exactly; rounding must not push it past the share itself.
    return Interval(0.0 if hits == 0 else centre - half, 1.0 if hits == n else centre + half)


def profit_factor(gains: float, losses: float) -> float | None:
    """Return gains / losses, both as positive sums of net R; None while nothing was lost, never 0 or infinity."""
    return gains / losses if losses > 0 else None
