"""Answers, kept in the worker and in DynamoDB until their data change.

Every request reads the counters its answer rests on. While they are as they were, a kept answer is given; where they
moved, one reader takes a lease and reads anew, and the others wait for it briefly or give what there is, with its age.
If it is slow, or died, one more of them goes for each second that the others waited in vain: never all at once. Where
the cache itself fails, answers are read as if there were none.

What is kept is text as it is sent, so that an answer found here is neither decoded nor put together again. Counters
and answer come in one call where the worker knows beforehand that its own answer will not do: it has none, or saw the
counters move.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from signalbox.adapters.caching.ages import note_age
from signalbox.adapters.caching.near import NearMemory
from signalbox.adapters.read_units import tallied
from signalbox.domain.caching.figures import CacheFigures
from signalbox.domain.caching.freshness import LEASE, Use, stamp
from signalbox.domain.caching.questions import Question
from signalbox.domain.caching.versions import DataVersion, Version, data_version
from signalbox.domain.errors import TransientError
from signalbox.ports.caching import AnswerStore, CacheReader, KeptAnswer, Reading, Request

NEAR_ANSWERS = 200
"""Answers that a worker keeps: of fifty signals each, some 15 MB."""
NEAR_NAMES = 500
"""Counters that a worker remembers as it saw them last."""
WAITS = 20
WAIT_SECONDS = 0.05
MOST_READERS = 5
"""Who go one after the other for the same answer, until everybody does."""
PATIENCE_WITH_STALE = 2
"""Waits before an older answer is given instead, where there is one."""
READ_UNIT = 4096
"""Bytes of items that half a read unit holds, read eventually."""


def units_of(size: int) -> float:
    """Return the read units of an eventually consistent read that finds `size` bytes, at least."""
    return max(-(-size // READ_UNIT), 1) / 2


@dataclass(frozen=True, slots=True)
class _Look:
    """What a request found: the data's version, a kept answer that may be given, and when it came."""

    version: DataVersion
    kept: KeptAnswer | None
    asked_at: datetime


