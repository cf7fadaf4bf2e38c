"""Data versions: which counters a write moves, and which ones an answer rests on.

A write moves the counter of its signal's symbol, of its strategy, of the month it was created in, and that of all
signals. An answer rests on a set of counters that every write which could change it must move: as few as possible, and
those that rest longest. The coin's signals are in an answer only where it is asked for by name, and move no other's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from signalbox.domain.history.filters import SignalFilter
from signalbox.domain.signals.events import EventKind, SignalEvent
from signalbox.domain.signals.identity import decode
from signalbox.domain.signals.signal import NULL_STRATEGY

MOST_NAMES = 5
"""Counters that one answer rests on at most: each is read with every request."""
EVERYTHING = "signals"
"""The counter that every signal moves but the coin's."""
PUBLICATIONS_KEPT = timedelta(hours=1)
"""How far before the newest publication others are remembered: longer than any tier's delay, 15 minutes."""


@dataclass(frozen=True, slots=True)
class Version:
    """One counter: how often it was moved, when last (wall clock), and the newest moments of publication.

    `publications` are by the system clock, as the tier delay is.
    """

    count: int = 0
    moved_at: datetime | None = None
    publications: frozenset[datetime] = frozenset()


@dataclass(frozen=True, slots=True)
class DataVersion:
    """The state of everything that an answer rests on: answers of one `token` are the same answer.

    `moved_at` is when the newest write was heard of, None before the first.
    """

    token: str
    moved_at: datetime | None


def names_touched(event: SignalEvent) -> frozenset[str]:
    """Return the counters that what happened to a signal moves."""
    if event.strategy == NULL_STRATEGY:
        return frozenset({_strategy(event.strategy)})
    month = f"{decode(event.signal_id).created_at:%Y-%m}"
    return frozenset({EVERYTHING, _month(month), _symbol(event.symbol), _strategy(event.strategy)})


def moves_of(events: Iterable[SignalEvent]) -> dict[str, frozenset[datetime]]:
    """Return every counter that `events` move, with the moments of publication among them."""
    found: dict[str, set[datetime]] = {}
    for event in events:
        moments = {event.as_of} if event.kind is EventKind.PUBLISHED else set()
        for name in names_touched(event):
            found.setdefault(name, set()).update(moments)
    return {name: frozenset(moments) for name, moments in found.items()}


def names_asked(where: SignalFilter, since: datetime, until: datetime, now: datetime) -> tuple[str, ...]:
    """Return the counters that an answer rests on which holds the signals created in [since, until) that fit `where`.

    A span of months that are over rests on them: they hardly move. Another one on its symbols, its strategies or its
    months, whichever are few, and at last on all signals. `now` is the system clock's.
    """
    if NULL_STRATEGY in where.strategies:
        return tuple(sorted(map(_strategy, where.strategies)))
    months = _months(since, until)
    if 0 < len(months) <= MOST_NAMES and months[-1] < _month(f"{now:%Y-%m}"):
        return months
    if 0 < len(where.symbols) <= MOST_NAMES:
        return tuple(sorted(map(_symbol, where.symbols)))
    if 0 < len(where.strategies) <= MOST_NAMES:
        return tuple(sorted(map(_strategy, where.strategies)))
    return months if 0 < len(months) <= MOST_NAMES else (EVERYTHING,)


def data_version(versions: Mapping[str, Version], visible_at: datetime) -> DataVersion:
    """Return the version of an answer that rests on `versions` and hides open signals published after `visible_at`.

    It changes when a counter moves, and by itself at the very moment at which a signal that was hidden may be seen.
    """
    counts = ";".join(f"{name}={versions[name].count}" for name in sorted(versions))
    published = (moment for each in versions.values() for moment in each.publications)
    shown = max((moment for moment in published if moment <= visible_at), default=None)
    moved = max((each.moved_at for each in versions.values() if each.moved_at is not None), default=None)
    return DataVersion(sha256(f"{counts};{shown}".encode()).hexdigest()[:32], moved)


def forgotten(publications: frozenset[datetime]) -> frozenset[datetime]:
    """Return those moments of publication that need not be remembered any more."""
    if not publications:
        return publications
    newest = max(publications)
    return frozenset(moment for moment in publications if newest - moment > PUBLICATIONS_KEPT)


def _months(since: datetime, until: datetime) -> tuple[str, ...]:
    """Return the months of [since, until), oldest first; none where there are more than an answer may rest on."""
    first, end = (moment.year * 12 + moment.month - 1 for moment in (since, until))
    last = end if until > until.replace(day=1, hour=0, minute=0, second=0, microsecond=0) else end - 1
    if last - first >= MOST_NAMES:
        return ()
    return tuple(_month(f"{at // 12:04d}-{at % 12 + 1:02d}") for at in range(first, last + 1))


def _month(name: str) -> str:
    return f"month {name}"


def _symbol(name: str) -> str:
    return f"symbol {name}"


def _strategy(name: str) -> str:
    return f"strategy {name}"
