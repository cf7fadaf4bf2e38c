"""What was not sent is resolved by the rules of what was."""

from datetime import datetime, timedelta

import pytest

from signalbox.domain.errors import StorageUnavailableError
from signalbox.domain.market.suppression_reason import SuppressionReason
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.resolution import settle
from signalbox.domain.signals.signal import SignalType, Status
from signalbox.domain.signals.suppression import Suppression
from signalbox.domain.universe.universe import Member, Universe
from signalbox.services.resolve_suppressions import SuppressionsReport, resolve_suppressions
from tests.builders import NOW, make_grid, make_levels, make_suppression
from tests.fakes.market import InMemoryCandles
from tests.fakes.signals import InMemorySuppressions

LIFE = timedelta(hours=6)
UNIVERSE = Universe(NOW, (Member("BTC/USDT", "binance", 0), Member("ETH/USDT", "binance", 0)))
CLOSES = {"BTC/USDT": [100.0, 101, 103, 106, 111, 112, 113, 112, 111], "ETH/USDT": [50.0] * 9}
GRACE = 10


def candidate(symbol: str = "BTC/USDT", **overrides: object) -> Suppression:
    buys = {"signal_type": SignalType.BUY, "levels": make_levels("100", "110", "95"), "expires_at": NOW + LIFE}
    return make_suppression(symbol=symbol, **buys | overrides)


class House:
    """Nine candles of two symbols from the suppressions' own close on."""

    def __init__(self) -> None:
        self.candles = InMemoryCandles()
        self.grid = make_grid(CLOSES, start=NOW)
        self.candles.save(self.grid, 0)
        self.suppressions = InMemorySuppressions()

    def run(self, hours: float = 9, universe: Universe = UNIVERSE) -> SuppressionsReport:
        return resolve_suppressions(
            universe,
            candles=self.candles,
            suppressions=self.suppressions,
            grace_seconds=GRACE,
            now=NOW + timedelta(hours=hours),
        )


@pytest.fixture
def house() -> House:
    return House()


def test_a_suppression_ends_as_the_signal_would_have(house: House) -> None:
    suppressed = candidate()
    house.suppressions.add(suppressed)

    assert house.run() == SuppressionsReport(1, 0, 0)

    (found,) = house.suppressions.of_symbol("BTC/USDT", 10)
    signal = suppressed.as_signal(NOW + timedelta(seconds=GRACE))
    assert signal is not None
    expected = settle(
        signal, house.grid.column("BTC/USDT"), timeframe=Timeframe.H1, now=NOW + timedelta(hours=9)
    ).ending
    assert found.ending == expected
    assert found.ending is not None
    assert found.ending.status is Status.TARGET_HIT


def test_nothing_is_resolved_before_its_life_is_over_and_nothing_twice(house: House) -> None:
    house.suppressions.add(candidate())

    assert house.run(hours=5) == SuppressionsReport(0, 0, 0)
    assert house.run() == SuppressionsReport(1, 0, 0)
    before = dict(house.suppressions.stored)
    assert house.run() == SuppressionsReport(0, 0, 0)
    assert house.suppressions.stored == before


def test_one_that_ran_out_with_the_newest_candle_waits_until_that_is_stored_for_certain(house: House) -> None:
    house.suppressions.add(candidate())

    assert house.run(hours=6.5) == SuppressionsReport(0, 1, 0)
    assert house.run(hours=7) == SuppressionsReport(1, 0, 0)


def test_one_with_a_long_life_is_resolved_however_many_came_after_it(house: House) -> None:
    house.suppressions.add(candidate())
    for minute in range(1, 1202):
        later = NOW + timedelta(minutes=minute)
        house.suppressions.add(make_suppression(strategy="any", created_at=later, reason=SuppressionReason.STALE))

    assert house.run() == SuppressionsReport(1, 0, 0)


def stopped_after(candles: int, house: House) -> Suppression:
    """Let ETH have so many candles only; return what was suppressed of it."""
    house.candles = InMemoryCandles()
    house.candles.save(make_grid({"ETH/USDT": [50.0] * candles}, start=NOW), 0)
    suppressed = candidate("ETH/USDT", levels=make_levels("50", "60", "45"))
    house.suppressions.add(suppressed)
    return suppressed


@pytest.mark.parametrize("found_after_hours", [4, 8])
def test_one_of_a_symbol_that_was_delisted_ends_with_its_last_candle_whenever_that_was_found(
    house: House, found_after_hours: int
) -> None:
    stopped_after(4, house)
    gone = Universe(NOW + timedelta(hours=found_after_hours), (Member("ETH/USDT", "binance", 0, listed=False),))

    assert house.run(universe=gone) == SuppressionsReport(1, 0, 0)
    (found,) = house.suppressions.of_symbol("ETH/USDT", 10)
    assert found.ending is not None
    assert (found.ending.status, found.ending.ended_at) == (Status.DELISTED, NOW + timedelta(hours=4))


def test_one_whose_symbol_is_halted_waits(house: House) -> None:
    stopped_after(4, house)
    halted = Universe(NOW, (Member("ETH/USDT", "binance", 0, inactive_since=NOW + timedelta(hours=5)),))

    assert house.run(universe=halted) == SuppressionsReport(0, 1, 0)


def test_one_of_a_symbol_that_is_gone_and_never_had_a_candle_has_a_gap(house: House) -> None:
    stopped_after(0, house)
    gone = Universe(NOW, (Member("ETH/USDT", "binance", 0, listed=False),))

    assert house.run(universe=gone) == SuppressionsReport(1, 0, 0)
    (found,) = house.suppressions.of_symbol("ETH/USDT", 10)
    assert found.ending is not None
    assert found.ending.status is Status.DATA_GAP


def test_a_refusal_of_the_data_has_no_ending(house: House) -> None:
    house.suppressions.add(make_suppression(strategy="any", reason=SuppressionReason.STALE))

    assert house.run() == SuppressionsReport(0, 0, 0)


def test_a_symbol_that_cannot_be_read_leaves_the_others_alone(house: House) -> None:
    class Broken(InMemorySuppressions):
        def due(self, symbol: str, until: datetime, limit: int) -> list[Suppression]:
            if symbol == "BTC/USDT":
                raise StorageUnavailableError("down")
            return super().due(symbol, until, limit)

    house.suppressions = Broken()
    house.suppressions.add(candidate())
    house.suppressions.add(candidate("ETH/USDT", levels=make_levels("50", "60", "45")))

    assert house.run() == SuppressionsReport(1, 0, 1)
    (found,) = house.suppressions.of_symbol("ETH/USDT", 10)
    assert found.ending is not None
    assert found.ending.status is Status.EXPIRED