@dataclass
class AnswerCache:
    """Implements `ports.KeptAnswers`.

    Parameters
    ----------
    reader, answers : CacheReader, AnswerStore
        The counters, and what all workers keep.
    now : callable
        Tells the wall clock's time.
    figures : CacheFigures, optional
        What is counted.
    heard : callable, optional
        Told of every question that can be asked again.
    pause : callable, optional
        Waits so many seconds.
    """

    reader: CacheReader
    answers: AnswerStore
    now: Callable[[], datetime]
    figures: CacheFigures = field(default_factory=CacheFigures)
    heard: Callable[[Question], None] = lambda _question: None
    pause: Callable[[float], None] = time.sleep
    near: NearMemory[KeptAnswer] = field(default_factory=lambda: NearMemory(NEAR_ANSWERS))
    seen: NearMemory[Version] = field(default_factory=lambda: NearMemory(NEAR_NAMES))

    def answer(self, request: Request, read: Callable[[], Reading]) -> Reading:
        """Return the answer to a request; see `ports.KeptAnswers`."""
        self.figures.requests += 1
        if request.question is not None:
            self.heard(request.question)
        try:
            look = self._look(request)
            kept, lease = (look.kept, None) if look.kept is not None else self._awaited(request, look)
        except TransientError:
            return self._bypassed(read)
        if kept is not None:
            return self._given(kept)
        return self._bypassed(read) if lease is None else self._recomputed(request, look.version, lease, read)

    def _look(self, request: Request) -> _Look:
        """Read the counters; and what is kept in the table, where what the worker itself keeps is not good."""
        asked_at = self.now()
        near = self.near.get(request.key)
        if near is None or not self._is_fresh(near, self._remembered(request), request):
            versions, shared = self.reader.look(request.names, request.key)
            version = self._noted(request, versions)
            self._spent(shared)
        else:
            version = self._noted(request, self.reader.current(request.names))
            if self._is_fresh(near, version, request):
                self.figures.near_hits += 1
                return _Look(version, near, asked_at)
            shared = self._shared(request.key)
        if shared is not None and self._is_fresh(shared, version, request):
            self.figures.shared_hits += 1
            self._keep_near(request.key, shared)
            return _Look(version, shared, asked_at)
        return _Look(version, None, asked_at)

    def _remembered(self, request: Request) -> DataVersion:
        """Return the data's version by the counters as this worker saw them last: it may be older, never newer."""
        versions = {name: self.seen.get(name) or Version() for name in request.names}
        return data_version(versions, request.visible_at)

    def _noted(self, request: Request, versions: Mapping[str, Version]) -> DataVersion:
        self.figures.spent_read_units += len(versions) / 2
        for name, version in versions.items():
            self.seen.put(name, version)
        return data_version(versions, request.visible_at)

    def _is_fresh(self, kept: KeptAnswer, version: DataVersion, request: Request) -> bool:
        return kept.stamp.use(version, self.now(), request.now) is Use.FRESH

    def _awaited(self, request: Request, look: _Look) -> tuple[KeptAnswer | None, str | None]:
        """Take a lease, or wait for the readers who have them; return the answer or the lease, or neither at last."""
        for reader in range(MOST_READERS):
            lease = f"{request.key} {reader}" if reader else request.key
            if self.answers.claim(lease, self.now(), self.now() + LEASE):
                return None, lease
            kept = self._read_meanwhile(request, look)
            if kept is not None:
                return kept, None
        return None, None

    def _read_meanwhile(self, request: Request, look: _Look) -> KeptAnswer | None:
        """Wait a while; return what was read meanwhile, or what there was before if it may still be given."""
        for waited in range(WAITS):
            kept = self._shared(request.key)
            if kept is not None:
                # Read after this request came: as good as read for it.
                use = kept.stamp.use(look.version, self.now(), request.now)
                if kept.stamp.read_at >= look.asked_at or use is Use.FRESH:
                    self.figures.waited_hits += 1
                    self._keep_near(request.key, kept)
                    return kept
                if waited >= PATIENCE_WITH_STALE and use is Use.STALE:
                    self.figures.stale_answers += 1
                    return kept
            self.pause(WAIT_SECONDS)
        return None

    def _shared(self, key: str) -> KeptAnswer | None:
        found = self.answers.get(key)
        self._spent(found)
        return found

    def _spent(self, found: KeptAnswer | None) -> None:
        self.figures.spent_read_units += units_of(0 if found is None else found.stored_bytes)

    def _keep_near(self, key: str, kept: KeptAnswer) -> None:
        self.figures.evictions += self.near.put(key, kept)

    def _given(self, kept: KeptAnswer) -> Reading:
        age = kept.stamp.age(self.now())
        note_age(age)
        self.figures.age_seconds += age
        self.figures.saved_read_units += kept.stamp.units
        return kept.reading

    def _recomputed(self, request: Request, version: DataVersion, lease: str, read: Callable[[], Reading]) -> Reading:
        read_at = self.now()
        self.figures.recomputed += 1  # also where it comes to nothing: the tables were read
        try:
            with tallied() as tally:
                reading = read()
        except Exception:
            # The refusal is what the caller must hear; a lease that cannot be given back ends by itself.
            with suppress(TransientError):
                self.answers.release(lease)
            raise
        units = units_of(len(reading.text)) if tally.units is None else tally.units
        self.figures.recomputed_read_units += units
        kept = KeptAnswer(stamp(version, read_at, units, reading.turns_at), reading)
        self._keep_near(request.key, kept)
        # What cannot be kept now is read by somebody else: the lease ends by itself.
        with suppress(TransientError):
            self.answers.put(request.key, kept)
        return reading

    def _bypassed(self, read: Callable[[], Reading]) -> Reading:
        self.figures.bypassed += 1
        return read()
