"""The bootstrap by day: days are drawn with replacement, whole, because the signals of one day move together."""

from typing import Final

import numpy as np

from signalbox.domain.market.candles import FloatArray
from signalbox.domain.statistics.clusters import OVERLAP_DAYS, TAIL, Days
from signalbox.domain.statistics.rates import Interval

RESAMPLES: Final = 2000


def resampled_means(days: Days, *, resamples: int = RESAMPLES, seed: int = 0) -> FloatArray:
    """Return the mean net R of each resample.

    Parameters
    ----------
    days : mapping of date to Day
        Sums per day; at least one day.
    resamples : int
        How many.
    seed : int
        The same seed gives the same draws.

    Returns
    -------
    (resamples,) float64 array

    References
    ----------
    Efron and Tibshirani, "An introduction to the bootstrap", 1993; clusters drawn whole as in Davison and Hinkley,
    "Bootstrap methods and their application", 1997, section 3.8.
    """
    sums = np.array([day.r for day in days.values()])
    counts = np.array([day.n for day in days.values()], dtype=np.float64)
    times_drawn = np.random.default_rng(seed).multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=resamples)
    means: FloatArray = (times_drawn @ sums) / (times_drawn @ counts)
    return means


def bootstrap_interval(days: Days, overlap_days: int = OVERLAP_DAYS) -> Interval | None:
    """Return the 95 % percentile interval of the mean net R, None for fewer than two days.

    The same question as `clusters.mean_interval` answers without numpy, to which it is interchangeable;
    `overlap_days` is accepted for that, and not used: days are drawn one by one.
    """
    del overlap_days
    if len(days) < 2:
        return None
    low, high = np.quantile(resampled_means(days), [TAIL, 1 - TAIL])
    return Interval(float(low), float(high))
