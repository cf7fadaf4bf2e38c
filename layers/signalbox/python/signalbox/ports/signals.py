"""What the services need of the record: signals, suppressions, what changed about them.

Every method may raise `TransientError` (try again) or `PermanentError` (do not). A conditional write says so and
returns whether it took effect, so that a message handled twice leaves what one handling leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.history.filters import ANY, SignalFilter, Sort
from signalbox.domain.signals.signal import Ending, Signal
from signalbox.domain.signals.suppression import Suppression

LONGEST_RANKING = timedelta(days=1830)
"""The longest span whose signals are ranked over all symbols: each month of it is a partition that must be asked."""


class StoredSignals(Protocol):
    """The signals, one at a time."""

    def get(self, signal_id: str) -> Signal | None:
        """Return the signal, or None; raise InvalidValueError if `signal_id` is not spelled as one."""
        ...


class FeedReader(Protocol):
    """Pages of signals."""

    def feed(self, query: FeedQuery) -> Page:
        """Return one page of signals in the query's order; raise InvalidValueError for a cursor of another query."""
        ...


class SignalRepository(Protocol):
    """The signals, and nothing that is derived from them."""

    def add(self, signal: Signal) -> bool:
        """Store a new signal; return False, changing nothing, if its id is there already."""
        ...

    def get(self, signal_id: str) -> Signal | None:
        """Return the signal, or None; raise InvalidValueError if `signal_id` is not spelled as one."""
        ...

    def of_symbol(self, symbol: str, since: datetime, until: datetime) -> list[Signal]:
        """Return the signals of a symbol that were created in [since, until), newest first."""
        ...

    def open_of(self, symbols: Iterable[str]) -> list[Signal]:
        """Return every open signal of `symbols`, read consistently enough to be ended: an ended one may still be among
        them for a moment, which `update` then refuses."""
        ...

    def update(self, before: Signal, after: Signal) -> bool:
        """Replace `before` by `after`; return False, changing nothing, if it is no longer as `before` (its status,
        revision or `checked_until` moved on). The published part must be the same in both."""
        ...

    def feed(self, query: FeedQuery) -> Page:
        """Return one page of signals in the query's order; raise InvalidValueError for a cursor of another query."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedQuery:
    """One page of the signals created in [since, until) that fit `where`, after `cursor` if given.

    `visible_at` hides open signals published after it (the tier delay). `bound_to` names what else a cursor must have
    been written for: the span of time, where the caller chose it. `delay_class` names the tier whose delay `visible_at`
    follows: what is kept of an answer is kept for that tier only.
    """

    since: datetime
    until: datetime
    visible_at: datetime
    limit: int
    where: SignalFilter = ANY
    sort: Sort = Sort.CREATED
    descending: bool = True
    cursor: str | None = None
    bound_to: str = ""
    delay_class: str = "premium"

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise InvalidValueError(f"limit must be at least 1, was {self.limit}")
        require_rankable(self.sort, self.where, self.since, self.until)

    @property
    def scope(self) -> str:
        """What a cursor of this query belongs to: the same for each of its pages, another for every other query."""
        return f"{self.sort} {'down' if self.descending else 'up'} {self.bound_to} {self.where.spelled()}"


def require_rankable(sort: Sort, where: SignalFilter, since: datetime, until: datetime) -> None:
    """Raise InvalidValueError if all symbols would be ranked over a longer span than can be."""
    if sort is not Sort.CREATED and not where.symbols and until - since > LONGEST_RANKING:
        raise InvalidValueError(
            f"signals of all symbols can be sorted by {sort} over {LONGEST_RANKING.days} days at most, "
            f"was {(until - since).days}"
        )


@dataclass(frozen=True, slots=True)
class Page:
    """Signals in the order asked for, and the cursor of the next page if there may be one."""

    signals: list[Signal]
    cursor: str | None


class SuppressionRepository(Protocol):
    """Candidates that were not sent, with the reason."""

    def add(self, suppression: Suppression) -> bool:
        """Store it; return False, changing nothing, if it is there already."""
        ...

    def of_symbol(self, symbol: str, limit: int) -> list[Suppression]:
        """Return the newest suppressions of a symbol, newest first."""
        ...

    def due(self, symbol: str, until: datetime, limit: int) -> list[Suppression]:
        """Return the first `limit` suppressed candidates of a symbol that ran out before `until` and have no ending, by
        that time. One that was resolved a moment ago may still be among them, which `resolve` then refuses."""
        ...

    def resolve(self, suppression: Suppression, ending: Ending) -> bool:
        """Store how the stored suppression would have ended; return False, changing nothing, if that is known
        already."""
        ...


class SignalChanges(Protocol):
    """A signal and its history, changed together."""

    def apply(self, before: Signal, after: Signal, record: Mapping[str, Any] | None = None) -> bool:
        """Replace `before` by `after`, and append `record` to its history as number `after.revision`, if there is one.

        Both happen or neither does. Returns False, changing nothing, if the signal is no longer as `before`, if another
        worker is changing it at this moment, or if its history has a record of that number. The published part must be
        the same in both; a record is made of JSON's own types.
        """
        ...


class PriceHistory(Protocol):
    """What changed about a signal, append only."""

    def append(self, signal_id: str, revision: int, record: Mapping[str, Any]) -> bool:
        """Store record number `revision`, made of JSON's own types; return False, changing nothing, if there is one."""
        ...

    def of_signal(self, signal_id: str) -> list[dict[str, Any]]:
        """Return the records of a signal, oldest first."""
        ...
