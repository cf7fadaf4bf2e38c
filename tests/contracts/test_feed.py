from datetime import UTC, datetime, timedelta
from itertools import chain

import pytest

from signalbox.adapters.storage.signals import DynamoSignalRepository
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.history.filters import SignalFilter
from signalbox.domain.signals.signal import Signal, Status
from signalbox.ports.signals import FeedQuery, SignalRepository
from tests.builders import NOW, ended, make_signal
from tests.contracts.implementations import either
from tests.fakes.signals import InMemorySignals

signals = either(
    lambda: InMemorySignals(cursor_secret=b"secret"), lambda: DynamoSignalRepository(cursor_secret=b"secret")
)

SYMBOLS = ("ADA/USDT", "BTC/USDT", "ETH/USDT")


def ask(symbol: str | None = None, status: str | None = None, **overrides) -> FeedQuery:
    values = {
        "since": NOW - timedelta(days=400),
        "until": NOW + timedelta(days=400),
        "visible_at": NOW + timedelta(days=400),
        "limit": 4,
        "where": SignalFilter(
            symbols=frozenset({symbol} if symbol else ()), statuses=frozenset({Status(status)} if status else ())
        ),
    }
    return FeedQuery(**values | overrides)


def stored(repository: SignalRepository, count: int, step: timedelta = timedelta(hours=1)) -> list[Signal]:
    """`count` signals, newest first, the symbols in turn, every third one ended."""
    found = []
    for number in range(count):
        signal = make_signal(symbol=SYMBOLS[number % 3], created_at=NOW - number * step)
        repository.add(signal)
        if number % 3 == 0:
            repository.update(signal, ended(signal))
            signal = ended(signal)
        found.append(signal)
    return found


def pages(repository: SignalRepository, **query) -> list[list[Signal]]:
    """Every page of a query, by its cursors."""
    found, cursor = [], None
    while True:
        page = repository.feed(ask(cursor=cursor, **query))
        found.append(page.signals)
        cursor = page.cursor
        if cursor is None:
            return found


def flat(found: list[list[Signal]]) -> list[Signal]:
    return list(chain.from_iterable(found))


def test_pages_are_full_newest_first_and_miss_nothing(signals: SignalRepository):
    everything = stored(signals, 10)

    assert pages(signals) == [everything[:4], everything[4:8], everything[8:]]


def test_the_last_page_has_no_cursor_when_it_is_exactly_full(signals: SignalRepository):
    everything = stored(signals, 8)

    assert pages(signals) == [everything[:4], everything[4:]]


def test_an_empty_feed_is_one_empty_page(signals: SignalRepository):
    assert pages(signals) == [[]]


def test_pages_run_over_the_ends_of_months_and_years(signals: SignalRepository):
    everything = stored(signals, 9, step=timedelta(days=20))

    assert flat(pages(signals, limit=2)) == everything


@pytest.mark.parametrize("symbol", [None, "BTC/USDT"])
def test_the_span_includes_its_start_and_not_its_end(signals: SignalRepository, symbol):
    for hour in range(6):
        signals.add(make_signal(created_at=NOW + timedelta(hours=hour)))

    page = signals.feed(ask(symbol=symbol, since=NOW + timedelta(hours=1), until=NOW + timedelta(hours=4), limit=10))

    assert [signal.created_at.hour for signal in page.signals] == [16, 15, 14]


def test_a_fraction_of_a_second_in_the_span_counts(signals: SignalRepository):
    signals.add(make_signal())
    part = timedelta(milliseconds=500)

    assert signals.feed(ask(since=NOW - part, until=NOW + part)).signals == [make_signal()]
    assert signals.feed(ask(since=NOW + part)).signals == []
    assert signals.feed(ask(until=NOW)).signals == []


def test_a_symbol_has_a_feed_of_its_own(signals: SignalRepository):
    everything = stored(signals, 20)

    assert flat(pages(signals, symbol="ETH/USDT", limit=3)) == everything[2::3]


@pytest.mark.parametrize("symbol", [None, "ADA/USDT"])
def test_a_status_filter_keeps_pages_full(signals: SignalRepository, symbol):
    hits = [signal for signal in stored(signals, 40) if signal.status is Status.TARGET_HIT]

    found = pages(signals, symbol=symbol, status="TARGET_HIT", limit=5)

    assert [len(page) for page in found] == [5, 5, 4]
    assert flat(found) == hits


def test_open_signals_are_absent_until_they_may_be_seen_and_ended_ones_never(signals: SignalRepository):
    everything = stored(signals, 7)
    visible_at = everything[3].published_at

    seen = flat(pages(signals, visible_at=visible_at, limit=2))

    assert seen == [each for each in everything if each.status is not Status.OPEN or each.published_at <= visible_at]
    assert len(seen) == 5


def test_what_is_hidden_does_not_even_make_pages_end_early(signals: SignalRepository):
    known = make_signal(created_at=NOW - timedelta(days=1))
    signals.add(known)
    few = SignalFilter(regimes=frozenset({known.regime}))
    query = ask(where=few, limit=1, since=NOW - timedelta(days=2), visible_at=known.published_at)
    before = signals.feed(query)
    for number in range(45):
        signals.add(make_signal(created_at=NOW + timedelta(seconds=number)))

    assert before.signals == [known]
    assert signals.feed(query) == before


def test_a_page_stays_where_it_was_when_newer_signals_come(signals: SignalRepository):
    everything = stored(signals, 8)
    first = signals.feed(ask())
    for hour in range(1, 5):
        signals.add(make_signal(created_at=NOW + timedelta(hours=hour)))

    assert signals.feed(ask(cursor=first.cursor)).signals == everything[4:]


def test_signals_of_one_moment_are_neither_lost_nor_doubled(signals: SignalRepository):
    everything = [make_signal(symbol=f"COIN{number}/USDT") for number in range(9)]
    for signal in everything:
        signals.add(signal)

    found = flat(pages(signals, limit=2))

    assert sorted(found, key=lambda signal: signal.symbol) == everything


@pytest.mark.parametrize("change", [{"symbol": "BTC/USDT"}, {"status": "OPEN"}])
def test_a_cursor_of_another_query_is_refused(signals: SignalRepository, change):
    stored(signals, 8)
    cursor = signals.feed(ask()).cursor

    with pytest.raises(InvalidValueError, match="cursor must be one that this query's previous page gave"):
        signals.feed(ask(cursor=cursor, **change))


@pytest.mark.parametrize(
    "mangle", ["", "nonsense", "ÄÖ", "A" * 5000, "%00", "{cursor}=", "{cursor}A", " {cursor}", "x{cursor}"]
)
def test_a_mangled_cursor_is_refused(signals: SignalRepository, mangle: str):
    stored(signals, 8)
    cursor = signals.feed(ask()).cursor

    with pytest.raises(InvalidValueError, match="cursor must"):
        signals.feed(ask(cursor=mangle.replace("{cursor}", cursor)))


def test_a_cursor_is_safe_in_a_url(signals: SignalRepository):
    stored(signals, 8)

    assert signals.feed(ask()).cursor.replace("-", "").replace("_", "").isalnum()


def test_a_query_for_no_signals_is_refused():
    with pytest.raises(InvalidValueError, match="limit must be at least 1, was 0"):
        ask(limit=0)


def test_a_span_before_the_first_signal_is_empty(signals: SignalRepository):
    stored(signals, 3)

    page = signals.feed(ask(since=datetime(1970, 1, 1, tzinfo=UTC), until=datetime(1970, 3, 1, tzinfo=UTC)))

    assert page.signals == []
    assert page.cursor is None
