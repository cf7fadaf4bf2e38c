from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from signalbox.domain.errors import FeedUnavailableError, StorageUnavailableError
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.sentiment.aggregation import MARKET
from signalbox.domain.sentiment.fear_greed import FearGreed
from signalbox.domain.sentiment.items import NewsItem, ScoredItem
from signalbox.ports.sentiment import FeedState
from signalbox.services.score_sentiment import SentimentReport, score_sentiment
from tests.builders import NOW
from tests.fakes.sentiment import FakeNewsSource, InMemoryNews, InMemorySentiment

HOUR = timedelta(hours=1)
SECONDS = timedelta(seconds=10)
TOPICS = ("wallet", "exchange", "miner", "fund", "bank", "court", "upgrade", "survey", "staking", "custody")


class CountedWords:
    """`ports.SentimentScorer`: good and bad are all it knows."""

    version = "counted-1"

    def polarity(self, text: str) -> float:
        return 0.5 * (("good" in text) - ("bad" in text))


@dataclass
class FixedIndex:
    """`ports.IndexSource`."""

    values: list[FearGreed] = field(default_factory=list)
    error: Exception | None = None

    def read(self, _now: datetime) -> list[FearGreed]:
        if self.error:
            raise self.error
        return self.values


@dataclass
class Desk:
    """Everything that the service needs, and a turn of it."""

    source: FakeNewsSource = field(default_factory=FakeNewsSource)
    others: list[FakeNewsSource] = field(default_factory=list)
    index: FixedIndex | None = None
    news: InMemoryNews = field(default_factory=InMemoryNews)
    record: InMemorySentiment = field(default_factory=InMemorySentiment)

    def turn(self, at: datetime, late: timedelta = SECONDS) -> SentimentReport:
        return score_sentiment(
            scheduled_at=at,
            now=at + late,
            sources=[self.source, *self.others],
            index=self.index,
            scorer=CountedWords(),
            news=self.news,
            record=self.record,
        )

    def market(self, at: datetime, timeframe: Timeframe = Timeframe.H1):
        return self.record.stored.get((MARKET, timeframe, at))


@pytest.fixture
def desk() -> Desk:
    return Desk()


def items(count: int, mood: str = "good", at: datetime = NOW - HOUR) -> list[NewsItem]:
    return [
        NewsItem(
            source="wire", title=f"{mood} Bitcoin story: {topic} or {topic}s", guid=f"{mood}-{topic}", published_at=at
        )
        for topic in TOPICS[:count]
    ]


def test_what_a_turn_fetches_counts_from_the_next_turn_on(desk: Desk) -> None:
    desk.source.items = items(4)
    assert desk.turn(NOW).new_items == 4
    assert desk.market(NOW).n == 0
    desk.turn(NOW + HOUR)
    found = desk.market(NOW + HOUR)
    assert (found.n, found.score) == (4, pytest.approx(0.5 * 4 / 9))
    assert desk.record.stored["BTC", Timeframe.H1, NOW + HOUR].n == 4


def test_an_item_is_scored_and_stored_once_with_what_it_speaks_of(desk: Desk) -> None:
    desk.source.items, desk.source.weight = items(1), 0.5
    desk.turn(NOW)
    assert desk.turn(NOW + HOUR).new_items == 0
    (item,) = desk.news.stored.values()
    assert (item.polarity, item.weight, item.assets, item.scorer) == (0.5, 0.5, ("BTC",), "counted-1")
    assert (item.time, item.known_at) == (NOW - HOUR, NOW + SECONDS)


def test_a_turn_handled_again_late_records_what_it_would_have_recorded(desk: Desk) -> None:
    desk.source.items = items(4)
    desk.turn(NOW)
    desk.source.items = items(4) + items(6, "bad", NOW + HOUR)
    desk.turn(NOW + HOUR)
    once = dict(desk.record.stored)
    for late in (SECONDS, timedelta(minutes=40), timedelta(days=2)):
        assert desk.turn(NOW + HOUR, late).aggregates == 0
    assert desk.record.stored == once
    missed = Desk(source=desk.source, news=desk.news)
    missed.turn(NOW + HOUR, timedelta(days=3))
    assert {key: each.mean for key, each in missed.record.stored.items() if key[2] == NOW + HOUR} == {
        key: each.mean for key, each in once.items() if key[2] == NOW + HOUR
    }


@pytest.mark.parametrize("crash_after", range(6))
def test_a_crash_at_any_write_leaves_after_a_retry_what_one_handling_leaves(crash_after: int) -> None:
    whole, crashed = (
        Desk(source=FakeNewsSource(items=items(4), state=FeedState('"1"')), index=FixedIndex([fear_greed()]))
        for _ in range(2)
    )
    for desk in (whole, crashed):
        desk.turn(NOW)
        desk.source.items = items(6, "bad", NOW + HOUR / 2)
    whole.turn(NOW + HOUR)
    writes = _failing_after(crashed, crash_after)
    with pytest.raises(StorageUnavailableError):
        crashed.turn(NOW + HOUR)
    writes()
    crashed.turn(NOW + HOUR)
    assert crashed.record.stored == whole.record.stored
    assert crashed.news.stored == whole.news.stored
    assert crashed.news.states == whole.news.states


