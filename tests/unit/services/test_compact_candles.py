from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from signalbox.domain.errors import (
    ExchangeRefusedError,
    ExchangeReplyError,
    ExchangeUnavailableError,
    UnknownSymbolError,
)
from signalbox.domain.instants import to_ms
from signalbox.domain.market.packing import packed_upto
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.universe.universe import Member, Universe
from signalbox.ports.market import Compaction
from signalbox.services.compact_candles import CompactionReport, compact_candles
from tests.builders import make_candles, make_grid
from tests.fakes.market import FakeExchange, InMemoryCandles

NIGHT = datetime(2024, 1, 9, 0, 35, tzinfo=UTC)
START = datetime(2024, 1, 5, tzinfo=UTC)
HOUR = 3_600_000
CLOSES = [100.0 + candle for candle in range(97)]
BTC, ETH = Member("BTC/USDT", "binance", 0), Member("ETH/USDT", "binance", 0)


@pytest.fixture
def exchange() -> FakeExchange:
    candles = make_candles(CLOSES, START)
    return FakeExchange(stored={"BTC/USDT": list(candles), "ETH/USDT": list(candles)})


@pytest.fixture
def store() -> InMemoryCandles:
    found = InMemoryCandles()
    found.save(make_grid({"BTC/USDT": CLOSES[:96], "ETH/USDT": CLOSES[:96]}, start=START), 0)
    return found


def compact(exchange: FakeExchange, store: InMemoryCandles, *members: Member, **changes) -> CompactionReport:
    arguments = {
        "exchanges": [exchange],
        "timeframes": [Timeframe.H1],
        "store": store,
        "compactor": store,
        "now": NIGHT,
    }
    return compact_candles(Universe(START, members or (BTC, ETH)), **arguments | changes)


def test_a_calm_night_packs_and_finds_nothing_to_change(exchange: FakeExchange, store: InMemoryCandles):
    report = compact(exchange, store)

    assert (report.series, report.fetched, report.data_revisions, report.gaps, report.failed) == (1, 0, 0, 0, 0)
    assert report.frames == 72
    assert store.packed == {("binance", "1h", 0): packed_upto(Timeframe.H1, to_ms(NIGHT))}


