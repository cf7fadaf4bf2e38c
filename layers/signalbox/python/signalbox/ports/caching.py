"""What the cache of questions needs: versions of the data, a place for answers, a record of what was asked.

Every method may raise `TransientError` (try again) or `PermanentError` (do not).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from signalbox.domain.caching.figures import CacheFigures
from signalbox.domain.caching.freshness import Stamp
from signalbox.domain.caching.questions import Question
from signalbox.domain.caching.versions import Moves, Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question, asked at a moment.

    `key` tells it from every other question, and callers of different delays apart wherever open signals may be in the
    answer. `names` are the counters that the answer rests on; `visible_at` hides open signals published after it, and
    `now` is the moment it is for, both by the system clock. `question` is what to remember of it as asked for, if it
    is to be asked again when its data change.
    """

    key: str
    names: tuple[str, ...]
    visible_at: datetime
    now: datetime
    question: Question | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read for a question: the answer's `text`, and when it changes by itself (system clock), None for never.

    `beside` is what whoever asked needs to complete the answer, and is kept with it.
    """

    text: str
    beside: str = ""
    turns_at: datetime | None = None


class KeptAnswers(Protocol):
    """Answers that are read once and given until their data change."""

    def answer(self, request: Request, read: Callable[[], Reading]) -> Reading:
        """Return the answer to a request: a kept one while its data are as they were, else what `read` reads.

        How old a kept one is, `take_answer_age` of the composition root tells.
        """
        ...


class VersionRepository(Protocol):
    """Counters that only ever grow. They are compared for equality, so one that moved twice for one write makes readers
    look twice and leaves the same answers."""

    def move(self, moves: Mapping[str, Moves], now: datetime) -> None:
        """Move every counter named, remembering the moments of publication given with it; `now` is the wall clock's."""
        ...


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """A reading with its stamp, and what reading it from here takes, in bytes."""

    stamp: Stamp
    reading: Reading
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


class CacheReader(Protocol):
    """Everything that a request needs to know of the cache, in one call."""

    def current(self, names: Sequence[str]) -> Mapping[str, Version]:
        """Return the counters as they were a moment ago; one that was never moved is at its beginning."""
        ...

    def look(self, names: Sequence[str], key: str) -> tuple[Mapping[str, Version], KeptAnswer | None]:
        """Return the counters as `current` does, and what is kept under `key` as `AnswerStore.get`, in one call."""
        ...


class CacheFiguresRepository(Protocol):
    """What the caches of all workers did, by the day (UTC)."""

    def add(self, grown: Mapping[str, float], now: datetime) -> None:
        """Add what grew of a worker's figures, by name, to those of the day of `now` (wall clock)."""
        ...

    def of_day(self, now: datetime) -> CacheFigures:
        """Return the sums of the day of `now`."""
        ...


class AskedRepository(Protocol):
    """The record of what is asked for most."""

    def hear(self, requests: Iterable[tuple[str, int, Mapping[str, Any]]], now: datetime) -> None:
        """Add requests: each a key, how often, and the question in JSON's own types. Some may be lost."""
        ...

    def top(self, most: int) -> list[Mapping[str, Any]]:
        """Return the `most` questions that were asked most, the first first."""
        ...
