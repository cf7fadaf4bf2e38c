"""What the services need to plan work and hand it on: the universe, turns, queues, the clock.

Every method may raise `TransientError` (try again) or `PermanentError` (do not). A conditional write says so and
returns whether it took effect, so that a message handled twice leaves what one handling leaves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from signalbox.domain.universe.universe import Universe


class UniverseRepository(Protocol):
    """The watched symbols, versioned by date."""

    def current(self, at: datetime) -> Universe | None:
        """Return the newest version not newer than `at`, or None before the first."""
        ...

    def add(self, universe: Universe) -> bool:
        """Store a version; return False, changing nothing, if that date has one."""
        ...


@dataclass(frozen=True, slots=True)
class Turn:
    """The newest turn that was planned of one job and timeframe."""

    job: str
    timeframe: str
    as_of: datetime
    planned_at: datetime
    shards: int
    symbols: int


class TurnRepository(Protocol):
    """The newest turn of each job: what `/health` reports, and the market's clock in stepped runs."""

    def record(self, turn: Turn) -> None:
        """Store a turn unless a newer one of its job and timeframe is stored."""
        ...

    def latest(self) -> list[Turn]:
        """Return the newest turn of each job and timeframe."""
        ...


class Queue(Protocol):
    """A queue of JSON messages."""

    def send(self, bodies: Sequence[Mapping[str, Any]], delay_seconds: int = 0) -> None:
        """Send every body, in as few calls as the service allows; raise if any was not taken."""
        ...


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """About how many messages a queue holds: to be taken, taken and not yet done, and held back."""

    name: str
    waiting: int
    in_flight: int
    delayed: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.waiting + self.in_flight + self.delayed


class QueueWatch(Protocol):
    """How full the queues are."""

    def depths(self) -> list[QueueDepth]:
        """Return how full each queue is, about, in one order."""
        ...


class Clock(Protocol):
    """The system clock: the wall clock, or the market's in stepped runs."""

    def now(self) -> datetime:
        """Return the moment it is."""
        ...
