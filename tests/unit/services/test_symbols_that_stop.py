"""Candles that stop: a halt passes, a delisting is found out and ends what was open at the last price there was."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from signalbox.domain.instants import to_ms
from signalbox.domain.market.candles import Candle
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import Signal, Status
from signalbox.domain.universe.universe import GONE_AFTER
from signalbox.ports.market import Market
from signalbox.services.refresh_universe import current_universe
from tests.builders import NOW
from tests.unit.services.repricing_house import MINUTE, House, buy

SYMBOL = "BTC/USDT"
STEP = timedelta(minutes=5)
LAST = 60
"""Five hours of candles, of a life of a day."""
STOPPED = NOW + LAST * STEP
EXPIRES = NOW + timedelta(hours=24)


class Stop:
    """One signal of 24 hours on 5m candles, of which the numbers in `shown` come; their closes fall slowly."""

    def __init__(self, shown: Iterable[int] = range(LAST), **overrides: Any) -> None:
        self.house = House((SYMBOL,), timeframe=Timeframe.M5)
        life = {"published_at": NOW - MINUTE, "expires_at": EXPIRES}
        signal = buy(SYMBOL, **life | overrides)
        self.signal_id = signal.signal_id
        self.house.signals.add(signal)
        self.shown = [Candle(to_ms(NOW + at * STEP), 100.0, 100.5, 97.0, 100 - at / 100, 1.0) for at in shown]

    def cycle(self, at: datetime) -> Signal:
        """Re-price, on other exchanges' word alone once the home has no candles; return the signal."""
        self.house.show(at, 97.0)
        self.house.show_candles({SYMBOL: [candle for candle in self.shown if candle.time <= to_ms(at)]})
        self.house.reprice(at)
        found = self.house.signals.get(self.signal_id)
        assert found is not None
        return found

    def list_as(self, market: Market | None) -> None:
        self.house.exchanges["binance"].listed = {} if market is None else {SYMBOL: market}

    def refresh(self, at: datetime) -> None:
        current_universe(
            self.house.universes,
            [self.house.exchanges["binance"]],
            at=at,
            symbols=[SYMBOL],
            size=1,
            quote_currency="USDT",
        )


ACTIVE = Market(SYMBOL, active=True, price_step=Decimal("0.01"))
HALTED = replace(ACTIVE, active=False)


def require_delisted(signal: Signal) -> None:
    assert (signal.status, signal.ending.ended_at) == (Status.DELISTED, STOPPED)
    assert signal.ending.exit_price == Decimal("99.41")


def test_a_halt_that_spans_a_refresh_ends_nothing():
    stop = Stop([*range(LAST), *range(LAST + 4, 300)])
    stop.cycle(STOPPED + MINUTE)
    stop.list_as(HALTED)
    stop.refresh(STOPPED + 5 * MINUTE)
    assert stop.cycle(STOPPED + 6 * MINUTE).status is Status.OPEN
    stop.list_as(ACTIVE)
    for hour in range(6, 25):
        signal = stop.cycle(NOW + timedelta(hours=hour, minutes=1))
    assert (signal.status, signal.candles_missing) == (Status.EXPIRED, 4)


def test_what_the_refresh_finds_gone_ended_with_its_last_candle():
    stop = Stop()
    stop.list_as(HALTED)
    stop.cycle(STOPPED + MINUTE)
    stop.list_as(None)
    stop.refresh(STOPPED + timedelta(hours=3))
    require_delisted(stop.cycle(STOPPED + timedelta(hours=3, minutes=1)))


def test_a_signal_that_runs_out_before_the_refresh_is_delisted_all_the_same():
    stop = Stop()
    stop.list_as(HALTED)
    stop.cycle(STOPPED + MINUTE)
    stop.list_as(None)
    assert stop.cycle(EXPIRES - MINUTE).status is Status.OPEN
    require_delisted(stop.cycle(EXPIRES + MINUTE))


def test_one_that_runs_out_while_its_symbol_is_inactive_waits_until_it_is_known_to_be_gone():
    stop = Stop()
    stop.cycle(STOPPED + MINUTE)
    stop.list_as(HALTED)
    for at in (EXPIRES, EXPIRES + MINUTE, STOPPED + GONE_AFTER - MINUTE):
        waiting = stop.cycle(at)
        assert waiting.status is Status.OPEN
        assert not waiting.is_valid(at)
    require_delisted(stop.cycle(STOPPED + GONE_AFTER))


def test_one_that_runs_out_in_a_halt_which_passes_has_a_gap():
    stop = Stop()
    stop.list_as(HALTED)
    assert stop.cycle(EXPIRES + MINUTE).status is Status.OPEN
    stop.list_as(ACTIVE)
    ended = stop.cycle(EXPIRES + timedelta(hours=1))
    assert (ended.status, ended.ending.ended_at) == (Status.DATA_GAP, EXPIRES)


def test_candles_that_come_again_outdo_a_list_of_markets_that_is_an_hour_old():
    stop = Stop([*range(LAST), *range(290, 400)])
    stop.list_as(HALTED)
    assert stop.cycle(EXPIRES + MINUTE).status is Status.OPEN
    assert stop.cycle(EXPIRES + 4 * STEP).status is Status.DATA_GAP


def test_a_signal_that_was_never_filled_has_a_gap_though_its_symbol_is_gone():
    stop = Stop(range(0), filled_price=None, filled_at=None, checked_until=None)
    stop.list_as(None)
    assert stop.cycle(EXPIRES + MINUTE).status is Status.DATA_GAP


def test_an_expiry_into_silence_takes_the_newest_price_that_was_known_then():
    stop = Stop(range(284))
    stop.cycle(EXPIRES - MINUTE)
    ended = stop.cycle(EXPIRES + MINUTE)
    assert (ended.status, ended.ending.exit_price) == (Status.EXPIRED, Decimal("97.0"))
