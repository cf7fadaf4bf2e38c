"""Keep what regime each symbol, and the market as a whole, is in: its changes, each known by the turn that found it."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

import numpy as np

from signalbox.domain.alerts.events import MARKET
from signalbox.domain.instants import to_ms
from signalbox.domain.market.candles import COLUMNS, CandleGrid
from signalbox.domain.market.health import believed, keep
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.regimes.change import Direction, RegimeChange, Volatility
from signalbox.domain.regimes.classification import classify, market_regime
from signalbox.domain.regimes.regime import Regimes
from signalbox.domain.universe.shards import Shard
from signalbox.domain.universe.universe import Member
from signalbox.ports.alerts import RegimeRepository
from signalbox.ports.market import CandleStore
from signalbox.ports.work import UniverseRepository


def record_regimes(grid: CandleGrid, as_of: datetime, *, regimes: RegimeRepository) -> list[RegimeChange]:
    """Store and return the symbols' changes of regime by the last candle of `grid`, which closed at `as_of`.

    A change counts from the turn that found it; nothing is written about earlier ones, as nobody knew, nor by a turn
    that is handled after a later one changed. The same turn again returns the same changes.
    """
    if not len(grid.times) or not grid.symbols:
        return []
    return _record(grid.symbols, grid.timeframe, classify(grid.high, grid.low, grid.close), as_of, regimes)


def record_market_regime(
    shard: Shard, *, rows: int, universes: UniverseRepository, candles: CandleStore, regimes: RegimeRepository
) -> list[RegimeChange]:
    """Store and return the change of the market's regime, if `shard` is its turn's first: one does it for all.

    The market is the equal-weight basket of the watched symbols whose candles can be believed, over the `rows` candles
    up to the one before the turn's: the other shards may not have stored the turn's own yet.
    """
    universe = universes.current(shard.as_of) if shard.number == 0 else None
    if universe is None:
        return []
    step = shard.timeframe.milliseconds
    last = shard.timeframe.floor(to_ms(shard.as_of)) - 2 * step
    grid = _whole(universe.watched, shard.timeframe, last - (rows - 1) * step, last, candles)
    if grid is None:
        return []
    return _record((MARKET,), shard.timeframe, market_regime(keep(grid, believed(grid))), shard.as_of, regimes)


def _record(
    symbols: Iterable[str], timeframe: Timeframe, found: Regimes, as_of: datetime, regimes: RegimeRepository
) -> list[RegimeChange]:
    changes = []
    known = {symbol: column for column, symbol in enumerate(symbols) if found.known[-1, column]}
    before = regimes.latest_of(tuple(known), timeframe, as_of) if known else {}
    for symbol, column in known.items():
        direction = Direction(int(found.direction[-1, column]))
        volatility = Volatility(int(found.volatility[-1, column]))
        latest = before.get(symbol)
        if latest is not None and latest.since == as_of:
            changes.append(latest)
        elif latest is None or (latest.direction, latest.volatility) != (direction, volatility):
            change = RegimeChange(symbol, timeframe, as_of, direction, volatility)
            # Another worker on the same turn may have been first, and die before it tells of it.
            if regimes.add(change) or regimes.latest(symbol, timeframe, as_of) == change:
                changes.append(change)
    return changes


def _whole(
    members: Iterable[Member], timeframe: Timeframe, first: int, last: int, candles: CandleStore
) -> CandleGrid | None:
    """Return the stored candles of all members side by side, or None if there are no members."""
    groups: dict[tuple[str, int], list[str]] = defaultdict(list)
    for member in members:
        groups[member.exchange, member.bucket].append(member.symbol)
    grids = [
        candles.load(exchange, timeframe, bucket, symbols, first, last)
        for (exchange, bucket), symbols in sorted(groups.items())
    ]
    if not grids:
        return None
    columns = (np.concatenate([getattr(grid, name) for grid in grids], axis=1) for name in COLUMNS)
    symbols = tuple(symbol for grid in grids for symbol in grid.symbols)
    return CandleGrid(MARKET, timeframe, symbols, grids[0].times, *columns)
