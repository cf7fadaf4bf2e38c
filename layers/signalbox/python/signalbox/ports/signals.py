"""What the services need of the record: signals, suppressions, what changed about them.

Every method may raise `TransientError` (try again) or `PermanentError` (do not). A conditional write says so and
returns whether it took effect, so that a message handled twice leaves what one handling leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.signals.signal import Signal, Status
from signalbox.domain.signals.suppression import Suppression


class SignalRepository(Protocol):
    """The signals, and nothing that is derived from them."""

    def add(self, signal: Signal) -> bool:
        """Store a new signal; return False, changing nothing, if its id is there already."""
        ...

    def get(self, signal_id: str) -> Signal | None:
        """Return the signal, or None; raise InvalidValueError if `signal_id` is not spelled as one."""
        ...

    def of_symbol(self, symbol: str, limit: int) -> list[Signal]:
        """Return the newest signals of a symbol, newest first."""
        ...

    def open_of(self, symbols: Iterable[str]) -> list[Signal]:
        """Return every open signal of `symbols`, read consistently enough to be ended: an ended one may still be among
        them for a moment, which `update` then refuses."""
        ...

    def update(self, before: Signal, after: Signal) -> bool:
        """Replace `before` by `after`; return False, changing nothing, if it is no longer as `before` (its status or
        revision moved on). The published part must be the same in both."""
        ...

    def feed(self, query: FeedQuery) -> Page:
        """Return one page of signals, newest first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedQuery:
    """One page of the feed: signals created in [since, until), of `symbol` or of all, after `cursor` if given.

    `status` keeps those of one status. `visible_at` hides open signals published after it (the tier delay).
    """

    since: datetime
    until: datetime
    visible_at: datetime
    limit: int
    symbol: str | None = None
    status: str | None = None
    cursor: str | None = None

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise InvalidValueError(f"limit must be at least 1, was {self.limit}")
        if self.status is not None and self.status not in tuple(Status):
            raise InvalidValueError(f"status must be one of {', '.join(Status)}, was {self.status!r}")


@dataclass(frozen=True, slots=True)
class Page:
    """Signals, newest first, and the cursor of the next page if there may be one."""

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


class PriceHistory(Protocol):
    """What changed about a signal, append only."""

    def append(self, signal_id: str, revision: int, record: Mapping[str, Any]) -> bool:
        """Store record number `revision`, made of JSON's own types; return False, changing nothing, if there is one."""
        ...

    def of_signal(self, signal_id: str) -> list[dict[str, Any]]:
        """Return the records of a signal, oldest first."""
        ...
