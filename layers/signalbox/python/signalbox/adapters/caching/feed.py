"""Pages of signals, kept in the worker and in DynamoDB until their data change.

Every request reads the counters its answer rests on. While they are as they were, a kept page is given; where they
moved, one reader takes a lease and reads the page anew, and the others wait for it briefly or give what there is, with
its age. Where the cache itself fails, pages are read as if there were none.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from signalbox.adapters.caching.ages import note_age
from signalbox.adapters.caching.near import NearMemory
from signalbox.adapters.caching.pages import read_page, spell_page, units_of
from signalbox.domain.caching.figures import CacheFigures
from signalbox.domain.caching.freshness import LEASE, Stamp, Use, stamp
from signalbox.domain.caching.questions import Question
from signalbox.domain.caching.versions import DataVersion, data_version, names_asked
from signalbox.domain.errors import TransientError
from signalbox.ports.caching import AnswerStore, KeptAnswer, VersionRepository
from signalbox.ports.signals import FeedQuery, FeedReader, Page

NEAR_PAGES = 200
"""Pages that a worker keeps: of fifty signals each, some 30 MB."""
WAITS = 20
WAIT_SECONDS = 0.05
PATIENCE_WITH_STALE = 2
"""Waits before an older page is given instead, where there is one."""


@dataclass(frozen=True, slots=True)
class _Kept:
    stamp: Stamp
    page: Page


@dataclass(frozen=True, slots=True)
class _Request:
    query: FeedQuery
    question: Question
    key: str
    names: tuple[str, ...]
    version: DataVersion
    asked_at: datetime


@dataclass
class CachedFeed:
    """Implements `ports.FeedReader`.

    Parameters
    ----------
    signals : FeedReader
        Where pages are read that are not kept.
    versions, answers : VersionRepository, AnswerStore
        The counters, and what all workers keep.
    now : callable
        Tells the wall clock's time.
    figures : CacheFigures, optional
        What is counted.
    heard : callable, optional
        Told of every question.
    pause : callable, optional
        Waits so many seconds.
    """

    signals: FeedReader
    versions: VersionRepository
    answers: AnswerStore
    now: Callable[[], datetime]
    figures: CacheFigures = field(default_factory=CacheFigures)
    heard: Callable[[Question], None] = lambda _question: None
    pause: Callable[[float], None] = time.sleep
    near: NearMemory[_Kept] = field(default_factory=lambda: NearMemory(NEAR_PAGES))

    def feed(self, query: FeedQuery) -> Page:
        """Return one page of signals in the query's order; see `ports.FeedReader`."""
        self.figures.requests += 1
        question = question_of(query)
        self.heard(question)
        try:
            request = self._request(query, question)
            kept = self._kept(request)
            has_lease = kept is None and self.answers.claim(request.key, self.now(), self.now() + LEASE)
            kept = kept or (None if has_lease else self._awaited(request))
        except TransientError:
            return self._bypassed(query)
        if kept is not None:
            return self._given(kept)
        return self._recomputed(request) if has_lease else self._bypassed(query)

    def _request(self, query: FeedQuery, question: Question) -> _Request:
        asked_at = self.now()
        names = names_asked(query.where, query.since, query.until, query.visible_at)
        version = data_version(self.versions.current(names), query.visible_at)
        self.figures.spent_read_units += len(names) / 2
        return _Request(query, question, question.key, names, version, asked_at)

    def _kept(self, request: _Request) -> _Kept | None:
        near = self.near.get(request.key)
        if near is not None and near.stamp.use(request.version, self.now()) is Use.FRESH:
            self.figures.near_hits += 1
            return near
        shared = self._shared(request.key)
        if shared is not None and shared.stamp.use(request.version, self.now()) is Use.FRESH:
            self.figures.shared_hits += 1
            return shared
        return None

    def _awaited(self, request: _Request) -> _Kept | None:
        """Wait for the reader who has the lease; return what was read meanwhile, or at last what there was before."""
        for waited in range(WAITS):
            kept = self._shared(request.key)
            if kept is not None:
                # Read after this request came: as good as read for it.
                use = kept.stamp.use(request.version, self.now())
                if kept.stamp.read_at >= request.asked_at or use is Use.FRESH:
                    self.figures.waited_hits += 1
                    return kept
                if waited >= PATIENCE_WITH_STALE and use is Use.STALE:
                    self.figures.stale_answers += 1
                    return kept
            self.pause(WAIT_SECONDS)
        return None

    def _shared(self, key: str) -> _Kept | None:
        found = self.answers.get(key)
        self.figures.spent_read_units += units_of(0 if found is None else found.stored_bytes)
        if found is None:
            return None
        kept = _Kept(found.stamp, read_page(found.text))
        self.figures.evictions += self.near.put(key, kept)
        return kept

    def _given(self, kept: _Kept) -> Page:
        age = kept.stamp.age(self.now())
        note_age(age)
        self.figures.oldest_answer_seconds = max(self.figures.oldest_answer_seconds, age)
        self.figures.saved_read_units += kept.stamp.units
        return kept.page

    def _recomputed(self, request: _Request) -> Page:
        read_at = self.now()
        try:
            page = self.signals.feed(request.query)
        except Exception:
            self.answers.release(request.key)
            raise
        self.figures.recomputed += 1
        text = spell_page(page)
        kept = _Kept(stamp(request.version, read_at, units_of(len(text))), page)
        self.figures.evictions += self.near.put(request.key, kept)
        # What cannot be kept now is read by somebody else: the lease ends by itself.
        with suppress(TransientError):
            self.answers.put(request.key, KeptAnswer(kept.stamp, text))
        return page

    def _bypassed(self, query: FeedQuery) -> Page:
        self.figures.bypassed += 1
        return self.signals.feed(query)


def question_of(query: FeedQuery) -> Question:
    """Return the question that a query asks, without the moment at which it does."""
    return Question(
        since=query.since,
        until=query.until,
        where=query.where,
        sort=query.sort,
        descending=query.descending,
        limit=query.limit,
        delay_class=query.delay_class,
        bound_to=query.bound_to,
        cursor=query.cursor,
    )
