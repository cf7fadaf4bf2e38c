"""Candles that concern nobody are looked at once; those that do are settled from the signal's own last check on."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from signalbox.domain.errors import ExchangeUnavailableError
from signalbox.domain.instants import to_ms
from signalbox.domain.market.candles import Candle, CandleGrid
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import Signal, Status
from tests.builders import NOW
from tests.fakes.market import FakeExchange, InMemoryCandles
from tests.unit.services.repricing_house import MINUTE, House, buy

SYMBOL = "BTC/USDT"
STEP = timedelta(minutes=5)


class WatchedCandles(InMemoryCandles):
    """Remembers how many candles each read spanned."""

    def __init__(self) -> None:
        super().__init__()
        self.spans: list[int] = []

    def load(self, *series: Any) -> CandleGrid:
        grid = super().load(*series)
        self.spans.append(len(grid.times))
        return grid


class Quiet:
    """One signal on 5m candles at 100, with `wicks` by number of the candle: (high, low)."""

    def __init__(self, wicks: dict[int, tuple[float, float]] | None = None, holes: Sequence[int] = ()) -> None:
        self.candles = WatchedCandles()
        self.house = House((SYMBOL,), timeframe=Timeframe.M5, candles=self.candles)
        self.house.signals.add(buy(SYMBOL, expires_at=NOW + timedelta(hours=20)))
        rows = {at: (wicks or {}).get(at, (100.5, 99.5)) for at in range(60) if at not in holes}
        self.shown = [Candle(to_ms(NOW + at * STEP), 100.0, *row, 100.0, 1.0) for at, row in rows.items()]

    def cycle(self, minute: int) -> int:
        """Re-price at a minute after NOW; return the most candles that one read spanned."""
        as_of = NOW + minute * MINUTE
        self.candles.spans.clear()
        self.house.show(as_of, 100.0)
        self.house.show_candles({SYMBOL: [candle for candle in self.shown if candle.time <= to_ms(as_of)]})
        self.house.reprice(as_of)
        return max(self.candles.spans, default=0)

    @property
    def signal(self) -> Signal:
        (found,) = self.house.signals.stored.values()
        return found


def test_a_minute_that_closes_no_candle_reads_none():
    quiet = Quiet()
    assert [quiet.cycle(minute) for minute in (5, 6, 7, 8, 9)] == [1, 0, 0, 0, 0]


def test_a_candle_that_touches_nothing_is_read_once_however_long_the_signal_is_open():
    quiet = Quiet()
    for minute in range(1, 100):
        quiet.cycle(minute)
    assert quiet.cycle(100) == 1
    assert quiet.signal.checked_until == NOW


def test_a_touch_is_settled_with_every_candle_since_the_last_check():
    quiet = Quiet({15: (101.0, 79.0)})
    spans = [quiet.cycle(minute) for minute in range(60, 82)]

    assert max(spans) == 16
    assert quiet.signal.status is Status.STOP_HIT
    assert quiet.signal.ending.ended_at == NOW + 16 * STEP


def test_missed_cycles_read_what_they_missed():
    quiet = Quiet({9: (131.0, 99.0)})
    quiet.cycle(6)
    quiet.cycle(61)

    assert quiet.signal.status is Status.TARGET_HIT


@pytest.mark.parametrize("minutes", [1, 7])
def test_holes_that_come_one_at_a_time_are_counted_together(minutes: int):
    # Its life holds 251 candles: more than 2 % are six missing ones.
    quiet = Quiet(holes=(3, 8, 13, 18, 21, 23))
    for minute in range(1, 131, minutes):
        quiet.cycle(minute)

    assert quiet.signal.status is Status.DATA_GAP
    assert quiet.signal.ending.ended_at == NOW + 24 * STEP


def test_a_change_that_was_not_stored_is_settled_again():
    quiet = Quiet({2: (101.0, 79.0)})
    quiet.cycle(11)
    real = quiet.house.changes
    quiet.house.changes = type("Losing", (), {"apply": lambda *_: False})()
    quiet.cycle(15)
    quiet.house.changes = real
    quiet.cycle(16)

    assert quiet.signal.status is Status.STOP_HIT


def test_a_candle_that_only_a_new_signal_made_known_is_still_compared_with_the_others():
    class Faltering(FakeExchange):
        """Gives no candles the first time it is asked in a cycle."""

        tired = False

        def candles(self, *asked: Any) -> list[Candle]:
            if self.tired:
                self.tired = False
                raise ExchangeUnavailableError("down")
            return super().candles(*asked)

    quiet = Quiet({1: (101.0, 79.0)})
    exchange = quiet.house.exchanges["binance"] = Faltering("binance")
    quiet.cycle(6)
    later = buy(SYMBOL, strategy="momentum", expires_at=NOW + timedelta(hours=20), published_at=NOW + 9 * MINUTE)
    quiet.house.signals.add(replace(later, filled_price=None, filled_at=None, checked_until=None))
    exchange.tired = True
    quiet.cycle(11)
    quiet.cycle(12)

    found = {signal.strategy: signal.status for signal in quiet.house.signals.stored.values()}
    assert found == {"trend_following": Status.STOP_HIT, "momentum": Status.OPEN}


def test_a_tie_is_drilled_into_the_finest_candles_there_are():
    quiet = Quiet({2: (131.0, 79.0)})
    opens = [to_ms(NOW + 2 * STEP) + at * 60_000 for at in range(5)]
    lows = [99.0, 99.0, 79.0, 99.0, 99.0]
    minutes = [
        Candle(at, 100.0, 131.0 if number == 4 else 101.0, low, 100.0, 1.0)
        for number, (at, low) in enumerate(zip(opens, lows, strict=True))
    ]
    quiet.candles.save(CandleGrid.from_columns("binance", Timeframe.M1, {SYMBOL: minutes}, opens[0], opens[-1]), 0)
    quiet.cycle(15)

    ended = quiet.signal.ending
    assert (quiet.signal.status, ended.ambiguous) == (Status.STOP_HIT, False)
    assert ended.ended_at == NOW + 13 * MINUTE


def test_a_tie_without_finer_candles_counts_as_a_stop_and_says_so():
    quiet = Quiet({2: (131.0, 79.0)})
    quiet.cycle(15)

    assert (quiet.signal.status, quiet.signal.ending.ambiguous) == (Status.STOP_HIT, True)
    assert replace(quiet.signal.ending, ambiguous=False).optimistic_r > 0


def test_longer_candles_than_those_that_settled_so_far_leave_no_hole_in_a_quiet_signals_life():
    quiet = Quiet()
    for minute in range(5, 76, 5):
        quiet.cycle(minute)
    rows = [(100.5, 99.5), (100.5, 79.0), (100.5, 99.5)]  # From the second hour's middle on it fell.
    quiet.shown = [Candle(to_ms(NOW + at * timedelta(hours=1)), 100.0, *row, 100.0, 1.0) for at, row in enumerate(rows)]
    quiet.house.timeframe = Timeframe.H1
    for minute in (80, 121):
        quiet.cycle(minute)
    assert quiet.signal.status is Status.STOP_HIT
    assert quiet.signal.ending.ended_at == NOW + timedelta(hours=2)
