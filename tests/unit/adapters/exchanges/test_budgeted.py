"""Calls are paid for out of a budget that all workers share."""

from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any, cast

import pytest

from signalbox.adapters.exchanges.budgeted import BudgetedExchange, Weights
from signalbox.adapters.exchanges.factory import open_budgeted_exchange
from signalbox.adapters.exchanges.retrying import BanList
from signalbox.domain.errors import ExchangeUnavailableError, RateLimitedError
from signalbox.domain.market.timeframe import Timeframe
from signalbox.ports.market import Exchange
from tests.builders import NOW
from tests.fakes.market import FakeExchange, InMemoryExchangeBudgets

WEIGHTS = Weights(per_minute=1000, markets=20, quotes=80, candles=2, page=100)


@dataclass
class Worker:
    """One worker's view of an exchange: its own clock and leftovers, the same shared budget as everybody's."""

    budgets: InMemoryExchangeBudgets
    limit: int = 800
    seconds: float = 0.0
    asked: FakeExchange = field(default_factory=FakeExchange)

    def __post_init__(self) -> None:
        self.exchange = BudgetedExchange(
            self.asked,
            self.budgets,
            WEIGHTS,
            self.limit,
            now=lambda: NOW + timedelta(seconds=self.seconds),
        )


@pytest.fixture
def budgets() -> InMemoryExchangeBudgets:
    return InMemoryExchangeBudgets()


def test_a_shards_quotes_and_candles_cost_one_reservation(budgets: InMemoryExchangeBudgets):
    worker = Worker(budgets, limit=4800)
    worker.exchange.quotes(["BTC/USDT"])
    for _ in range(40):
        worker.exchange.candles("BTC/USDT", Timeframe.H1, 0, 3)

    assert [weight for _, weight in budgets.reservations if weight] == [240]
    assert len(worker.asked.calls) == 41


def test_candles_of_several_pages_are_paid_for_by_page(budgets: InMemoryExchangeBudgets):
    worker = Worker(budgets, limit=20)
    worker.exchange.candles("BTC/USDT", Timeframe.H1, 0, 301)

    assert budgets.reservations == [("binance", 8)]


def test_no_call_is_made_once_the_minute_is_spent_by_others(budgets: InMemoryExchangeBudgets):
    one, other = Worker(budgets, limit=160), Worker(budgets, limit=160)
    one.exchange.quotes(["BTC/USDT"])
    other.exchange.quotes(["BTC/USDT"])

    with pytest.raises(RateLimitedError, match="budget of binance"):
        one.exchange.quotes(["BTC/USDT"])
    assert len(one.asked.calls) == 1
    one.seconds = 60.0
    one.exchange.quotes(["BTC/USDT"])
    assert len(one.asked.calls) == 2


def test_no_worker_calls_an_exchange_that_banned_one_of_them(budgets: InMemoryExchangeBudgets):
    worker = Worker(budgets)
    worker.exchange.quotes(["BTC/USDT"])
    budgets.ban("binance", NOW + timedelta(seconds=90))

    for ask in (
        worker.exchange.markets,
        lambda: worker.exchange.quotes(["BTC/USDT"]),
        lambda: worker.exchange.candles("BTC/USDT", Timeframe.H1, 0, 3),
    ):
        with pytest.raises(RateLimitedError, match="must not be called"):
            ask()
    assert len(worker.asked.calls) == 1
    worker.seconds = 90.0
    worker.exchange.markets()
    assert len(worker.asked.calls) == 2


def test_an_exchange_that_still_owes_an_answer_is_not_asked_again(budgets: InMemoryExchangeBudgets):
    asked, released = Event(), Event()

    def quotes(_symbols: Any) -> dict[str, Any]:
        asked.set()
        released.wait(10)
        return {}

    slow = cast("Exchange", SimpleNamespace(exchange_id="kraken", quotes=quotes))
    exchange = BudgetedExchange(slow, budgets, WEIGHTS, 800)
    first = Thread(target=exchange.quotes, args=(["BTC/USDT"],))
    first.start()
    asked.wait(10)

    with pytest.raises(ExchangeUnavailableError, match="must answer the last question"):
        exchange.quotes(["BTC/USDT"])
    released.set()
    first.join()
    assert exchange.quotes(["BTC/USDT"]) == {}


def test_a_ban_is_announced_when_it_is_learnt_of():
    told: list[tuple[str, float]] = []
    BanList(monotonic=lambda: 0.0, announce=lambda *ban: told.append(ban)).ban("kraken", 30.0)

    assert told == [("kraken", 30.0)]


@pytest.mark.parametrize(("rate_limit_ms", "lot"), [(None, 4800 // 20), (1, 20 * 25)])
def test_an_opened_exchange_grants_a_share_of_the_real_limit_or_what_the_settings_say(
    budgets: InMemoryExchangeBudgets, rate_limit_ms: int | None, lot: int
):
    settings: Any = SimpleNamespace(exchange_endpoint="http://127.0.0.1:9", exchange_rate_limit_ms=rate_limit_ms)
    budgets.ban("binance", NOW + timedelta(seconds=1))
    exchange = open_budgeted_exchange("binance", settings, budgets, now=lambda: NOW)

    with pytest.raises(RateLimitedError):
        exchange.markets()
    assert budgets.reservations == [("binance", lot)]


def test_a_call_is_not_tried_again_once_another_worker_was_banned(budgets: InMemoryExchangeBudgets):
    settings: Any = SimpleNamespace(exchange_endpoint="http://127.0.0.1:9", exchange_rate_limit_ms=None)
    exchange: Any = open_budgeted_exchange("binance", settings, budgets, now=lambda: NOW)
    asked = []

    def fail() -> None:
        asked.append(1)
        budgets.ban("binance", NOW + timedelta(seconds=90))
        raise ExchangeUnavailableError("503")

    with pytest.raises(RateLimitedError, match="must not be called"):
        exchange._exchange._retrying.call("binance", fail)
    assert len(asked) == 1


def test_what_a_reservation_leaves_is_spent_before_more_is_asked_for(budgets: InMemoryExchangeBudgets):
    worker = Worker(budgets, limit=4800)

    for _ in range(12):
        worker.exchange.markets()

    assert budgets.reservations == [("binance", 240), *[("binance", 0)] * 11]
