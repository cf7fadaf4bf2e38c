from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from signalbox.domain.alerts.alert import AlertKind
from signalbox.domain.instants import to_ms
from signalbox.domain.market.candles import Candle, CandleGrid
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.regimes.change import Direction, RegimeChange
from signalbox.domain.universe.shards import Shard
from signalbox.domain.universe.universe import Member, Universe
from signalbox.services.watch_regimes import RegimesReport, watch_regimes
from tests.builders import NOW
from tests.fakes.alerts import InMemoryAlerts, InMemoryRegimes, make_alert, make_change, make_terms
from tests.fakes.caching import InMemoryVersions
from tests.fakes.market import InMemoryCandles
from tests.fakes.work import InMemoryUniverse

ROWS = 300
HOUR = timedelta(hours=1)
SYMBOLS = ("BTC/USDT", "ETH/USDT")


def walk(closes: Sequence[float]) -> list[Candle]:
    """Hourly candles up to the one that closes at `NOW`."""
    first = to_ms(NOW) - len(closes) * 3_600_000
    return [Candle(first + at * 3_600_000, c, c * 1.002, c * 0.998, c, 1.0) for at, c in enumerate(closes)]


class House:
    """Two symbols that rise; `NOW` is when the last candle closed."""

    def __init__(self) -> None:
        self.regimes, self.alerts, self.candles = InMemoryRegimes(), InMemoryAlerts(), InMemoryCandles()
        self.versions = InMemoryVersions()
        self.universes = InMemoryUniverse(
            Universe(NOW - 1000 * HOUR, tuple(Member(symbol, "binance", at) for at, symbol in enumerate(SYMBOLS)))
        )
        noise = np.random.default_rng(7).normal(0, 0.0005, ROWS)
        rise = 100 * np.exp(np.cumsum(0.003 + noise))
        for at, symbol in enumerate(SYMBOLS):
            self.candles.save(self.grid(walk(rise), symbol), at)

    @staticmethod
    def grid(candles: Sequence[Candle], *symbols: str) -> CandleGrid:
        columns = dict.fromkeys(symbols, candles)
        return CandleGrid.from_columns("binance", Timeframe.H1, columns, candles[0].time, candles[-1].time)

    def turn(self, closes: Sequence[float] | None = None, *, number: int = 0, hours: int = 0) -> RegimesReport:
        candles = walk(np.linspace(100, 200, ROWS).tolist() if closes is None else closes)
        shard = Shard(
            job="generate_signals",
            number=number,
            count=2,
            exchange="binance",
            bucket=0,
            timeframe=Timeframe.H1,
            symbols=("BTC/USDT",),
            as_of=NOW + hours * HOUR,
        )
        return watch_regimes(
            shard,
            self.grid(candles, "BTC/USDT"),
            rows=ROWS,
            universes=self.universes,
            candles=self.candles,
            regimes=self.regimes,
            alerts=self.alerts,
            versions=self.versions,
            now=NOW + hours * HOUR,
            wall_now=NOW + hours * HOUR,
        )

    def history(self, symbol: str) -> list[Direction]:
        found = self.regimes.between(symbol, Timeframe.H1, NOW - 9 * HOUR, NOW + 99 * HOUR, 100)
        return [change.direction for change in found]


def test_whoever_keeps_regimes_is_told_of_a_change_again_when_its_turn_is_handled_again() -> None:
    house = House()
    house.turn()
    assert set(house.versions.stored) == {"regime BTC/USDT#1h", "regime market#1h"}
    house.turn()
    house.turn(hours=1)
    assert {version.count for version in house.versions.stored.values()} == {2}


def test_a_regime_is_written_when_it_changes_and_not_again() -> None:
    house = House()
    for hours in (0, 0, 1, 2):
        house.turn(hours=hours)
    assert house.history("BTC/USDT") == [Direction.UP]
    house.turn(np.linspace(200, 100, ROWS).tolist(), hours=3)
    assert house.history("BTC/USDT") == [Direction.DOWN, Direction.UP]


def test_a_turn_that_is_handled_after_a_later_one_that_changed_tells_nothing_twice() -> None:
    house = House()
    house.alerts.add(make_alert(make_terms(AlertKind.REGIME, timeframe=Timeframe.H1, repeat=True)))
    falling = np.linspace(200, 100, ROWS).tolist()
    house.turn()
    for hours in (2, 1, 2):
        house.turn(falling, hours=hours)
    assert house.history("BTC/USDT") == [Direction.DOWN, Direction.UP]
    assert [firing.at for firing in house.alerts.told()] == [NOW, NOW + 2 * HOUR]


def test_a_change_that_another_worker_stored_a_moment_ago_is_told_all_the_same() -> None:
    class Raced(InMemoryRegimes):
        def add(self, change: RegimeChange) -> bool:
            super().add(change)
            return super().add(change)

    house = House()
    house.regimes = Raced()
    house.alerts.add(make_alert(make_terms(AlertKind.REGIME, timeframe=Timeframe.H1)))
    house.turn(number=1)
    assert len(house.alerts.told()) == 1


def test_a_change_counts_from_the_turn_that_found_it() -> None:
    house = House()
    house.turn(hours=5)
    latest = house.regimes.latest("BTC/USDT", Timeframe.H1, NOW + 9 * HOUR)
    assert latest is not None
    assert latest.since == NOW + 5 * HOUR


def test_a_symbol_that_is_not_warm_has_no_regime() -> None:
    house = House()
    assert house.turn([100.0] * 20, number=1).regime_changes == 0


def test_the_market_is_written_by_its_turns_first_shard_from_every_bucket() -> None:
    house = House()
    house.turn(number=1)
    assert house.history("market") == []
    house.turn(number=0)
    assert house.history("market") == [Direction.UP]


def test_garbage_in_one_symbol_does_not_move_the_market() -> None:
    house = House()
    still = 100 + np.tile([0.0, 0.2], ROWS // 2)
    garbage = still * np.concatenate([np.ones(ROWS - 40), 1.3 ** np.arange(40)])
    columns = {"BTC/USDT": walk(still.tolist()), "ETH/USDT": walk(garbage.tolist())}
    house.candles = InMemoryCandles()
    for at, (symbol, candles) in enumerate(columns.items()):
        house.candles.save(house.grid(candles, symbol), at)
    house.turn()
    assert house.history("market") == [Direction.RANGE]


def test_an_alert_on_a_regime_fires_once_for_each_change_also_if_the_worker_died_in_between() -> None:
    house = House()
    house.alerts.add(make_alert(make_terms(AlertKind.REGIME, timeframe=Timeframe.H1, repeat=True)))
    house.turn()
    house.regimes.add(make_change(1, direction=Direction.DOWN))
    for _ in range(3):
        house.turn(np.linspace(200, 100, ROWS).tolist(), hours=1)
    told = house.alerts.told()
    assert [firing.value.split("/")[0] for firing in told] == ["UP", "DOWN"]
    assert [firing.at for firing in told] == [NOW, NOW + HOUR]
