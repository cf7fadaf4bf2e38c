"""Workers with a cache each, over signals whose index lags behind and whose events arrive when told to."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from signalbox.adapters.caching.ages import take_age
from signalbox.adapters.caching.answers import AnswerCache
from signalbox.domain.accounts.account import Tier
from signalbox.domain.signals.events import EventKind, SignalEvent
from signalbox.domain.signals.signal import Signal, Status
from signalbox.ports.caching import KeptAnswer, Reading
from signalbox.ports.signals import FeedQuery, Page
from signalbox.services.kept_pages import request_of
from signalbox.services.move_versions import move_versions
from tests.builders import NOW, ended, make_event, make_signal
from tests.fakes.caching import InMemoryAnswers, InMemoryCacheReader, InMemoryVersions
from tests.fakes.signals import InMemorySignals

DAY = timedelta(days=1)


class LossyAnswers(InMemoryAnswers):
    """Answers that get lost on their way while `loses` is set."""

    loses = False

    def put(self, key: str, answer: KeptAnswer) -> None:
        if not self.loses:
            super().put(key, answer)


@dataclass
class Worker:
    """One worker: pages of signals through a cache of its own; what is kept of a page are its signals' ids."""

    house: "House"
    cache: AnswerCache

    def feed(self, query: FeedQuery) -> Page:
        return self.house.pages[self.cache.answer(request_of(query, self.house.now), lambda: self._read(query)).text]

    def _read(self, query: FeedQuery) -> Reading:
        page = self.house.feed(query)
        text = f"{[(each.signal_id, str(each.status)) for each in page.signals]} {page.cursor}"
        self.house.pages[text] = page
        return Reading(text)


@dataclass
class House:
    """One clock for everything; `lag` is how far the index is behind."""

    now: datetime = NOW + 10 * DAY
    lag: timedelta = timedelta(0)
    hears: bool = True
    states: list[tuple[datetime, dict[str, Signal]]] = field(default_factory=lambda: [(NOW, {})])
    waiting: list[SignalEvent] = field(default_factory=list)
    reads: int = 0
    pages: dict[str, Page] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.versions, self.answers = InMemoryVersions(), LossyAnswers()
        self.reader = InMemoryCacheReader(self.versions, self.answers)
        self.workers = [self.worker(), self.worker()]

    def worker(self, pause: Callable[[float], None] | None = None) -> Worker:
        return Worker(self, AnswerCache(self.reader, self.answers, lambda: self.now, pause=pause or self.sleep))

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def feed(self, query: FeedQuery) -> Page:
        """The index: the record as it was some time ago."""
        self.reads += 1
        return self.truth(query, self.now - self.lag)

    def truth(self, query: FeedQuery, at: datetime) -> Page:
        record = InMemorySignals(b"secret")
        record.stored = next(state for moment, state in reversed(self.states) if moment <= at)
        return record.feed(query)

    def publish(self, number: int) -> None:
        created_at = (self.now - timedelta(minutes=1)).replace(second=number % 60, microsecond=0)
        self._write(make_signal(created_at, published_at=self.now, expires_at=self.now + DAY), EventKind.PUBLISHED)

    def end(self, number: int) -> None:
        opened = [each for each in self.states[-1][1].values() if each.status is Status.OPEN]
        if opened:
            self._write(ended(opened[number % len(opened)]), EventKind.ENDED)

    def fill(self, number: int, kind: EventKind = EventKind.FILLED) -> None:
        """Fill the signal that was published as the `number`-th, or revise it."""
        signal = sorted(self.states[-1][1].values(), key=lambda each: each.published_at)[number]
        self._write(replace(signal, filled_price=signal.levels.entry_price, filled_at=self.now), kind)

    def _write(self, signal: Signal, kind: EventKind) -> None:
        self.states.append((self.now, {**self.states[-1][1], signal.signal_id: signal}))
        self.waiting.append(make_event(signal, kind, as_of=signal.published_at))

    def deliver(self) -> None:
        """Let every event arrive that is on its way."""
        if self.hears:
            move_versions(self.waiting, versions=self.versions, now=self.now)
        self.waiting = []

    def query(self, tier: Tier, limit: int = 3, at: datetime | None = None) -> FeedQuery:
        return FeedQuery(
            since=NOW - 300 * DAY,
            until=NOW + 300 * DAY,
            visible_at=(at or self.now) - tier.delay,
            limit=limit,
            delay_class=str(tier),
        )

    def ask(self, worker: int, tier: Tier, limit: int = 3) -> tuple[Page, int]:
        """Return a page and the age it says it has, 0 if it says none."""
        take_age()
        page = self.workers[worker].feed(self.query(tier, limit))
        return page, take_age() or 0

    def allowed(self, page: Page, tier: Tier, limit: int, oldest: datetime) -> bool:
        """Return whether a page is what the record was at a moment since `oldest`, as its tier could see it then."""
        moments = {oldest, self.now, *(at for at, _ in self.states if oldest <= at <= self.now)}
        reveals = {signal.published_at + tier.delay for signal in self.states[-1][1].values()}
        seen = moments | {at for at in reveals if oldest <= at <= self.now}
        return any(
            self.truth(replace(self.query(tier, limit, looked), cursor=None), at) == page
            for at in moments
            for looked in seen
        )
