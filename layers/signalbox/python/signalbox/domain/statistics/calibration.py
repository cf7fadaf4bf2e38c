"""Whether a confidence of 0.6 comes true six times in ten: Brier score and skill first, then ECE, then the table."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt

from signalbox.domain.statistics.daily import Bin
from signalbox.domain.statistics.rates import Rate, rate

_MOST_BINS = 20


@dataclass(frozen=True, slots=True)
class Reliability:
    """One row of the reliability table: n signals of a mean confidence, and the share that hit the target."""

    n: int
    confidence: float
    observed: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """How confidences and outcomes agree.

    `hit_rate` is the share that hit the target; `brier` is the mean of (p - y)^2; `skill` is 1 - brier / brier of
    always saying the hit rate, None where all outcomes are alike; `ece` the mean distance of the table's rows, weighted
    by n.
    """

    n: int
    hit_rate: Rate
    brier: float
    skill: float | None
    ece: float
    table: tuple[Reliability, ...]


def calibration(bins: Sequence[Bin]) -> Calibration | None:
    """Return the calibration of signals in fine bins of confidence, None without any.

    Brier score and skill are exact. The table has about sqrt(n) bins, at most 20, of as equal mass as whole fine bins
    allow: equal-mass bins are less fragile than equal-width ones.

    References
    ----------
    Brier 1950; Guo et al., "On calibration of modern neural networks", 2017 (ECE).
    """
    n = sum(each.n for each in bins)
    if n == 0:
        return None
    hits = sum(each.hits for each in bins)
    brier = (sum(each.pp for each in bins) - 2 * sum(each.p_hits for each in bins) + hits) / n
    uncertainty = hits / n * (1 - hits / n)
    table = tuple(_row(group) for group in _equal_mass(bins, min(max(isqrt(n), 1), _MOST_BINS)))
    return Calibration(
        n=n,
        hit_rate=rate(hits, n),
        brier=brier,
        skill=1 - brier / uncertainty if uncertainty else None,
        ece=sum(row.n * abs(row.observed - row.confidence) for row in table) / n,
        table=table,
    )


def _equal_mass(bins: Sequence[Bin], count: int) -> list[list[Bin]]:
    """Group neighbouring fine bins into at most `count` groups, closing one when its share of the mass is reached."""
    n = sum(each.n for each in bins)
    groups: list[list[Bin]] = [[]]
    passed = 0
    for each in bins:
        if groups[-1] and passed >= n * len(groups) / count:
            groups.append([])
        groups[-1].append(each)
        passed += each.n
    return groups


def _row(group: Sequence[Bin]) -> Reliability:
    n = sum(each.n for each in group)
    return Reliability(n, sum(each.p for each in group) / n, sum(each.hits for each in group) / n)
