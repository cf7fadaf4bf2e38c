"""Data versions: which counters a write moves, and which ones an answer rests on.

A write moves the counter of its signal's symbol, of its strategy, of the month it was created in, and that of all
signals; an ending that was counted moves those of the statistics. An answer rests on a set of counters that every write
which could change it must move: as few as possible, and those that rest longest. The coin's signals are in an answer
only where it is asked for by name, and move no other's.

A publication moves a counter for nobody before their tier may see it, and neither does what happens to the signal
until then: what is hidden from an answer leaves it as it is. Only its ending shows a signal to everybody.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256

from signalbox.domain.history.filters import SignalFilter
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.events import EventKind, SignalEvent
from signalbox.domain.signals.identity import decode
from signalbox.domain.signals.signal import NULL_STRATEGY

MOST_NAMES = 5
"""Counters that one answer rests on at most: each is read with every request."""
EVERYTHING = "signals"
"""The counter that every signal moves but the coin's."""
STATISTICS = "statistics"
"""The counter that every ending moves once it is in the sums."""
MADE_ANEW = "statistics made anew"
"""The counter that moves when other sums are served: every answer from them rests on it."""
SENTIMENT = "sentiment"
"""The counter that each reading of the news moves."""
PUBLICATIONS_KEPT = timedelta(hours=1)
"""How far before the newest publication others are remembered: longer than any tier's delay, 15 minutes."""
NEWS_KEPT = timedelta(seconds=10)
"""How long it matters when a move was heard of: longer than any index lags behind its table."""


@dataclass(frozen=True, slots=True)
class Moves:
    """How often one counter moves at once. Each moment in `publications` (system clock) is one of these `times`: a move
    that counts from the moment on at which a caller may see what was published then, for it is about such a signal."""

    times: int = 1
    publications: frozenset[datetime] = frozenset()

    @property
    def wait(self) -> bool:
        """Whether none of them counts for everybody at once."""
        return self.times == len(self.publications)


@dataclass(frozen=True, slots=True)
class Waiting:
    """The moves that count from one publication on: how many, and when the last was heard of (wall clock)."""

    moves: int
    heard_at: datetime


@dataclass(frozen=True, slots=True)
class Version:
    """One counter: how often it was moved, and which of the moves are about signals published lately.

    `publications` are by their moment (the system clock, as the tier delay is); those that everybody may see by now are
    forgotten, and count like any other move. `changed_at` is when the last of the others was heard of (wall clock).
    """

    count: int = 0
    publications: Mapping[datetime, Waiting] = field(default_factory=dict)
    changed_at: datetime | None = None

    def seen(self, visible_at: datetime) -> int:
        """Return how many moves count for a caller who may see what was published at `visible_at` or before.

        It never goes down, and goes up with every change that such a caller could see.
        """
        return self.count - sum(each.moves for moment, each in self.publications.items() if moment > visible_at)

    def heard_at(self, visible_at: datetime) -> datetime | None:
        """Return when the newest move was heard of that counts for such a caller, None before the first.

        How soon an answer is read again must not tell of what it hides.
        """
        heard = [each.heard_at for moment, each in self.publications.items() if moment <= visible_at]
        return max(heard if self.changed_at is None else [*heard, self.changed_at], default=None)


@dataclass(frozen=True, slots=True)
class DataVersion:
    """The state of everything that an answer rests on: answers of one `token` are the same answer.

    `moved_at` is when the newest write was heard of that may be in it, None before the first.
    """

    token: str
    moved_at: datetime | None


def names_touched(event: SignalEvent) -> frozenset[str]:
    """Return the counters that what happened to a signal moves."""
    if event.strategy == NULL_STRATEGY:
        return frozenset({_strategy(event.strategy)})
    return frozenset({EVERYTHING, _month(_created_in(event)), symbol_name(event.symbol), _strategy(event.strategy)})


def moves_of(events: Iterable[SignalEvent]) -> dict[str, Moves]:
    """Return every counter that `events` move, with the publications that moves are to count from."""
    publications: dict[str, set[datetime]] = {}
    others: set[str] = set()
    for event in events:
        names, waits = names_touched(event), _waits(event)
        for name in names:
            publications.setdefault(name, set()).update({event.published_at} if waits else ())
        others |= frozenset() if waits else names
    return {
        name: Moves(len(moments) + (name in others), frozenset(moments)) for name, moments in publications.items()
    }  # fmt: skip


