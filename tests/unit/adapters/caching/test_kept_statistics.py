"""Kept sums are never older than what was counted, whenever somebody asks while events are being counted."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest

from signalbox.adapters.caching.answers import AnswerCache
from signalbox.domain.caching.questions import key_of
from signalbox.domain.caching.versions import statistics_asked
from signalbox.domain.signals.events import EventKind
from signalbox.domain.signals.signal import Origin
from signalbox.domain.statistics.contributions import Contribution
from signalbox.ports.caching import Reading, Request
from signalbox.services.move_versions import move_versions
from signalbox.services.read_statistics import Question, group_statistics
from signalbox.services.update_read_models import rebuild_statistics, update_read_models
from tests.builders import NOW, ended, make_event, make_signal
from tests.fakes.caching import InMemoryCacheReader
from tests.fakes.signals import InMemorySignals
from tests.fakes.statistics import InMemoryStatistics

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


class WatchedStatistics(InMemoryStatistics):
    """Statistics that somebody looks at while events are being counted, which takes its time."""

    before: Callable[[], object] = staticmethod(lambda: None)
    after: Callable[[], object] = staticmethod(lambda: None)

    def count(self, contributions: Sequence[Contribution], now: datetime) -> int:
        self.before()
        counted = super().count(contributions, now)
        self.after()
        return counted


class House:
    """One worker that is asked how many signals ended, and one that counts them."""

    def __init__(self) -> None:
        self.now = NOW + 40 * DAY
        self.reads = 0
        self.statistics = WatchedStatistics()
        self.signals = InMemorySignals()
        self.reader = InMemoryCacheReader()
        self.cache = AnswerCache(self.reader, self.reader.answers, lambda: self.now)

    def ask(self, since: datetime = NOW - DAY, until: datetime = NOW + DAY) -> int:
        question = Question(origin=Origin.LIVE, since=since.date(), until=until.date())
        request = Request(
            key=key_of({"since": str(since), "until": str(until)}),
            names=statistics_asked(question.since, question.until),
            visible_at=self.now,
            now=self.now,
        )
        return int(self.cache.answer(request, lambda: self._read(question)).text)

    def _read(self, question: Question) -> Reading:
        self.reads += 1
        (row,) = group_statistics(question, None, self.statistics.reader())
        return Reading(str(row.own.count("booked")))

    def end(self, number: int, created_at: datetime = NOW) -> None:
        """A signal ends, and the worker hears of it as the function does."""
        signal = ended(make_signal(created_at + number * SECOND))
        self.signals.add(signal)
        events = [make_event(signal, EventKind.ENDED)]
        move_versions(events, versions=self.reader.versions, now=self.now)
        update_read_models(
            events,
            signals=self.signals,
            statistics=self.statistics,
            versions=self.reader.versions,
            now=self.now,
        )


@pytest.fixture
def house() -> House:
    return House()


def test_sums_that_were_read_while_events_were_being_counted_are_read_again(house: House):
    def look() -> None:
        house.now += 10 * SECOND
        assert house.ask() == 0

    house.statistics.before = look
    house.end(1)
    assert house.ask() == 1
    house.now += 30 * SECOND
    assert house.ask() == 1


def test_a_worker_that_dies_after_counting_leaves_nobody_with_older_sums(house: House):
    def die() -> None:
        raise RuntimeError("died")

    assert house.ask() == 0
    house.statistics.after = die
    with pytest.raises(RuntimeError, match="died"):
        house.end(1)
    del house.statistics.after
    house.end(1)
    assert house.ask() == 1


def test_sums_of_a_month_are_kept_whatever_ends_in_others(house: House):
    house.ask()
    house.end(1, NOW + 35 * DAY)
    house.now += 30 * SECOND
    house.ask()
    assert house.reads == 1
    assert house.ask(NOW - 400 * DAY, NOW + 40 * DAY) == 1


def test_statistics_made_anew_are_asked_for_again(house: House):
    house.end(1)
    house.now += 30 * SECOND
    assert house.ask() == 1
    house.statistics.begin_rebuild()
    rebuild_statistics(
        signals=InMemorySignals(),
        statistics=house.statistics,
        versions=house.reader.versions,
        since=NOW - DAY,
        now=house.now,
    )
    assert house.ask() == 0
