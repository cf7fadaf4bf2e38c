"""Whether a strategy has an edge: it must clear the coin's expectancy, among all strategies that were looked at.

The test, in full. For each strategy the null hypothesis is that its expectancy is not above the coin's. R is bounded at
5 either way for this: a fill right beside the stop makes R as large as one likes, so that its plain mean has no finite
variance, and no test of it could hold its level. The p-value is one-sided, from the difference of the two means with
days as clusters (see `clusters`). Over all strategies looked at, those with too few signals included (their p is 1),
Benjamini and Hochberg's procedure holds the false discovery rate at 2.5 %, which is what a two-sided interval of 95 %
leaves on the side that counts. An edge is shown where that rejects, and the strategy has at least `ENOUGH` booked
signals on at least `ENOUGH_DAYS` days, and its own mean, bounded likewise, is above zero: to lose less than a coin is
no edge.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from signalbox.domain.statistics.clusters import OVERLAP_DAYS, TAIL, Days, Difference, difference, mean_r
from signalbox.domain.statistics.daily import Day
from signalbox.domain.statistics.rates import ENOUGH

ENOUGH_DAYS = 20


class Shown(StrEnum):
    """What a page says of an edge."""

    SHOWN = "shown"
    NOT_SHOWN = "not shown"


@dataclass(frozen=True, slots=True)
class Edge:
    """The verdict on one strategy.

    `adjusted_p` is the p-value after Benjamini-Hochberg over the `looked_at` strategies, `reason` one sentence.
    `difference` is None where one of the two has no two days of signals.
    """

    verdict: Shown
    reason: str
    difference: Difference | None
    adjusted_p: float
    looked_at: int


def edges(candidates: Mapping[str, Days], base: Days, overlap_days: int = OVERLAP_DAYS) -> dict[str, Edge]:
    """Return the verdict on each strategy.

    Parameters
    ----------
    candidates : mapping of str to mapping of date to Day
        The days of every strategy looked at, the coin not among them.
    base : mapping of date to Day
        The coin's, over the same span and universe.
    overlap_days : int
        How many days a signal lives, rounded up.
    """
    yardstick = _bounded(base)
    differences = {name: difference(_bounded(days), yardstick, overlap_days) for name, days in candidates.items()}
    weak = {name: _weakness(days) for name, days in candidates.items()}
    p_values = [1.0 if weak[name] or found is None else found.p_value for name, found in differences.items()]
    adjusted = dict(zip(differences, benjamini_hochberg(p_values), strict=True))
    return {
        name: _verdict(candidates[name], found, adjusted[name], weak[name], len(candidates))
        for name, found in differences.items()
    }


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Return the adjusted p-values, in the order given: reject where one is at most the false discovery rate wanted.

    References
    ----------
    Benjamini and Hochberg, "Controlling the false discovery rate", 1995.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__, reverse=True)
    adjusted = [1.0] * len(p_values)
    least = 1.0
    for position, at in enumerate(order):
        least = min(least, p_values[at] * len(p_values) / (len(p_values) - position))
        adjusted[at] = least
    return adjusted


def _bounded(days: Days) -> Days:
    return {at: Day(day.n, day.bounded, day.bounded) for at, day in days.items()}


def _weakness(days: Days) -> str:
    n = sum(day.n for day in days.values())
    if n < ENOUGH:
        return f"too few signals: {n}, needs {ENOUGH}"
    if len(days) < ENOUGH_DAYS:
        return f"too few days: {len(days)}, needs {ENOUGH_DAYS}"
    return ""


def _verdict(days: Days, found: Difference | None, adjusted_p: float, weakness: str, looked_at: int) -> Edge:
    reason = weakness
    if not reason and found is None:
        reason = "the coin has too few days to compare with"
    elif not reason and adjusted_p > TAIL:
        reason = f"its interval does not clear the coin's: adjusted p {adjusted_p:.3f} is above {TAIL}"
    elif not reason and (mean_r(_bounded(days)) or 0.0) <= 0:
        reason = "it clears the coin, but loses after costs"
    if reason:
        return Edge(Shown.NOT_SHOWN, reason, found, adjusted_p, looked_at)
    return Edge(Shown.SHOWN, f"it clears the coin: adjusted p {adjusted_p:.4f}", found, adjusted_p, looked_at)