def statistics_moves(events: Iterable[SignalEvent]) -> dict[str, Moves]:
    """Return the counters of the statistics that `events` move once they are counted: statistics tell only what has
    ended, and of the coin's signals as well."""
    months = {_created_in(event) for event in events if event.kind is EventKind.ENDED}
    return dict.fromkeys(
        [STATISTICS, *(f"{STATISTICS} {month}" for month in sorted(months))] if months else [], Moves()
    )


def statistics_asked(since: date, until: date) -> tuple[str, ...]:
    """Return the counters that an answer rests on which sums the signals created on the days [since, until)."""
    first, end = (datetime.combine(day, time(), UTC) for day in (since, until))
    months = _months(first, end)
    few = 0 < len(months) < MOST_NAMES
    return (MADE_ANEW, *((f"{STATISTICS} {month}" for month in months) if few else (STATISTICS,)))


def regime_name(symbol: str, timeframe: Timeframe) -> str:
    """Return the counter that every change of a symbol's regime moves."""
    return f"regime {symbol}#{timeframe}"


def signal_names(signal_id: str) -> tuple[str, ...]:
    """Return the counters that an answer about one signal rests on; raise InvalidValueError if it is no id."""
    found = decode(signal_id)
    return (_strategy(found.strategy) if found.strategy == NULL_STRATEGY else symbol_name(found.symbol),)


def names_asked(where: SignalFilter, since: datetime, until: datetime, now: datetime) -> tuple[str, ...]:
    """Return the counters that an answer rests on which holds the signals created in [since, until) that fit `where`.

    A span of months that are over rests on them: they hardly move. Another one on its symbols, its strategies or its
    months, whichever are few, and at last on all signals. `now` is the system clock's.
    """
    if NULL_STRATEGY in where.strategies:
        are_few = len(where.strategies) <= MOST_NAMES
        return tuple(sorted(map(_strategy, where.strategies))) if are_few else (EVERYTHING, _strategy(NULL_STRATEGY))
    months = tuple(map(_month, _months(since, until)))
    if months and months[-1] < _month(f"{now:%Y-%m}"):
        return months
    if 0 < len(where.symbols) <= MOST_NAMES:
        return tuple(sorted(map(symbol_name, where.symbols)))
    if 0 < len(where.strategies) <= MOST_NAMES:
        return tuple(sorted(map(_strategy, where.strategies)))
    return months or (EVERYTHING,)


def data_version(versions: Mapping[str, Version], visible_at: datetime) -> DataVersion:
    """Return the version of an answer that rests on `versions` and hides open signals published after `visible_at`.

    It changes when a counter moves by something to be seen, and by itself at the very moment at which a signal that was
    hidden may be seen.
    """
    counts = ";".join(f"{name}={versions[name].seen(visible_at)}" for name in sorted(versions))
    heard = (each.heard_at(visible_at) for each in versions.values())
    moved_at = max((moment for moment in heard if moment is not None), default=None)
    return DataVersion(sha256(counts.encode()).hexdigest()[:32], moved_at)


def forgotten(publications: Mapping[datetime, Waiting], now: datetime) -> frozenset[datetime]:
    """Return those moments of publication that need not be remembered any more at `now`, the wall clock's."""
    newest = max(publications, default=None)
    return frozenset(
        moment
        for moment, each in publications.items()
        if newest is not None and newest - moment > PUBLICATIONS_KEPT and now - each.heard_at > NEWS_KEPT
    )


def symbol_name(symbol: str) -> str:
    """Return the counter of a symbol's signals."""
    return f"symbol {symbol}"


def _months(since: datetime, until: datetime) -> tuple[str, ...]:
    """Return the months of [since, until), oldest first; none where there are more than an answer may rest on."""
    first, end = (moment.year * 12 + moment.month - 1 for moment in (since, until))
    last = end if until > until.replace(day=1, hour=0, minute=0, second=0, microsecond=0) else end - 1
    if last - first >= MOST_NAMES:
        return ()
    return tuple(f"{at // 12:04d}-{at % 12 + 1:02d}" for at in range(first, last + 1))


def _waits(event: SignalEvent) -> bool:
    """Return whether what happened may be hidden still from somebody: the signal was young, and open."""
    return event.kind is not EventKind.ENDED and event.as_of - event.published_at <= PUBLICATIONS_KEPT


def _created_in(event: SignalEvent) -> str:
    return f"{decode(event.signal_id).created_at:%Y-%m}"


def _month(name: str) -> str:
    return f"month {name}"


def _strategy(name: str) -> str:
    return f"strategy {name}"
