from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from signalbox.domain.errors import ExchangeUnavailableError
from signalbox.domain.market.quotes import Quote
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.universe.shards import Job
from signalbox.domain.universe.universe import Member, Universe
from signalbox.ports.market import Market
from signalbox.services.plan_shards import PlanReport, plan_turn
from signalbox.services.refresh_universe import current_universe
from tests.builders import make_universe
from tests.fakes.market import FakeExchange
from tests.fakes.work import InMemoryQueue, InMemoryTurns, InMemoryUniverse

DUE = datetime(2024, 1, 5, 13, 0, 17, tzinfo=UTC)


def planned(universe: Universe, job: Job, queue: InMemoryQueue, turns: InMemoryTurns) -> PlanReport:
    return plan_turn(
        universe,
        job=job,
        timeframe=Timeframe.H1,
        scheduled_at=DUE,
        now=DUE + timedelta(seconds=1),
        shard_symbols=2,
        delay_seconds=10,
        turns=turns,
        queue=queue,
    )


def test_a_turn_is_named_by_its_candles_close_however_late_the_schedule_fires() -> None:
    queue, turns = InMemoryQueue(), InMemoryTurns()
    planned(make_universe("A/USDT", "B/USDT", "C/USDT"), "generate_signals", queue, turns)
    assert {body["as_of"] for body in queue.bodies} == {"2024-01-05T13:00:00Z"}
    assert queue.delays == [10, 10]
    assert turns.latest()[0].as_of == datetime(2024, 1, 5, 13, tzinfo=UTC)


def test_a_repricing_turn_is_a_minute() -> None:
    queue, turns = InMemoryQueue(), InMemoryTurns()
    planned(make_universe("A/USDT"), "reprice_signals", queue, turns)
    assert turns.latest()[0].as_of == datetime(2024, 1, 5, 13, 0, tzinfo=UTC)


def test_symbols_that_left_are_repriced_but_give_no_signals() -> None:
    universe = Universe(DUE, (Member("A/USDT", "binance", 0), Member("GONE/USDT", "binance", 0, listed=False)))
    generate, reprice, turns = InMemoryQueue(), InMemoryQueue(), InMemoryTurns()
    assert planned(universe, "generate_signals", generate, turns) == PlanReport(shards=1, symbols=1)
    assert planned(universe, "reprice_signals", reprice, turns) == PlanReport(shards=1, symbols=2)


def exchange_listing(*symbols: str, exchange_id: str = "binance") -> FakeExchange:
    volumes = {symbol: 1000.0 - rank for rank, symbol in enumerate(symbols)}
    return FakeExchange(
        exchange_id=exchange_id,
        listed={symbol: Market(symbol, active=True, price_step=Decimal("0.01")) for symbol in symbols},
        quoted={symbol: Quote(symbol, exchange_id, None, 1.0, 1.1, 1.05, volume) for symbol, volume in volumes.items()},
    )


def universe_at(at: datetime, versions: InMemoryUniverse, *exchanges: FakeExchange, size: int = 2) -> Universe:
    return current_universe(versions, exchanges, at=at, symbols=(), size=size, quote_currency="USDT")


def test_the_first_universe_watches_the_largest_symbols() -> None:
    universe = universe_at(DUE, InMemoryUniverse(), exchange_listing("BTC/USDT", "ETH/USDT", "SOL/USDT"))
    assert [member.symbol for member in universe.watched] == ["BTC/USDT", "ETH/USDT"]


def test_a_universe_of_today_is_not_asked_for_again() -> None:
    versions, exchange = InMemoryUniverse(), exchange_listing("BTC/USDT")
    first = universe_at(DUE, versions, exchange)
    exchange.calls.clear()
    assert universe_at(DUE + timedelta(hours=23), versions, exchange) == first
    assert exchange.calls == []


def test_a_day_later_the_delisted_symbol_is_marked_and_the_next_one_joins() -> None:
    versions = InMemoryUniverse()
    universe_at(DUE, versions, exchange_listing("BTC/USDT", "LUNA/USDT", "SOL/USDT"))
    later = universe_at(DUE + timedelta(days=1), versions, exchange_listing("BTC/USDT", "SOL/USDT"))
    assert [member.symbol for member in later.watched] == ["BTC/USDT", "SOL/USDT"]
    assert [member.symbol for member in later.members if not member.listed] == ["LUNA/USDT"]


def test_a_halt_at_the_daily_refresh_leaves_the_symbol_listed() -> None:
    versions, exchange = InMemoryUniverse(), exchange_listing("BTC/USDT", "SOL/USDT")
    universe_at(DUE, versions, exchange)
    exchange.listed["BTC/USDT"] = replace(exchange.listed["BTC/USDT"], active=False)
    halted = universe_at(DUE + timedelta(days=1), versions, exchange)
    assert [member.symbol for member in halted.watched] == ["BTC/USDT", "SOL/USDT"]
    exchange.listed["BTC/USDT"] = replace(exchange.listed["BTC/USDT"], active=True)
    assert universe_at(DUE + timedelta(days=2), versions, exchange).members[0] == Member("BTC/USDT", "binance", 0)


def test_the_universe_stands_while_the_first_exchange_is_down() -> None:
    versions = InMemoryUniverse()
    first = universe_at(DUE, versions, exchange_listing("BTC/USDT"))
    down = FakeExchange(market_error=ExchangeUnavailableError("down"))
    assert universe_at(DUE + timedelta(days=1), versions, down, exchange_listing(exchange_id="kraken")) == first


def test_without_any_universe_a_silent_exchange_is_an_error_worth_another_try() -> None:
    down = FakeExchange(market_error=ExchangeUnavailableError("down"))
    with pytest.raises(ExchangeUnavailableError, match="binance must answer"):
        universe_at(DUE, InMemoryUniverse(), down)


def test_a_fixed_list_of_symbols_is_watched_whatever_their_volume() -> None:
    exchange = exchange_listing("BTC/USDT", "ETH/USDT", "PEPE/USDT")
    universe = current_universe(
        InMemoryUniverse(), [exchange], at=DUE, symbols=("PEPE/USDT",), size=2, quote_currency="USDT"
    )
    assert [member.symbol for member in universe.watched] == ["PEPE/USDT"]
