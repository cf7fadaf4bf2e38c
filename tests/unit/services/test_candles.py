from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest

from signalbox.domain.errors import ExchangeUnavailableError, UnknownSymbolError
from signalbox.domain.instants import to_ms
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.suppression import SuppressionReason
from signalbox.ports.market import Market
from signalbox.services.candles import CandleUpdate, update_candles
from tests.builders import make_candles
from tests.fakes.market import FakeExchange, InMemoryCandles

START = datetime(2024, 1, 5, tzinfo=UTC)
HOUR = 3_600_000
FIRST = to_ms(START)
LAST = FIRST + 4 * HOUR
# Six candles: the five of the span, and the open one that confirms the fifth.
CLOSES = [100.0, 101.0, 102.0, 103.0, 104.0, 105.0]


@pytest.fixture
def exchange() -> FakeExchange:
    candles = make_candles(CLOSES, START)
    return FakeExchange(stored={"BTC/USDT": candles, "ETH/USDT": candles})


@pytest.fixture
def store() -> InMemoryCandles:
    return InMemoryCandles()


def update(exchange: FakeExchange, store: InMemoryCandles, last: int = LAST) -> CandleUpdate:
    return update_candles(
        ["BTC/USDT", "ETH/USDT"],
        timeframe=Timeframe.H1,
        bucket=0,
        first_open=FIRST,
        last_open=last,
        exchange=exchange,
        store=store,
    )


def test_an_empty_store_is_filled_with_the_closed_candles_of_the_span(
    exchange: FakeExchange, store: InMemoryCandles
) -> None:
    found = update(exchange, store)
    assert found.fetched == 10
    assert found.grid.close[:, 0].tolist() == CLOSES[:5]
    assert not found.refusals


def test_only_missing_candles_are_asked_for(exchange: FakeExchange, store: InMemoryCandles) -> None:
    update(exchange, store, last=LAST - HOUR)
    exchange.calls.clear()
    found = update(exchange, store)
    assert {call[3] for call in exchange.calls} == {LAST}
    assert found.fetched == 2
    assert found.grid.close[:, 1].tolist() == CLOSES[:5]


def test_nothing_is_asked_for_twice(exchange: FakeExchange, store: InMemoryCandles) -> None:
    update(exchange, store)
    exchange.calls.clear()
    assert update(exchange, store).fetched == 0
    assert exchange.calls == []


def test_the_last_candle_waits_for_a_later_one_to_confirm_it(exchange: FakeExchange, store: InMemoryCandles) -> None:
    exchange.stored["ETH/USDT"] = exchange.stored["ETH/USDT"][:5]
    found = update(exchange, store)
    assert found.refusals["ETH/USDT"][0] is SuppressionReason.OPEN_CANDLE
    assert np.isnan(found.grid.close[-1, 1])
    assert found.grid.close[-2, 1] == CLOSES[3]


def test_half_a_candle_in_a_late_answer_is_not_stored(exchange: FakeExchange, store: InMemoryCandles) -> None:
    whole = exchange.stored["ETH/USDT"]
    exchange.stored["ETH/USDT"] = [*whole[:2], whole[2]._replace(close=101.5, volume=0.5)]
    assert np.isnan(update(exchange, store).grid.close[2:, 1]).all()

    exchange.stored["ETH/USDT"] = whole
    found = update(exchange, store)
    assert found.grid.close[:, 1].tolist() == CLOSES[:5]
    assert found.data_revisions == 0


def test_the_last_candle_of_a_symbol_that_is_traded_no_more_is_stored(
    exchange: FakeExchange, store: InMemoryCandles
) -> None:
    exchange.stored["ETH/USDT"] = exchange.stored["ETH/USDT"][:3]
    exchange.listed["ETH/USDT"] = Market("ETH/USDT", active=False, price_step=Decimal("0.01"))
    found = update(exchange, store)
    assert found.grid.close[:3, 1].tolist() == CLOSES[:3]
    assert found.refusals["ETH/USDT"][0] is SuppressionReason.OPEN_CANDLE


def test_an_unknown_symbol_holds_up_no_other(exchange: FakeExchange, store: InMemoryCandles) -> None:
    exchange.candle_errors["ETH/USDT"] = UnknownSymbolError("gone")
    found = update(exchange, store)
    assert found.refusals["ETH/USDT"][0] is SuppressionReason.HALTED
    assert found.grid.close[:, 0].tolist() == CLOSES[:5]


def test_an_exchange_that_fails_for_one_symbol_makes_that_one_stale(
    exchange: FakeExchange, store: InMemoryCandles
) -> None:
    exchange.candle_errors["ETH/USDT"] = ExchangeUnavailableError("time-out")
    assert update(exchange, store).refusals["ETH/USDT"] == (SuppressionReason.STALE, "time-out")


def test_an_exchange_that_fails_for_every_symbol_is_worth_another_try(
    exchange: FakeExchange, store: InMemoryCandles
) -> None:
    exchange.candle_errors = {symbol: ExchangeUnavailableError("down") for symbol in exchange.stored}
    with pytest.raises(ExchangeUnavailableError, match="down"):
        update(exchange, store)


def test_a_symbol_listed_lately_starts_with_holes(exchange: FakeExchange, store: InMemoryCandles) -> None:
    exchange.stored["ETH/USDT"] = exchange.stored["ETH/USDT"][3:]
    found = update(exchange, store)
    assert np.isnan(found.grid.close[:3, 1]).all()
    assert found.grid.close[3:, 1].tolist() == CLOSES[3:5]
