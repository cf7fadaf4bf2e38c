"""What the cache of questions saves on a day of readers and writers, and whether anybody gets what is old."""

from bisect import insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from infra.bench.cache_house import Answers, Record, Versions
from infra.bench.cache_trace import HOURS, WORKERS, Read, Write, past, trace
from infra.bench.findings import Figure, Findings, Table
from infra.bench.history_house import END
from infra.bench.registry import subject
from signalbox.adapters.caching.feed import CachedFeed
from signalbox.domain.caching.figures import CacheFigures
from signalbox.domain.caching.popularity import Popularity
from signalbox.domain.signals.events import EventKind, SignalEvent
from signalbox.domain.signals.signal import Signal
from signalbox.ports.signals import Page
from signalbox.services.move_versions import Warming, move_versions
from signalbox.services.warm_cache import MOST_WARMED, query_of, warm_cache

RELAY = timedelta(milliseconds=400)
"""From a write until its counters have moved: stream, relay, queue."""
WARM_EVERY = timedelta(minutes=5)
SECOND = timedelta(seconds=1)
CALL_MS = 4.0
KILOBYTE_MS = 0.14
"""What a call to DynamoDB takes in the model of time, and each KB of its reply that is read and decoded: measured on
one core (8.2 ms for 100 KB), and the API has 0.58 of one."""


@dataclass
class Day:
    """The trace played once. `readers` have a cache each, over one record and one store."""

    hears: bool = True
    now: datetime = END
    stale: int = 0
    reads: int = 0
    ttl_hits: int = 0
    before_units: float = 0.0
    before_ms: float = 0.0
    figures: CacheFigures = field(default_factory=CacheFigures)
    warmer: CacheFigures = field(default_factory=CacheFigures)

    def __post_init__(self) -> None:
        signals = past()
        self.record, self.plain, self.older = Record(signals), Record(signals), Record(signals)
        self.versions, self.answers, self.popular = Versions(), Answers(), Popularity(END)
        self.workers = [self._worker(self.figures) for _ in range(WORKERS)]
        self.warming = self._worker(self.warmer)
        self.happenings = trace(signals)
        self._seconds_ago: list[Write] = []
        self._relayed: list[Write] = []
        self._warm_at: list[datetime] = [END + WARM_EVERY * number for number in range(HOURS * 12)]
        self._read_at: dict[str, datetime] = {}

    def _worker(self, figures: CacheFigures) -> CachedFeed:
        return CachedFeed(self.record, self.versions, self.answers, lambda: self.now, figures)

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
                pages=self.warming,
                recomputed=lambda: self.warmer.recomputed,
                now=self.now,
            )

    def _read(self, read: Read) -> None:
        query = query_of(read.question, read.at)
        key = read.question.key
        self.reads += 1
        page = self.workers[read.worker].feed(query)
        self.popular = self.popular.heard([(key, 1, read.question.to_message())], read.at)
        size = self.plain.bytes
        truth = self.plain.feed(query)
        self.before_ms += CALL_MS + KILOBYTE_MS * (self.plain.bytes - size) / 1024
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
    def after_ms(self) -> float:
        """The readers' time in the model: counters, then what was kept or the page itself."""
        counted = self.figures
        direct = counted.recomputed + counted.bypassed
        kilobytes = self.plain.bytes / self.plain.pages / 1024
        calls = counted.requests + counted.shared_hits + 4 * direct  # look, lease, read, keep
        return CALL_MS * calls + KILOBYTE_MS * kilobytes * (direct + counted.shared_hits)


def _event(write: Write) -> SignalEvent:
    signal: Signal = write.signal
    return SignalEvent(
        kind=EventKind.PUBLISHED if write.is_new else EventKind.ENDED,
        signal_id=signal.signal_id,
        revision=signal.revision,
        as_of=signal.published_at,
        symbol=signal.symbol,
        strategy=signal.strategy,
        timeframe=str(signal.timeframe),
        signal_type=str(signal.signal_type),
        status=str(signal.status),
        quality_score=signal.quality_score,
        origin=str(signal.origin),
    )


@subject("Cache: what it saves on a day's trace, warming counted in, and whether anybody reads what is old")
def measure() -> Findings:
    """Return `cache.hit_rate`, `cache.read_units_saved`, `cache.stale_reads`, `cache.hit_rate_gain` and
    `history.query_time_cut`."""
    day = Day().play()
    deaf = Day(hears=False).play()
    writes = sum(isinstance(each, Write) for each in day.happenings)
    on = f"{day.reads:,} reads by Zipf's law and {writes:,} writes in bursts, {WORKERS} workers"
    ttl_rate = day.ttl_hits / day.reads
    return Findings(
        figures=(
            Figure("cache.hit_rate", day.figures.hit_rate, "higher", 0.9, f"{on}: reads that read no table / reads"),
            Figure(
                "cache.read_units_saved",
                1 - day.after_units / day.plain.units,
                "higher",
                0.6,
                f"{on}: 1 - read units with the cache (counters, kept pages, warming) / without; from item sizes",
            ),
            Figure(
                "cache.stale_reads",
                float(day.stale),
                "lower",
                0.0,
                f"{on}: answers that the record did not give at any moment of the second before, with events"
                f" {RELAY.total_seconds()} s on their way; without events {deaf.stale:,}",
            ),
            Figure(
                "cache.hit_rate_gain",
                day.figures.hit_rate - ttl_rate,
                "higher",
                0.4,
                f"{on}: hit rate - that of a cache with the same promise by time alone, one second ({ttl_rate:.2f})",
            ),
            Figure(
                "history.query_time_cut",
                1 - day.after_ms / day.before_ms,
                "higher",
                0.6,
                f"{on}: 1 - time with the cache / without, in a model of {CALL_MS:g} ms a call and {KILOBYTE_MS:g} ms"
                " a KB decoded",
            ),
        ),
        tables=(_how(day),),
    )


def _how(day: Day) -> Table:
    counted = day.figures
    rows: Sequence[tuple[str, str]] = (
        ("in the worker", f"{counted.near_hits / counted.requests:.1%}"),
        ("in the table", f"{counted.shared_hits / counted.requests:.1%}"),
        ("read anew by a reader", f"{counted.recomputed / counted.requests:.1%}"),
        ("read anew to warm", f"{day.warmer.recomputed:,} pages"),
        ("read units without, with", f"{day.plain.units:,.0f}, {day.after_units:,.0f}"),
    )
    return Table("How a day's questions were answered", ("where", "share"), tuple(rows))
