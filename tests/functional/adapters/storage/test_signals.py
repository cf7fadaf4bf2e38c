"""What the signals table's promises rest on: which attributes are written, and how many calls a question costs."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from signalbox.adapters import aws
from signalbox.adapters.storage import feed as feed_module
from signalbox.adapters.storage.dynamo import RawItem, call
from signalbox.adapters.storage.feed import MOST_STEPS
from signalbox.adapters.storage.history_plan import months_down
from signalbox.adapters.storage.publication import LIFECYCLE
from signalbox.adapters.storage.signal_items import SignalItem, signal_of
from signalbox.adapters.storage.signals import DynamoSignalRepository
from signalbox.domain.history.filters import SignalFilter, Sort
from signalbox.domain.signals.signal import Signal, Status
from signalbox.ports.signals import FeedQuery
from tests.builders import NOW, ended, make_signal


@pytest.fixture
def repository(tables: None) -> DynamoSignalRepository:
    return DynamoSignalRepository(cursor_secret=b"secret")


@pytest.fixture
def calls(tables: None) -> Counter[str]:
    """How often each DynamoDB operation was called since."""
    counted: Counter[str] = Counter()

    def count(model: Any, **_: Any) -> None:
        counted[model.name] += 1

    aws.client("dynamodb").meta.events.register("before-call.dynamodb", count)
    return counted


def raw(signal: Signal) -> RawItem:
    found = SignalItem.fetch_raw({"symbol": signal.symbol, "created_key": signal.key.sort_key})
    assert found is not None
    return found


def everything(**overrides: Any) -> FeedQuery:
    values = {
        "since": datetime(2010, 1, 1, tzinfo=UTC),
        "until": NOW + timedelta(days=1),
        "visible_at": NOW,
        "limit": 5,
    }
    return FeedQuery(**values | overrides)


def test_an_update_touches_no_published_attribute(repository: DynamoSignalRepository):
    signal = make_signal()
    repository.add(signal)
    before = raw(signal)

    repository.update(signal, replace(signal, revision=1, notes=("revised",), mfe_r=0.5))
    after = raw(signal)

    changed = {name for name in before | after if before.get(name) != after.get(name)}
    assert changed == {"revision", "notes", "mfe_r"}
    assert changed <= set(LIFECYCLE)


def test_only_open_signals_are_in_the_sparse_index(repository: DynamoSignalRepository):
    signal = make_signal()
    repository.add(signal)
    assert {"open_bucket", "open_key"} <= set(raw(signal))

    repository.update(signal, ended(signal))

    assert not {"open_bucket", "open_key"} & set(raw(signal))
    indexed = call("Scan", {"TableName": SignalItem.name(), "IndexName": "open-by-symbol"})
    assert indexed["Count"] == 0


def test_prices_are_stored_as_plain_numbers_and_moments_as_sortable_text(repository: DynamoSignalRepository):
    signal = make_signal()
    repository.add(signal)

    stored = raw(signal)

    assert stored["entry_price"] == {"N": "100"}
    assert stored["published_at"] == {"S": "2024-01-05T13:00:11.000Z"}
    assert "filled_price" not in stored


def test_an_item_older_than_an_attribute_is_read_with_its_default(repository: DynamoSignalRepository):
    signal = make_signal()
    repository.add(signal)
    older = {name: value for name, value in raw(signal).items() if name not in ("candles_missing", "revised_at")}

    assert signal_of({**older, "from_the_future": {"S": "x"}}) == signal


def test_open_signals_of_any_number_of_symbols_cost_at_most_one_query_per_bucket(
    repository: DynamoSignalRepository, calls: Counter[str]
):
    repository.open_of(f"COIN{number}/USDT" for number in range(500))

    assert calls == {"Query": 64}


def test_a_page_within_one_month_costs_one_query(repository: DynamoSignalRepository, calls: Counter[str]):
    for hour in range(8):
        repository.add(make_signal(created_at=NOW - timedelta(hours=hour)))
    calls.clear()

    page = repository.feed(everything(since=NOW - timedelta(days=4), visible_at=NOW + timedelta(days=1)))

    assert len(page.signals) == 5
    assert calls == {"Query": 1}


def test_a_page_costs_a_bounded_number_of_queries_and_its_cursor_goes_on(
    repository: DynamoSignalRepository, calls: Counter[str]
):
    ancient = make_signal(created_at=datetime(2014, 6, 1, tzinfo=UTC))
    repository.add(ancient)
    calls.clear()

    found: list[Signal] = []
    page = repository.feed(everything())
    pages = 1
    assert page.signals == []
    while page.cursor is not None:
        page = repository.feed(everything(cursor=page.cursor))
        found += page.signals
        pages += 1

    assert found == [ancient]
    assert calls["Query"] <= pages * (MOST_STEPS + 1)


def test_a_rare_status_ends_a_page_early_without_losing_one(
    repository: DynamoSignalRepository, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(feed_module, "FEWEST_ROWS", 6)
    monkeypatch.setattr(feed_module, "LOOKED_AT_PER_SIGNAL", 8)
    hits = []
    for hour in range(60):
        signal = make_signal(created_at=NOW - timedelta(hours=hour))
        repository.add(signal)
        if hour % 20 == 19:
            repository.update(signal, ended(signal))
            hits.append(ended(signal))

    rare = SignalFilter(
        statuses=frozenset({Status.TARGET_HIT}), symbols=frozenset({"BTC/USDT"}), words=frozenset({"btc"})
    )
    query = {"where": rare, "sort": Sort.QUALITY, "since": NOW - timedelta(days=10), "limit": 2}
    pages = [repository.feed(everything(**query))]
    while pages[-1].cursor is not None:
        pages.append(repository.feed(everything(**query, cursor=pages[-1].cursor)))
    found = [signal for page in pages for signal in page.signals]

    assert min(len(page.signals) for page in pages[:-1]) < 2
    assert found == hits


def test_a_month_spread_over_buckets_is_one_feed(repository: DynamoSignalRepository, monkeypatch: pytest.MonkeyPatch):
    from signalbox.adapters.storage import history_plan, signal_keys

    for module in (signal_keys, history_plan):
        monkeypatch.setattr(module, "feed_buckets", lambda _month: 3)
    given = [make_signal(symbol=f"COIN{number}/USDT", created_at=NOW - timedelta(hours=number)) for number in range(12)]
    for signal in given:
        repository.add(signal)
    assert len({signal_keys.feed_partition(each.symbol, each.created_at) for each in given}) == 3

    query = {"since": NOW - timedelta(days=2), "visible_at": NOW + timedelta(days=1)}
    first = repository.feed(everything(**query))
    second = repository.feed(everything(**query, cursor=first.cursor))
    third = repository.feed(everything(**query, cursor=second.cursor))

    assert first.signals + second.signals + third.signals == given
    assert third.cursor is None


@pytest.mark.parametrize(
    ("upper", "lower", "months"),
    [
        ("2024-02-01T00:00:00Z", "2023-12-31T00:00:00Z", ["2024-01", "2023-12"]),
        ("2024-02-01T00:00:00Z#id", "2024-01-01T00:00:00Z", ["2024-02", "2024-01"]),
        ("2024-01-05T13:00:00Z#id", "2024-01-01T00:00:00Z", ["2024-01"]),
        ("2024-02", "2024-01-31T00:00:00Z", ["2024-01"]),
    ],
)
def test_months_run_down_from_the_newest(upper: str, lower: str, months: list[str]):
    assert list(months_down(upper, lower)) == months
