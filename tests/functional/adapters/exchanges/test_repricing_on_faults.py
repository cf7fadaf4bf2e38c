"""Re-pricing through ccxt on the local exchanges while they misbehave: nothing moves but by a real move."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from infra.local.exchange.server import LocalExchange
from signalbox.adapters.exchanges.budgeted import BudgetedExchange, Weights
from signalbox.domain.instants import to_ms
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import Levels
from signalbox.services.quotes import ask_all
from signalbox.services.reprice_signals import RepricingReport
from tests.builders import make_signal
from tests.fakes.market import InMemoryExchangeBudgets
from tests.functional.adapters.exchanges.test_local_exchange import open_local
from tests.unit.services.repricing_house import EXCHANGES, MINUTE, House

START = datetime(2026, 3, 1, 12, 20, tzinfo=UTC)
SYMBOLS = ("BTC/USDT", "ETH/USDT")
WEIGHTS = Weights(per_minute=10_000)


class LocalMarket:
    """Two open signals at today's prices, re-priced each minute from the local exchanges through shared budgets."""

    def __init__(self, local: LocalExchange) -> None:
        self.local, self.house, self.budgets, self.minute = local, House(SYMBOLS), InMemoryExchangeBudgets(), 0
        self.exchanges = [
            BudgetedExchange(open_local(local, each), self.budgets, WEIGHTS, 10_000, now=lambda: self.now)
            for each in EXCHANGES
        ]
        self.cycle()
        first = self.house.frames.latest(0)
        for symbol in SYMBOLS:
            entry = Decimal(repr(first.prices[symbol].price))
            levels = Levels(entry_price=entry, target_price=entry * 2, stop_loss=entry / 2)
            values = {"filled_price": entry, "checked_until": START, "features": {"atr_14_pct": 3.0}}
            self.house.signals.add(make_signal(START - timedelta(hours=1), symbol=symbol, levels=levels, **values))

    @property
    def now(self) -> datetime:
        return START + self.minute * MINUTE

    def cycle(self) -> RepricingReport:
        self.minute += 1
        self.local.set_clock(to_ms(self.now))
        return self.house.reprice(
            self.now,
            now=self.now,
            exchanges=self.exchanges,
            ask=lambda exchanges, symbols: ask_all(exchanges, symbols, deadline_seconds=10),
        )

    def silent(self) -> dict[str, str]:
        return dict(self.house.frames.latest(0).silent)


@pytest.fixture(scope="module")
def local() -> Iterator[LocalExchange]:
    with LocalExchange(now=to_ms(START)) as running:
        yield running


@pytest.fixture
def market(local: LocalExchange) -> Iterator[LocalMarket]:
    local.clear_faults()
    yield LocalMarket(local)
    local.clear_faults()


@pytest.mark.parametrize("kind", ["spike", "frozen", "maintenance", "down", "rate_limit", "malformed", "region"])
def test_one_exchange_that_misbehaves_moves_no_signal(market: LocalMarket, kind: str):
    market.local.fault(kind, exchange="kraken", retry_after=30)
    reports = [market.cycle() for _ in range(3)]

    assert [report.prices for report in reports] == [2, 2, 2]
    assert sum(report.revisions + report.endings for report in reports) == 0


def test_a_spike_that_all_exchanges_share_moves_every_signal_within_one_cycle(market: LocalMarket):
    for exchange_id in EXCHANGES:
        market.local.fault("spike", exchange=exchange_id, factor=0.85)

    assert market.cycle().revisions == len(SYMBOLS)


def test_an_exchange_that_bans_one_worker_is_called_by_none_until_the_ban_is_over(market: LocalMarket):
    market.local.fault("ban", exchange="kraken", retry_after=150)
    market.budgets.ban("kraken", market.now + timedelta(seconds=150))
    before = market.local.status()["requests"]["kraken"]
    assert market.cycle().silent_exchanges == 1
    assert market.silent() == {"kraken": "rate_limited"}
    assert market.cycle().silent_exchanges == 1
    assert market.local.status()["requests"]["kraken"] == before

    market.local.clear_faults()
    assert market.cycle().silent_exchanges == 0
    assert market.silent() == {}


def test_candles_are_paid_for_out_of_the_same_budget(market: LocalMarket):
    market.budgets.reservations.clear()
    market.exchanges[0].candles("BTC/USDT", Timeframe.H1, to_ms(START) - 5 * Timeframe.H1.milliseconds, 5)

    assert sum(weight for exchange_id, weight in market.budgets.reservations if exchange_id == "binance") <= 500