def test_the_last_day_of_each_symbol_is_asked_for_in_one_query(exchange: FakeExchange, store: InMemoryCandles):
    compact(exchange, store)

    assert sorted((call[1], (to_ms(NIGHT) - call[3]) // HOUR) for call in exchange.calls) == [
        ("BTC/USDT", 25),
        ("ETH/USDT", 25),
    ]


def test_a_candle_that_changed_since_is_recorded_before_it_is_packed(exchange: FakeExchange, store: InMemoryCandles):
    exchange.stored["ETH/USDT"][80] = exchange.stored["ETH/USDT"][80]._replace(volume=99.0)
    report = compact(exchange, store)

    assert report.data_revisions == 1
    assert compact(exchange, store).data_revisions == 0
    assert len(store.revisions_of("binance", Timeframe.H1, "ETH/USDT")) == 1


def test_a_candle_that_is_missing_is_fetched(exchange: FakeExchange, store: InMemoryCandles):
    del store.stored["binance", "1h", 0, "ETH/USDT", to_ms(START) + 85 * HOUR]

    assert compact(exchange, store).fetched == 1


def test_an_exchange_that_is_down_leaves_its_series_unpacked_and_the_others_done(
    exchange: FakeExchange, store: InMemoryCandles
):
    kraken = FakeExchange("kraken", candle_errors={"SOL/USDT": ExchangeUnavailableError("down")})
    report = compact(exchange, store, BTC, ETH, Member("SOL/USDT", "kraken", 1), exchanges=[exchange, kraken])

    assert (report.series, report.failed) == (2, 1)
    assert set(store.packed) == {("binance", "1h", 0)}


@pytest.mark.parametrize("error", [ExchangeUnavailableError, ExchangeRefusedError, ExchangeReplyError])
def test_a_candle_that_the_exchange_could_not_be_asked_for_is_not_packed_as_a_gap(
    exchange: FakeExchange, store: InMemoryCandles, error: type[Exception]
):
    lacks = to_ms(START) + 60 * HOUR
    del store.stored["binance", "1h", 0, "ETH/USDT", lacks]
    exchange.candle_errors["ETH/USDT"] = error("down")
    report = compact(exchange, store)

    assert (report.unheard, report.failed) == (1, 0)
    assert store.packed == {("binance", "1h", 0): lacks - HOUR}

    del exchange.candle_errors["ETH/USDT"]
    for later in range(97, 121):
        for candles in exchange.stored.values():
            candles.append(candles[-1]._replace(time=to_ms(START) + later * HOUR))
    report = compact(exchange, store, now=NIGHT + timedelta(days=1))

    assert (report.unheard, report.gaps) == (0, 0)
    assert ("binance", "1h", 0, "ETH/USDT", lacks) in store.stored
    assert store.packed == {("binance", "1h", 0): packed_upto(Timeframe.H1, to_ms(NIGHT)) + 24 * HOUR}


def test_what_no_exchange_speaks_of_is_held_for_some_nights_and_then_packed(
    exchange: FakeExchange, store: InMemoryCandles
):
    lacks = to_ms(START) + 60 * HOUR
    del store.stored["binance", "1h", 0, "ETH/USDT", lacks]
    exchange.candle_errors["ETH/USDT"] = ExchangeUnavailableError("down")
    held = []
    for night in range(7):
        report = compact(exchange, store, now=NIGHT + timedelta(days=night))
        held.append(report.unheard)
        for _ in range(24):
            for candles in exchange.stored.values():
                candles.append(candles[-1]._replace(time=candles[-1].time + HOUR))

    assert held[:4] == [1] * 4
    assert held[-1] == 0


def test_a_delisted_symbol_holds_up_no_other_and_is_packed(exchange: FakeExchange, store: InMemoryCandles):
    exchange.candle_errors["ETH/USDT"] = UnknownSymbolError("gone")

    assert compact(exchange, store).failed == 0
    assert store.packed


def test_a_symbol_that_is_watched_no_more_is_packed_and_not_asked_for(exchange: FakeExchange, store: InMemoryCandles):
    compact(exchange, store, BTC, replace(ETH, watched=False))

    assert {call[1] for call in exchange.calls} == {"BTC/USDT"}


def test_storage_that_fails_for_one_series_leaves_the_others_alone(exchange: FakeExchange, store: InMemoryCandles):
    class Failing(InMemoryCandles):
        def compact(self, _exchange, timeframe, *_span) -> Compaction:
            if timeframe is Timeframe.H4:
                raise ExchangeUnavailableError("throttled")
            return Compaction(chunks=2, frames=3)

    report = compact(exchange, store, timeframes=[Timeframe.H1, Timeframe.H4], compactor=Failing())

    assert (report.series, report.failed, report.chunks, report.frames) == (2, 1, 2, 3)


def test_each_day_another_series_is_the_first(exchange: FakeExchange, store: InMemoryCandles):
    first = []
    for day in range(3):
        order = []

        class Recording:
            def compact(self, _exchange, _timeframe, bucket, *_span, order=order) -> Compaction:
                order.append(bucket)
                return Compaction()

        members = [replace(BTC, symbol=f"{bucket}/USDT", exchange="bybit", bucket=bucket) for bucket in range(3)]
        compact(exchange, store, *members, compactor=Recording(), now=NIGHT + timedelta(days=day))
        assert sorted(order) == [0, 1, 2]
        first.append(order[0])

    assert sorted(first) == [0, 1, 2]


def test_a_universe_without_members_is_no_work(exchange: FakeExchange, store: InMemoryCandles):
    report = compact_candles(
        Universe(START, ()), exchanges=[exchange], timeframes=[Timeframe.H1], store=store, compactor=store, now=NIGHT
    )
    assert report.series == 0
