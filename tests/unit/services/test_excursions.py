"""The best and the worst R of an open signal: kept whenever it is revised, at no write of their own."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import pytest

from signalbox.domain.instants import to_ms
from signalbox.domain.market.candles import Candle
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import Signal, Status
from tests.builders import NOW
from tests.unit.services.repricing_house import MINUTE, House, buy

SYMBOL = "BTC/USDT"
STEP = timedelta(minutes=5)
QUIET = (100.5, 99.5)


class Ride:
    """A BUY at 100 with the stop at 80, on 5m candles of these highs and lows, each quoted at one price throughout."""

    def __init__(self, *ways: tuple[float, float, float]) -> None:
        self.house = House((SYMBOL,), timeframe=Timeframe.M5)
        signal = buy(SYMBOL, expires_at=NOW + timedelta(hours=20))
        self.signal_id = signal.signal_id
        self.house.signals.add(signal)
        self.ways = ways

    def live(self) -> list[int]:
        """Re-price every minute; return how many writes each minute took."""
        return [self._minute(minute) for minute in range(len(self.ways) * 5 + 1)]

    def _minute(self, minute: int) -> int:
        as_of, at = NOW + minute * MINUTE, min(minute // 5, len(self.ways) - 1)
        self.house.show(as_of, self.ways[at][2])
        self.house.show_candles({SYMBOL: self._candles(minute // 5 + 1)})
        report = self.house.reprice(as_of)
        return report.fills + report.revisions + report.endings

    def _candles(self, count: int) -> list[Candle]:
        ways: Sequence[tuple[float, float, float]] = (*self.ways, (100.5, 99.5, 100.0))
        return [Candle(to_ms(NOW + at * STEP), 100.0, high, low, 100.0, 1.0) for at, (high, low, _) in enumerate(ways)][
            :count
        ]

    @property
    def signal(self) -> Signal:
        found = self.house.signals.get(self.signal_id)
        assert found is not None
        return found


def test_a_revision_keeps_the_best_and_the_worst_of_the_candles_since_the_last():
    ride = Ride((125.0, 99.5, 124.0), (100.5, 85.0, 86.0), (*QUIET, 100.0))
    ride.live()
    assert (ride.signal.mfe_r, ride.signal.mae_r) == (1.25, -0.75)
    assert ride.signal.checked_until == NOW + 2 * STEP


def test_a_price_that_no_candle_shows_yet_counts_up_to_the_levels():
    ride = Ride((*QUIET, 100.0), (*QUIET, 112.0), (*QUIET, 60.0))
    ride.live()
    assert ride.signal.status is Status.OPEN
    assert (ride.signal.mfe_r, ride.signal.mae_r) == (pytest.approx(0.6), -1.0)
    assert ride.signal.revised_price == Decimal("60.0")


def test_before_the_fill_there_is_no_best_or_worst():
    ride = Ride((*QUIET, 112.0))
    bare = buy(SYMBOL, strategy="momentum", published_at=NOW + MINUTE, filled_price=None, filled_at=None)
    ride.house.signals.add(bare)
    ride._minute(3)
    found = ride.house.signals.get(bare.signal_id)
    assert (found.revision, found.mfe_r, found.mae_r) == (1, 0.0, 0.0)


def test_what_changes_nothing_is_not_written():
    assert sum(Ride(*[(*QUIET, 100.0)] * 12).live()) == 0
