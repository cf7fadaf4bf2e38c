"""News items and the record of sentiment."""

from dataclasses import replace
from datetime import timedelta

import pytest

from signalbox.adapters.storage.news import DynamoNewsRepository
from signalbox.adapters.storage.sentiment import DynamoSentimentRepository
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.sentiment.aggregation import MARKET, SentimentAggregate, SourceShare
from signalbox.domain.sentiment.fear_greed import FearGreed
from signalbox.domain.sentiment.items import ScoredItem
from signalbox.ports.sentiment import FeedState, NewsRepository, SentimentRepository
from tests.builders import NOW
from tests.contracts.implementations import either
from tests.fakes.sentiment import InMemoryNews, InMemorySentiment

news = either(InMemoryNews, DynamoNewsRepository)
record = either(InMemorySentiment, DynamoSentimentRepository)

HOUR = timedelta(hours=1)


def make_item(number: int = 1, **overrides) -> ScoredItem:
    values = {
        "item_id": f"id-{number}",
        "source": "wire",
        "title": f"Bitcoin rallies {number}%",
        "url": "",
        "time": NOW - HOUR,
        "known_at": NOW,
        "polarity": 0.5,
        "weight": 0.8,
        "assets": ("BTC", "ETH"),
        "scorer": "test-1",
    }
    return ScoredItem(**values | overrides)


def make_aggregate(**overrides) -> SentimentAggregate:
    values = {
        "asset": "BTC",
        "timeframe": Timeframe.H1,
        "created_at": NOW,
        "published_at": NOW + timedelta(seconds=10),
        "score": 0.25,
        "mean": 0.5,
        "n": 5,
        "effective_n": 4.2,
        "dispersion": 0.125,
        "shrinkage": 0.5,
        "sources": {"wire": SourceShare(n=5, mean=0.5)},
    }
    return SentimentAggregate(**values | overrides)


def test_an_item_is_read_back_as_it_was_stored(news: NewsRepository) -> None:
    item = make_item()
    assert news.add([item]) == 1
    assert news.published(NOW - 2 * HOUR, NOW) == [item]


def test_an_item_is_stored_once_and_never_changes(news: NewsRepository) -> None:
    assert news.add([make_item(), make_item()]) == 1
    assert news.add([make_item(polarity=-0.5, known_at=NOW + HOUR), make_item(2)]) == 1
    assert {item.polarity for item in news.published(NOW - 2 * HOUR, NOW)} == {0.5}


def test_more_items_than_one_call_may_ask_for_are_stored_once(news: NewsRepository) -> None:
    items = [make_item(number) for number in range(130)]
    assert (news.add(items), news.add(items)) == (130, 0)
    assert len(news.published(NOW - 2 * HOUR, NOW)) == 130


def test_a_span_of_items_begins_after_its_first_moment_and_holds_its_last(news: NewsRepository) -> None:
    times = [NOW - timedelta(days=days) for days in range(5)]
    news.add([make_item(number, time=time) for number, time in enumerate(times)])
    assert [item.time for item in news.published(times[3], times[1])] == [times[2], times[1]]


def test_what_a_feed_said_last_is_kept_and_is_no_item(news: NewsRepository) -> None:
    assert news.feed_state("wire") is None
    news.keep_feed_state("wire", FeedState(etag='"1"'))
    news.keep_feed_state("wire", FeedState(last_modified="Fri, 05 Jan 2024 12:00:00 GMT"))
    assert news.feed_state("wire") == FeedState("", "Fri, 05 Jan 2024 12:00:00 GMT")
    assert news.published(NOW - timedelta(days=30), NOW + timedelta(days=30)) == []


def test_an_aggregate_is_read_back_as_it_was_stored(record: SentimentRepository) -> None:
    known, unknown = make_aggregate(), make_aggregate(asset=MARKET, score=None, mean=None, n=0, dispersion=None)
    assert record.add(known)
    assert record.add(unknown)
    assert record.between("BTC", Timeframe.H1, NOW, NOW + HOUR, 10) == [known]
    assert record.between(MARKET, Timeframe.H1, NOW, NOW + HOUR, 10) == [unknown]


def test_an_aggregate_stays_as_it_was_known_first(record: SentimentRepository) -> None:
    assert record.add(make_aggregate())
    assert not record.add(make_aggregate(score=-1.0))
    assert [each.score for each in record.between("BTC", Timeframe.H1, NOW, NOW + HOUR, 10)] == [0.25]


def test_aggregates_come_newest_first_without_the_end_of_the_span(record: SentimentRepository) -> None:
    moments = [NOW + hours * HOUR for hours in range(4)]
    for moment in moments:
        record.add(replace(make_aggregate(), created_at=moment))
        record.add(replace(make_aggregate(), created_at=moment, timeframe=Timeframe.H4))
    found = record.between("BTC", Timeframe.H1, moments[0], moments[3], 2)
    assert [each.created_at for each in found] == [moments[2], moments[1]]
    assert record.between("BTC", Timeframe.H1, moments[3], moments[3], 2) == []


def test_a_limit_below_one_is_refused(record: SentimentRepository) -> None:
    with pytest.raises(InvalidValueError, match="limit must be at least 1, was 0"):
        record.between("BTC", Timeframe.H1, NOW, NOW + HOUR, 0)


def test_a_day_of_the_index_stays_as_it_was_known_first(record: SentimentRepository) -> None:
    value = FearGreed(40, "Fear", NOW, NOW + HOUR)
    assert record.add_index(value)
    assert not record.add_index(replace(value, value=60))
    assert record.add_index(replace(value, time=NOW + 24 * HOUR))
    assert record.index_between(NOW, NOW + HOUR, 10) == [value]
    assert len(record.index_between(NOW, NOW + 25 * HOUR, 10)) == 2
