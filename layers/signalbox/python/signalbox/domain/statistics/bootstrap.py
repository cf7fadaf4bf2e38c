"""The bootstrap by day: days are drawn with replacement, whole, because the signals of one day move together.

They are drawn in runs of consecutive days, as many as the lives of signals overlap, so that what one day passes on to
the next is drawn with it. Of few runs the plain percentiles lie too close together: they are moved away from the mean
by as much as Student's t for so many runs reaches farther than the normal distribution. Plain Python, because the
functions that read statistics do without numpy; the number of runs and of draws is bounded, so that an interval takes
some 10 ms however long the record is.

References: Efron and Tibshirani, "An introduction to the bootstrap", 1993; Carlstein 1986 (runs); Hesterberg, "What
teachers should know about the bootstrap", 2015 (why percentiles are too narrow for few, and by how much).
"""

from collections.abc import Mapping
from datetime import date
from functools import cache
from math import sqrt
from random import Random
from typing import Final

from signalbox.domain.statistics.clusters import OVERLAP_DAYS, TAIL, Bookings, degrees_of
from signalbox.domain.statistics.daily import Booked
from signalbox.domain.statistics.rates import NORMAL_95, Interval
from signalbox.domain.statistics.student import upper_quantile

RESAMPLES: Final = 1000
MOST_RUNS: Final = 100
"""Longer runs where there would be more."""


def bootstrap_interval(days: Bookings, overlap_days: int = OVERLAP_DAYS, seed: int = 0) -> Interval | None:
    """Return the 95 % interval of the mean net R, None for fewer than two runs of days.

    Parameters
    ----------
    days : mapping of date to Booked
        Sums per day.
    overlap_days : int
        How many days a signal lives, rounded up.
    seed : int
        The same seed gives the same draws, and so the same interval.
    """
    runs = runs_of(days, overlap_days)
    if len(runs) < 2:
        return None
    means = _resampled_means(runs, seed)
    mean = sum(run.r for run in runs.values()) / sum(run.n for run in runs.values())
    reach = _reach(degrees_of(runs, 0))
    low, high = (mean + reach * (_quantile(means, share) - mean) for share in (TAIL, 1 - TAIL))
    return Interval(low, high)


def runs_of(days: Bookings, overlap_days: int) -> dict[date, Booked]:
    """Return the sums of runs of consecutive days by their first day, runs without a signal left out."""
    if not days:
        return {}
    first = min(days)
    span = (max(days) - first).days + 1
    length = max(overlap_days + 1, -(-span // MOST_RUNS))
    sums: dict[date, Booked] = {}
    for day, each in days.items():
        start = date.fromordinal(day.toordinal() - (day - first).days % length)
        before = sums.get(start, Booked(0, 0.0))
        sums[start] = Booked(before.n + each.n, before.r + each.r)
    return sums


def _resampled_means(runs: Mapping[date, Booked], seed: int) -> list[float]:
    """Return the mean R of each resample, in order. A run is one complex number, R and n: both are added up at once."""
    points = [complex(run.r, run.n) for run in runs.values()]
    random = Random(seed)
    drawn = (sum(random.choices(points, k=len(points))) for _ in range(RESAMPLES))
    return sorted(each.real / each.imag for each in drawn)


@cache
def _reach(degrees: int) -> float:
    """Return how much farther than the percentiles an interval must reach for so few degrees of freedom; 1 for many."""
    return sqrt((degrees + 1) / degrees) * upper_quantile(TAIL, degrees) / NORMAL_95


def _quantile(values: list[float], share: float) -> float:
    """Return a quantile of sorted values, between two of them in proportion."""
    place = share * (len(values) - 1)
    below = int(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (values[above] - values[below]) * (place - below)
