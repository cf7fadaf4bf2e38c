"""Means of signals that are not independent: days are the clusters, and days within one life of each other overlap.

Everything follows from the sums per day. With m = sum(r) / sum(n), a day contributes u = (r - n * m) / sum(n) to the
error of m; its variance is the sum of u squared plus twice the products of days that lie at most `overlap_days` apart,
with Bartlett's weights, and never less than the sum of squares alone. Heavy days count: the degrees of freedom are
those of sum(n)^2 / sum(n^2) equal days, divided by `overlap_days + 1`, less one. At small n that is meant to be
too careful rather than too bold.

References: Liang and Zeger 1986 (clusters); Newey and West 1987 (overlap); Carter, Schnepel and Steigerwald 2017
(effective number of clusters).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import inf, sqrt

from signalbox.domain.statistics.daily import Booked, Day
from signalbox.domain.statistics.student import upper_quantile, upper_tail

OVERLAP_DAYS = 2
"""What a life of 48 hours needs: the house's on 1h candles."""

TAIL = 0.025
"""On each side of an interval of 95 %."""

Days = Mapping[date, Day]
Bookings = Mapping[date, Day] | Mapping[date, Booked]


@dataclass(frozen=True, slots=True)
class Difference:
    """How much higher the mean of one set of signals is than that of another, in R.

    `low` is the lower end of the 95 % interval of the difference, and `p_value` the one-sided probability of a
    difference at least as large if there were none; 1 where nothing can be said.
    """

    mean: float
    standard_error: float
    degrees: int
    low: float
    p_value: float


def mean_r(days: Bookings) -> float | None:
    """Return the mean net R over all signals, None if there is none."""
    n = sum(day.n for day in days.values())
    return sum(day.r for day in days.values()) / n if n else None


def difference(days: Days, base: Days, overlap_days: int = OVERLAP_DAYS) -> Difference | None:
    """Return how the mean of `days` stands against that of `base`, None unless both have two days.

    Days that both share move both means: their contributions are subtracted before they are squared.
    """
    own, other = mean_r(days), mean_r(base)
    if own is None or other is None or min(len(days), len(base)) < 2:
        return None
    errors = _shares(days, own)
    for day, share in _shares(base, other).items():
        errors[day] = errors.get(day, 0.0) - share
    standard_error = sqrt(_variance(errors, overlap_days))
    degrees = min(degrees_of(days, overlap_days), degrees_of(base, overlap_days))
    gap = own - other
    if standard_error == 0:
        # Every day alike, to the last digit: that is a broken record, not a proof.
        return Difference(gap, 0.0, degrees, -inf, 1.0)
    low = gap - upper_quantile(TAIL, degrees) * standard_error
    return Difference(gap, standard_error, degrees, low, upper_tail(gap / standard_error, degrees))


def degrees_of(days: Bookings, overlap_days: int) -> int:
    """Return the degrees of freedom that a set of days is worth, at least 1."""
    n = sum(day.n for day in days.values())
    heaviness = sum(day.n**2 for day in days.values())
    alike = n**2 / heaviness if heaviness else 0.0
    return max(1, int(alike / (overlap_days + 1)) - 1)


def _shares(days: Days, mean: float) -> dict[int, float]:
    n = sum(day.n for day in days.values())
    return {at.toordinal(): (day.r - day.n * mean) / n for at, day in days.items()}


def _variance(errors: Mapping[int, float], overlap_days: int) -> float:
    alone = sum(error**2 for error in errors.values())
    together = alone
    for lag in range(1, overlap_days + 1):
        products = sum(error * errors.get(day - lag, 0.0) for day, error in errors.items())
        together += 2 * (1 - lag / (overlap_days + 1)) * products
    return max(alone, together) * len(errors) / (len(errors) - 1)
