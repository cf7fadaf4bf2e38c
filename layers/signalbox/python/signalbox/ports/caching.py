"""What the cache of questions needs: versions of the data, a place for answers, a record of what was asked.

Every method may raise `TransientError` (try again) or `PermanentError` (do not).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from signalbox.domain.caching.freshness import Stamp
from signalbox.domain.caching.versions import Version


class VersionRepository(Protocol):
    """Counters that only ever grow. They are compared for equality, so one that moved twice for one write makes readers
    look twice and leaves the same answers."""

    def move(self, moves: Mapping[str, frozenset[datetime]], now: datetime) -> None:
        """Move every counter named, remembering the moments of publication given with it; `now` is the wall clock's."""
        ...

    def current(self, names: Sequence[str]) -> Mapping[str, Version]:
        """Return the counters as they were a moment ago; one that was never moved is at its beginning."""
        ...


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer as text of the one who keeps it, and its stamp. `stored_bytes` is what reading it read."""

    stamp: Stamp
    text: str
    stored_bytes: int = 0


class AnswerStore(Protocol):
    """Where all workers keep answers."""

    def get(self, key: str) -> KeptAnswer | None:
        """Return the answer kept under `key`, however old."""
        ...

    def put(self, key: str, answer: KeptAnswer) -> None:
        """Keep an answer, unless one is kept that was read later; whoever has the lease has it no more."""
        ...

    def claim(self, key: str, now: datetime, until: datetime) -> bool:
        """Take the lease of `key` until `until`; return False if somebody has it at `now` (wall clock)."""
        ...

    def release(self, key: str) -> None:
        """Give the lease back without an answer."""
        ...


class AskedRepository(Protocol):
    """The record of what is asked for most."""

    def hear(self, requests: Iterable[tuple[str, int, Mapping[str, Any]]], now: datetime) -> None:
        """Add requests: each a key, how often, and the question in JSON's own types. Some may be lost."""
        ...

    def top(self, most: int) -> list[Mapping[str, Any]]:
        """Return the `most` questions that were asked most, the first first."""
        ...
