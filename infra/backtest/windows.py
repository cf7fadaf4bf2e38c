"""Walk-forward: the same fixed rules over one window after another, so that one lucky month cannot carry a record.

Windows share no outcome: a signal whose life reaches beyond its window's end is purged, and so is one created within
the embargo after its start. Nothing is fitted, so there is no training window in front of each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from signalbox.domain.instants import to_iso
from signalbox.domain.signals.signal import NULL_STRATEGY, Signal
from signalbox.domain.statistics.bootstrap import bootstrap_interval
from signalbox.domain.statistics.clusters import Days, mean_r
from signalbox.domain.statistics.daily import of, total
from signalbox.domain.statistics.rates import Interval
from signalbox.domain.strategies.registry import strategies

EMBARGO: Final = timedelta(days=1)
_LENGTHS = (7, 15, 30, 60, 90, 180, 365)
_MOST_WINDOWS = 13


@dataclass(frozen=True, slots=True)
class Window:
    """One strategy in one window. `purged` counts the signals left out by purge and embargo; `expectancy` is in net R,
    `base` the coin's in the same window."""

    start: str
    end: str
    n: int
    purged: int
    expectancy: float | None
    interval: Interval | None
    base: float | None


def window_days(start: datetime, end: datetime) -> int:
    """Return the length of a window: the shortest that gives at most thirteen."""
    span = (end - start) / timedelta(days=1)
    return next((days for days in _LENGTHS if span / days <= _MOST_WINDOWS), _LENGTHS[-1])


def walk_forward(
    signals: Sequence[Signal], start: datetime, end: datetime, *, overlap_days: int
) -> dict[str, list[Window]]:
    """Return each strategy's windows over [start, end), oldest first; the last one may be shorter."""
    names = {*(strategy.name for strategy in strategies()), *(signal.strategy for signal in signals)}
    found: dict[str, list[Window]] = {name: [] for name in names}
    length = timedelta(days=window_days(start, end))
    first = start
    while first < end:
        last = min(first + length, end)
        inside = [signal for signal in signals if first <= signal.created_at < last]
        kept = [signal for signal in inside if signal.created_at >= first + EMBARGO and signal.expires_at <= last]
        base = mean_r(_days(kept, NULL_STRATEGY))
        for name in names:
            days = _days(kept, name)
            given, left = (sum(signal.strategy == name for signal in some) for some in (inside, kept))
            found[name].append(
                Window(
                    start=to_iso(first),
                    end=to_iso(last),
                    n=sum(day.n for day in days.values()),
                    purged=given - left,
                    expectancy=mean_r(days),
                    interval=bootstrap_interval(days, overlap_days),
                    base=base,
                )
            )
        first = last
    return found


def _days(signals: Sequence[Signal], strategy: str) -> Days:
    return total(of(signal) for signal in signals if signal.strategy == strategy).days