def test_aggregates_are_recorded_on_the_hour_and_by_timeframe(desk: Desk) -> None:
    midnight = NOW.replace(hour=0)
    assert desk.turn(midnight + timedelta(minutes=15)).aggregates == 0
    assert desk.turn(midnight + timedelta(minutes=59, seconds=59)).aggregates == 0
    assert desk.turn(midnight).aggregates == 3
    assert desk.turn(midnight + HOUR).aggregates == 1
    assert desk.turn(midnight + 4 * HOUR).aggregates == 2
    assert {key[1] for key in desk.record.stored} == {Timeframe.H1, Timeframe.H4, Timeframe.D1}


def test_a_feed_is_shown_what_it_said_last_and_only_once_its_items_are_stored(desk: Desk) -> None:
    desk.source.state = FeedState('"1"')
    desk.turn(NOW)
    desk.turn(NOW + HOUR)
    assert desk.source.asked == [None, FeedState('"1"')]


def test_a_flawed_feed_is_told_of_and_asked_for_all_again(desk: Desk) -> None:
    desk.source.items, desk.source.flaw = items(2), "broke off at line 7"
    report = desk.turn(NOW)
    assert (report.new_items, report.flaws) == (2, {"wire": "broke off at line 7"})
    assert desk.news.states == {}


def test_a_source_that_fails_stops_no_other_and_is_named(desk: Desk) -> None:
    desk.source.error = FeedUnavailableError("wire must answer 200, answered 503")
    desk.others = [FakeNewsSource(source="daily", items=items(3))]
    desk.index = FixedIndex(error=FeedUnavailableError("index must answer 200, answered 500"))
    report = desk.turn(NOW)
    assert (report.new_items, report.failed, set(report.failures)) == (3, 2, {"wire", "fear_greed"})
    assert "answered 503" in report.failures["wire"]


def test_an_item_dated_ahead_is_taken_when_its_time_has_come(desk: Desk) -> None:
    desk.source.items, desk.source.state = items(1, at=NOW + HOUR), FeedState('"1"')
    assert (desk.turn(NOW).dated_ahead, desk.news.stored, desk.news.states) == (1, {}, {})
    assert desk.turn(NOW + HOUR).new_items == 1


def test_an_item_a_little_ahead_or_without_a_time_is_taken_for_now(desk: Desk) -> None:
    skewed, undated = items(1, at=NOW + timedelta(minutes=5))[0], NewsItem(source="wire", title="good news")
    desk.source.items = [skewed, undated]
    desk.turn(NOW)
    assert {item.time for item in desk.news.stored.values()} == {NOW + SECONDS}


def test_the_index_is_kept_as_it_was_known_first(desk: Desk) -> None:
    desk.index = FixedIndex([fear_greed()])
    assert desk.turn(NOW).index_values == 1
    desk.index.values = [FearGreed(80, "Greed", fear_greed().time, NOW + HOUR)]
    assert desk.turn(NOW + HOUR).index_values == 0
    assert [value.value for value in desk.record.index.values()] == [40]


def test_where_no_feed_is_configured_nothing_is_recorded() -> None:
    record = InMemorySentiment()
    report = score_sentiment(
        scheduled_at=NOW, now=NOW, sources=[], index=None, scorer=CountedWords(), news=InMemoryNews(), record=record
    )
    assert (report.sources, report.aggregates, record.stored) == (0, 0, {})


def fear_greed() -> FearGreed:
    return FearGreed(40, "Fear", NOW.replace(hour=0), NOW)


def _failing_after(desk: Desk, count: int) -> Callable[[], None]:
    """Let the desk's write number `count` (from 0) fail; return what mends it."""
    left = iter(range(count))
    add_item, add_aggregate, keep = desk.news.add, desk.record.add, desk.news.keep_feed_state

    def or_fail(write):
        def attempt(*arguments):
            if next(left, None) is None:
                raise StorageUnavailableError("PutItem failed")
            return write(*arguments)

        return attempt

    def one_by_one(found: list[ScoredItem]) -> int:
        return sum(or_fail(add_item)([item]) for item in found)

    desk.news.add, desk.record.add, desk.news.keep_feed_state = one_by_one, or_fail(add_aggregate), or_fail(keep)

    def mend() -> None:
        desk.news.add, desk.record.add, desk.news.keep_feed_state = add_item, add_aggregate, keep

    return mend
