"""What a turn's candles say about regimes: kept, and told to those who asked."""

from dataclasses import dataclass
from datetime import datetime

from signalbox.domain.caching.versions import Moves, regime_name
from signalbox.domain.market.candles import CandleGrid
from signalbox.domain.universe.shards import Shard
from signalbox.ports.alerts import AlertRepository, RegimeRepository
from signalbox.ports.caching import VersionRepository
from signalbox.ports.market import CandleStore
from signalbox.ports.work import UniverseRepository
from signalbox.services.fire_alerts import alert_of_regimes
from signalbox.services.record_regimes import record_market_regime, record_regimes


@dataclass(frozen=True, slots=True)
class RegimesReport:
    """What one shard's candles changed. `regime_changes` counts those of a turn handled again, too."""

    regime_changes: int
    regime_alerts_fired: int


def watch_regimes(
    shard: Shard,
    grid: CandleGrid,
    *,
    rows: int,
    universes: UniverseRepository,
    candles: CandleStore,
    regimes: RegimeRepository,
    alerts: AlertRepository,
    versions: VersionRepository,
    now: datetime,
    wall_now: datetime,
) -> RegimesReport:
    """Store the changes of regime that the last candle of `grid` brought, and the market's, and fire alerts on them.

    `rows` is how many candles the market's regime is judged by. What was stored and told before is not again; only the
    counters that kept answers rest on move again, in case a worker died before it could move them. `now` is the system
    clock's.
    """
    changes = record_regimes(grid, shard.as_of, regimes=regimes)
    changes += record_market_regime(shard, rows=rows, universes=universes, candles=candles, regimes=regimes)
    if changes:
        versions.move({regime_name(change.symbol, change.timeframe): Moves() for change in changes}, wall_now)
    tally = alert_of_regimes(changes, alerts=alerts, now=now)
    return RegimesReport(regime_changes=len(changes), regime_alerts_fired=tally.alerts_fired)
