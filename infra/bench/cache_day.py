"""The day of the trace, lived through: readers with a cache each, writers, events on their way, and what warms."""

from bisect import insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from infra.bench.answer_times import WAYS
from infra.bench.cache_house import Answers, Reader, Record, Versions
from infra.bench.cache_trace import HOURS, WORKERS, Read, Write, past, questions, trace
from infra.bench.history_house import END
from signalbox.adapters.caching.answers import AnswerCache
from signalbox.api.page_texts import read_page
from signalbox.domain.caching.figures import CacheFigures
from signalbox.domain.caching.popularity import Popularity
from signalbox.domain.signals.events import EventKind, SignalEvent, event_of
from signalbox.domain.signals.signal import Signal
from signalbox.ports.caching import Reading
from signalbox.ports.signals import FeedQuery, Page
from signalbox.services.kept_pages import query_of, request_of
from signalbox.services.move_versions import Warming, move_versions
from signalbox.services.warm_cache import MOST_WARMED, warm_cache

RELAY = timedelta(milliseconds=400)
"""From a write until its counters have moved: stream, relay, queue."""
WARM_EVERY = timedelta(minutes=5)
SECOND = timedelta(seconds=1)


@dataclass
class Worker:
    """One worker of the API, or the one that warms: pages of signals through a cache of its own, told apart by text.

    `answered` is how it came by its answers, one after the other, by the names of `answer_times.WAYS`.
    """

    day: "Day"
    figures: CacheFigures
    answered: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.reader = Reader(self.day.versions, self.day.answers)
        self.cache = AnswerCache(self.reader, self.day.answers, lambda: self.day.now, self.figures)

    def feed(self, query: FeedQuery) -> Page:
        """Return a page, kept or read."""
        before = self.figures.counted()
        kept = self.cache.answer(request_of(query, self.day.now), lambda: self._read(query))
        counted = self.figures.counted()
        self.answered.extend(way for way, name in WAYS.items() if counted[name] > before[name])
        return self.day.pages[kept.text]

    def _read(self, query: FeedQuery) -> Reading:
        page = self.day.record.feed(query)
        reading = read_page(query, Given(page), self.day.now)
        self.day.pages[reading.text] = page
        return reading


@dataclass(frozen=True, slots=True)
class Given:
    """Implements `ports.FeedReader` for one page."""

    page: Page

    def feed(self, query: FeedQuery) -> Page:
        """Return the page."""
        del query
        return self.page


@dataclass
class Day:
    """The trace played once. `readers` have a cache each, over one record and one store."""

    hears: bool = True
    now: datetime = END
    stale: int = 0
    reads: int = 0
    ttl_hits: int = 0
    figures: CacheFigures = field(default_factory=CacheFigures)
    warmer: CacheFigures = field(default_factory=CacheFigures)

    def __post_init__(self) -> None:
        signals = past()
        self.record, self.plain, self.older = Record(signals), Record(signals), Record(signals)
        self.versions, self.answers, self.popular = Versions(), Answers(), Popularity(END)
        self.pages: dict[str, Page] = {}
        self.workers = [Worker(self, self.figures) for _ in range(WORKERS)]
        self.warming = Worker(self, self.warmer)
        self.happenings = trace(signals)
        self.first_question = questions()[0]
        self._seconds_ago: list[Write] = []
        self._relayed: list[Write] = []
        self._warm_at: list[datetime] = [END + WARM_EVERY * number for number in range(HOURS * 12)]
        self._read_at: dict[str, datetime] = {}

    def play(self) -> "Day":
        """Let the day pass."""
        for happening in self.happenings:
            self._until(happening.at)
            self.now = happening.at
            if isinstance(happening, Write):
                for record in (self.record, self.plain):
                    record.write(happening.signal)
                self._seconds_ago.append(happening)
                self._relayed.append(happening)
            else:
                self._read(happening)
        return self

    def _until(self, moment: datetime) -> None:
        """Let arrive what is on its way, in order: events, then calls to warm."""
        while self._relayed and self._relayed[0].at + RELAY <= moment:
            write = self._relayed.pop(0)
            self.now = write.at + RELAY
            self._warm(self.now)
            if self.hears:
                warming = Warming(self, self.answers)
                move_versions([_event(write)], versions=self.versions, warming=warming, now=self.now)
        self._warm(moment)

    def send(self, bodies: Sequence[Mapping[str, Any]], delay_seconds: int = 0) -> None:
        """Take the message that calls for warming: this is the queue too."""
        del bodies
        insort(self._warm_at, self.now + timedelta(seconds=delay_seconds))

    def _warm(self, moment: datetime) -> None:
        while self._warm_at and self._warm_at[0] <= moment:
            self.now = self._warm_at.pop(0)
            warm_cache(
                self.popular.top(MOST_WARMED),
                ask=self.warming.feed,
                recomputed=lambda: self.warmer.recomputed,
                now=self.now,
            )

    def _read(self, read: Read) -> None:
        query = query_of(read.question, read.at)
        key = read.question.key
        self.reads += 1
        page = self.workers[read.worker].feed(query)
        self.popular = self.popular.heard([(key, 1, read.question.to_message())], read.at)
        truth = self.plain.feed(query)
        if page != truth and not self._was_true(page, read):
            self.stale += 1
        # The cache that needs no events to keep the same promise: a second's life for every answer.
        is_kept = key in self._read_at and read.at - self._read_at[key] <= SECOND
        self.ttl_hits += is_kept
        if not is_kept:
            self._read_at[key] = read.at

    def _was_true(self, page: Page, read: Read) -> bool:
        """Return whether the record, as the tier could see it, was as `page` says within the last second."""
        while self._seconds_ago and self._seconds_ago[0].at < read.at - SECOND:
            self.older.write(self._seconds_ago.pop(0).signal)
        return any(
            self.older.look(replace(query_of(read.question, read.at - ago))) == page for ago in (timedelta(0), SECOND)
        ) or any(self._states(page, read))

    def _states(self, page: Page, read: Read) -> Iterator[bool]:
        for write in list(self._seconds_ago):
            self.older.write(write.signal)
            self._seconds_ago.remove(write)
            yield self.older.look(query_of(read.question, read.at)) == page

    @property
    def after_units(self) -> float:
        """Everything that was read, by readers and to warm: pages, kept pages, counters."""
        return self.record.units + self.figures.spent_read_units + self.warmer.spent_read_units

    @property
    def typical_page(self) -> list[Signal]:
        """A page of as many signals as the day's pages had on average."""
        count = round(self.plain.signals / self.plain.pages)
        return self.plain.look(replace(query_of(self.first_question, END), limit=count)).signals

    @property
    def calls(self) -> int:
        """The calls that readers waited for: looks; and for what was read anew lease, page and keeping it."""
        looks = sum(worker.reader.calls for worker in self.workers)
        return looks + 3 * self.figures.recomputed + self.figures.bypassed


def _event(write: Write) -> SignalEvent:
    kind = EventKind.PUBLISHED if write.is_new else EventKind.ENDED
    return replace(event_of(kind, write.signal), as_of=write.signal.published_at)
