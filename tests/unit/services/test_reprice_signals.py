from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from signalbox.domain.errors import ExchangeUnavailableError
from signalbox.domain.instants import to_ms
from signalbox.domain.market.quotes import Quote
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import Signal, Status
from signalbox.domain.universe.shards import Shard
from signalbox.domain.universe.universe import Member, Universe
from signalbox.services.reprice_signals import RepricingReport, reprice_shard
from tests.builders import NOW, make_candles, make_signal
from tests.fakes.market import FakeExchange, InMemoryCandles, InMemoryPriceFrames
from tests.fakes.signals import InMemoryPriceHistory, InMemorySignalChanges, InMemorySignals
from tests.fakes.work import InMemoryUniverse

SYMBOL = "BTC/USDT"
EXCHANGES = ("binance", "bybit", "kraken")


class Market:
    """Re-pricing of one symbol on fakes: the signal of `NOW`, then one candle an hour from `NOW` on."""

    def __init__(self, closes: Sequence[float], signal: Signal | None = None) -> None:
        self.signals = InMemorySignals()
        self.signals.add(signal or make_signal())
        self.candles = make_candles(closes, NOW)
        self.exchanges = [FakeExchange(exchange_id) for exchange_id in EXCHANGES]
        self.frames = InMemoryPriceFrames()
        self.history = InMemoryPriceHistory()
        self.store = InMemoryCandles()
        self.off_by: dict[str, float] = {}
        self.universes = InMemoryUniverse(Universe(NOW, (Member(SYMBOL, "binance", 0),)))

    def cycle(self, hour: int, price: float | None = None) -> RepricingReport:
        as_of = NOW + timedelta(hours=hour)
        last = self.candles[hour - 1].close if price is None else price
        for exchange in self.exchanges:
            exchange.stored[SYMBOL] = self.candles[: hour + 1]
            exchange.quoted[SYMBOL] = quote(
                exchange.exchange_id, last * self.off_by.get(exchange.exchange_id, 1.0), as_of
            )
        return reprice_shard(
            shard(as_of),
            exchanges=self.exchanges,
            candles=self.store,
            signals=self.signals,
            frames=self.frames,
            changes=InMemorySignalChanges(self.signals, self.history),
            universes=self.universes,
            now=as_of + timedelta(seconds=10),
            grace_seconds=10,
        )

    @property
    def signal(self) -> Signal:
        (found,) = self.signals.stored.values()
        return found


def quote(exchange_id: str, price: float, at: datetime) -> Quote:
    return Quote(SYMBOL, exchange_id, to_ms(at) + 9_000, price * 0.9999, price * 1.0001, price, 1e6)


def shard(as_of: datetime) -> Shard:
    return Shard(
        job="reprice_signals",
        number=0,
        count=1,
        exchange="binance",
        bucket=0,
        timeframe=Timeframe.H1,
        symbols=(SYMBOL,),
        as_of=as_of,
    )


RISE = [100.0, 100.5, 103.0, 107.0, 111.0, 112.0, 112.0]
FALL = [100.0, 100.5, 98.0, 94.0, 93.0, 93.0, 93.0]


def test_every_cycle_stores_the_price_that_the_exchanges_agree_on() -> None:
    market = Market(RISE)
    assert market.cycle(1).prices == 1
    frame = market.frames.latest(0)
    assert frame is not None
    assert frame.prices[SYMBOL].price == pytest.approx(100.0)
    assert frame.prices[SYMBOL].used == EXCHANGES


def test_a_signal_is_filled_at_the_open_of_the_first_candle_after_its_publication() -> None:
    market = Market(RISE)
    for hour in (1, 2):
        market.cycle(hour)
    assert market.signal.filled_price == Decimal("100.0")
    assert market.signal.filled_at == NOW + timedelta(hours=1)


def test_a_signal_whose_target_is_touched_ends_there_once() -> None:
    market = Market(RISE)
    endings = [market.cycle(hour).endings for hour in range(1, 7)]
    assert endings == [0, 0, 0, 0, 1, 0]
    assert market.signal.status is Status.TARGET_HIT
    assert market.signal.ending is not None
    assert market.signal.ending.exit_price == Decimal("110")


def test_a_stop_between_two_cycles_is_found_by_the_candles_although_no_quote_saw_it() -> None:
    market = Market([100.0, 100.5, 101.0, 101.5, 102.0])
    market.candles[2] = market.candles[2]._replace(low=94.0)
    market.cycle(2)
    market.cycle(4)
    assert market.signal.status is Status.STOP_HIT


def test_missed_cycles_are_caught_up() -> None:
    market = Market(FALL)
    assert market.cycle(6).endings == 1
    assert market.signal.status is Status.STOP_HIT


def test_published_levels_never_change_and_every_change_is_in_the_history_once() -> None:
    market = Market(RISE)
    published = market.signal.levels
    for hour in (1, 2, 3, 3, 4, 4, 5, 5):
        market.cycle(hour)
    assert market.signal.levels == published
    records = market.history.of_signal(market.signal.signal_id)
    assert [record["number"] for record in records] == list(range(1, len(records) + 1))
    assert records[-1]["kind"] == "ended"


def test_a_signal_expires_within_one_cycle_even_if_no_price_can_be_had() -> None:
    market = Market([100.0] * 30, make_signal(expires_at=NOW + timedelta(hours=4)))
    market.cycle(2)
    for exchange in market.exchanges:
        exchange.quote_error = exchange.market_error = ExchangeUnavailableError("down")
        exchange.candle_errors[SYMBOL] = ExchangeUnavailableError("down")
    assert market.cycle(4).silent_exchanges == 3
    assert market.cycle(5).endings == 1
    assert market.signal.status is Status.DATA_GAP


def test_a_delisted_symbol_ends_its_signals() -> None:
    market = Market(RISE)
    market.cycle(2)
    gone = Universe(NOW + timedelta(hours=2), (Member(SYMBOL, "binance", 0, listed=False),))
    market.universes.add(gone)
    for exchange in market.exchanges:
        exchange.candle_errors[SYMBOL] = ExchangeUnavailableError("gone")
    market.cycle(3)
    assert market.signal.status is Status.DELISTED


def test_a_price_that_runs_away_switches_the_signal_off_but_leaves_it_open() -> None:
    market = Market([100.0, 100.5, 107.0, 108.0])
    for hour in (1, 2, 3):
        market.cycle(hour)
    assert market.signal.status is Status.OPEN
    assert not market.signal.may_act
    assert not market.signal.is_valid(NOW + timedelta(hours=3))


def test_an_exchange_that_is_twenty_per_cent_off_moves_nothing() -> None:
    market = Market([100.0] * 4)
    market.cycle(1)
    market.off_by["bybit"] = 1.2
    assert market.cycle(2).revisions == 0
    frame = market.frames.latest(0)
    assert frame is not None
    assert "bybit" in frame.prices[SYMBOL].rejected


def test_two_workers_on_one_signal_leave_one_ending() -> None:
    market = Market(FALL)
    market.cycle(1)
    before = market.signal
    market.cycle(6)
    ended = market.signal
    assert not market.signals.update(before, replace(ended, ending=None, status=Status.EXPIRED))
    assert market.signal == ended
