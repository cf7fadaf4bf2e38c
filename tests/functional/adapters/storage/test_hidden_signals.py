"""A page is the same, to its length and its cursor, whatever there is that its reader must not know of."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signalbox.adapters.storage import feed, postings
from signalbox.adapters.storage.dynamo import call
from signalbox.adapters.storage.postings import PostingItem
from signalbox.adapters.storage.signal_items import SignalItem
from signalbox.adapters.storage.signals import DynamoSignalRepository
from signalbox.domain.history.filters import SignalFilter, Sort
from signalbox.domain.history.words import words_of
from signalbox.domain.signals.signal import Signal
from signalbox.ports.signals import FeedQuery, Page
from tests.builders import NOW, ended, make_signal
from tests.proof import cases

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


@pytest.fixture
def repository(tables: None) -> DynamoSignalRepository:
    return DynamoSignalRepository(cursor_secret=b"secret")


def ask(**overrides) -> FeedQuery:
    values = {"since": NOW - 150 * DAY, "until": NOW + DAY, "visible_at": NOW, "limit": 1}
    return FeedQuery(**values | overrides)


def hide(repository: DynamoSignalRepository, count: int, **fields) -> None:
    for number in range(count):
        moment = NOW + number * SECOND
        repository.add(make_signal(moment, published_at=moment + SECOND, **fields))


def test_a_page_of_one_is_as_it_was_when_140_signals_are_hidden(repository: DynamoSignalRepository):
    known = make_signal(NOW - DAY)
    repository.add(known)
    hide(repository, 140)

    for sort in (Sort.CREATED, Sort.QUALITY):
        assert repository.feed(ask(sort=sort)) == Page([known], None)


def test_a_ranking_of_five_years_is_as_it_was_when_the_best_of_them_are_hidden(repository: DynamoSignalRepository):
    for month in range(60):
        repository.add(make_signal(NOW - (30.4 * month + 1) * DAY, quality_score=50.0 + month % 7))
    years = ask(sort=Sort.QUALITY, since=NOW - 1825 * DAY, limit=50)
    before = repository.feed(years)
    hide(repository, 9, quality_score=99.0)

    assert len(before.signals) == 50
    assert repository.feed(years) == before


@pytest.fixture
def stingy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pages end early as soon as they may."""
    for name, value in {
        "LOOKED_AT_PER_SIGNAL": 3, "AHEAD_PER_SIGNAL": 1, "FEWEST_ROWS": 2, "MOST_STEPS": 2, "MOST_POSTING_QUERIES": 2,
    }.items():  # fmt: skip
        monkeypatch.setattr(feed, name, value)
    monkeypatch.setattr(postings, "ROWS_AT_ONCE", 2)


@pytest.fixture
def record(repository: DynamoSignalRepository) -> DynamoSignalRepository:
    """What everybody may see: of a day and of four months."""
    for number in range(20):
        age = number * timedelta(hours=1) if number < 5 else number * 7 * DAY
        signal = make_signal(
            NOW - age - 9 * SECOND,
            published_at=NOW - age,
            symbol=("ADA/USDT", "BTC/USDT")[number % 2],
            quality_score=float(number * 29 % 10),
            regime=("UP/HIGH", "DOWN/LOW")[number % 3 == 0],
            reasons={("adx", "gap", "rsi")[number % 3]: 1.0},
        )
        repository.add(signal)
        if number % 4 == 0:
            repository.update(signal, ended(signal))
    return repository


def first_pages(repository: DynamoSignalRepository, query: dict) -> Iterator[Page]:
    cursor = None
    for _ in range(6):
        page = repository.feed(ask(**query, cursor=cursor))
        yield page
        cursor = page.cursor
        if cursor is None:
            return


def forget(signal: Signal) -> None:
    key = {"created_key": {"S": signal.key.sort_key}}
    call("DeleteItem", {"TableName": SignalItem.name(), "Key": {"symbol": {"S": signal.symbol}, **key}})
    for word in words_of(signal):
        call("DeleteItem", {"TableName": PostingItem.name(), "Key": {"word": {"S": word}, **key}})


FILTERS = (
    SignalFilter(),
    SignalFilter(symbols=frozenset({"BTC/USDT"})),
    SignalFilter(symbols=frozenset({"BTC/USDT", "ADA/USDT"})),
    SignalFilter(regimes=frozenset({"HIGH"})),
    SignalFilter(words=frozenset({"gap"})),
    SignalFilter(words=frozenset({"adx", "btc"}), regimes=frozenset({"LOW"})),
)
hidden_signals = st.builds(
    lambda age, quality, symbol, reason: make_signal(
        NOW - age * SECOND, published_at=NOW + SECOND, quality_score=quality, symbol=symbol, reasons={reason: 1.0}
    ),
    age=st.integers(-50_000, 50_000),
    quality=st.sampled_from([0.0, 4.0, 9.0, 99.0]),
    symbol=st.sampled_from(["ADA/USDT", "BTC/USDT"]),
    reason=st.sampled_from(["adx", "gap"]),
)


@settings(
    max_examples=cases(5, 300),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    query=st.fixed_dictionaries(
        {
            "where": st.sampled_from(FILTERS),
            "sort": st.sampled_from([Sort.CREATED, Sort.CREATED, Sort.QUALITY]),
            "descending": st.booleans(),
            "limit": st.integers(1, 3),
        }
    ),
    unseen=st.lists(hidden_signals, min_size=1, max_size=8, unique_by=lambda signal: signal.signal_id),
)
def test_no_page_tells_of_hidden_signals(
    record: DynamoSignalRepository, stingy: None, query: dict, unseen: list[Signal]
):
    before = list(first_pages(record, query))
    for signal in unseen:
        record.add(signal)
    try:
        assert list(first_pages(record, query)) == before
    finally:
        for signal in unseen:
            forget(signal)
