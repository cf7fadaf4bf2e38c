"""Does the edge test hold its word? Over many seeds of the coin, and over coins with a planted edge.

The coins are the house's own (`Null`, by seed), on any grid of candles; what each cell of the grid would have come to
as BUY and as SELL is computed once, by the rules of `settle` with the house's geometry and costs. A seed is then only a
choice of cells. Each coin is judged against another coin of its own, so that the seeds do not share one lucky base.

A coin loses its costs, some 0.13 R a signal, and the verdict asks for a mean above zero too: by the verdict alone a
test that rejects everything would look as good as one that holds its level. So the coin's share counts what the test
itself rejects, and the share of verdicts stands beside it.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from infra.bench.findings import Figure, Findings, Table
from infra.bench.material import HOURLY, recorded
from infra.bench.registry import SkippedError, subject
from signalbox.domain.indicators.volatility import average_true_range
from signalbox.domain.market.candles import CandleGrid, FloatArray
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.costs import DEFAULT_COSTS
from signalbox.domain.statistics.clusters import TAIL
from signalbox.domain.statistics.daily import EXTREME_R, Day
from signalbox.domain.statistics.edge import Shown, edges
from signalbox.domain.strategies.base import HOUSE_GEOMETRY
from signalbox.domain.strategies.null import Null
from signalbox.domain.strategies.view import MarketView

SEEDS: Final = 200
PLANTED_R: Final = 0.2
PLANTED_N: Final = 1200
"""Signals of each strategy in the search for a planted edge; its coin has as many as the span gives."""

LOOKED_AT: Final = 8
"""Strategies looked at together where an edge is planted in one of them."""

_BASE_SEEDS = 1_000_000
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_WARM_UP = 134


@dataclass(frozen=True, eq=False, slots=True)
class Outcomes:
    """What a signal of each cell would come to.

    Attributes
    ----------
    r : (2, n_candles, n_symbols) float64 array
        Net R of a BUY and of a SELL that the candle gives; NaN where it cannot be booked.
    days : (n_candles,) int64 array
        Day number of the candle's close, 0 on 1970-01-01.
    """

    r: FloatArray
    days: NDArray[np.int64]
    view: MarketView

    def coin(self, seed: int) -> "Tosses":
        """Return what the coin of `seed` would have come to."""
        side = Null(seed).decide(self.view).side
        rows, columns = np.nonzero(side)
        r = self.r[(side[rows, columns] < 0).astype(np.intp), rows, columns]
        known = np.isfinite(r)
        return Tosses(self.days[rows[known]], r[known])


@dataclass(frozen=True, eq=False, slots=True)
class Tosses:
    """Signals of one coin: (n,) days and (n,) net R."""

    day: NDArray[np.int64]
    r: FloatArray

    def by_day(self) -> dict[date, Day]:
        """Return the sums per day, as `DailyStatistics.days` gives them."""
        first = int(self.day.min(initial=0))
        counts = np.bincount(self.day - first)
        sums = np.bincount(self.day - first, weights=self.r)
        bounded = np.bincount(self.day - first, weights=np.clip(self.r, -EXTREME_R, EXTREME_R))
        return {
            date.fromordinal(_EPOCH_DAY + first + int(at)): Day(int(counts[at]), float(sums[at]), float(bounded[at]))
            for at in np.flatnonzero(counts)
        }

    def drawn(self, n: int, seed: int) -> "Tosses":
        """Return `n` of the signals, all of them where there are fewer."""
        chosen = np.sort(np.random.default_rng(seed).permutation(len(self.r))[:n])
        return Tosses(self.day[chosen], self.r[chosen])

    def with_edge(self, edge_r: float, seed: int) -> "Tosses":
        """Return the same signals, so many losers turned into median winners that the mean is expected to rise by
        `edge_r`: a real edge wins more often, it does not shift every outcome."""
        lost, won = self.r < 0, float(np.median(self.r[self.r > 0]))
        room = float(np.where(lost, won - np.maximum(self.r, -EXTREME_R), 0.0).mean())
        turned = lost & (np.random.default_rng(seed).random(len(self.r)) < edge_r / room)
        return Tosses(self.day, np.where(turned, won, self.r))


@dataclass(frozen=True, slots=True)
class NullShares:
    """What became of the coins, as shares of the seeds: `cleared` the test, `shown` an edge, which also takes a mean
    above zero after costs; and their mean net R, bounded."""

    cleared: float
    shown: float
    mean_r: float


@subject("Edge: is a coin shown one, and is a planted one found?")
def measure() -> Findings:
    """Measure `null.edge_shown_share` and `planted.found_share`, on real candles where there are any."""
    try:
        grid = recorded(HOURLY)
        source = f"real candles, {len(grid.symbols)} symbols, first half of 2024, 1h"
    except SkippedError:
        grid, source = random_grid(), "random candles, 100 symbols, 180 days, 1h (no SIGNALBOX_DATA)"
    outcomes = outcomes_of(grid)
    null = null_shares(outcomes)
    figures = (
        Figure(
            "null.edge_shown_share",
            null.cleared,
            "lower",
            0.05,
            f"share of {SEEDS} seeds of `null`, each the only strategy looked at (the hardest case for the test), that "
            f"clear another coin by the test alone (adjusted p at most {TAIL:g}), whatever their mean after costs; "
            f"{source}",
        ),
        Figure(
            "planted.found_share",
            planted_found_share(outcomes),
            "higher",
            0.8,
            f"share of {SEEDS} coins with a planted edge of {PLANTED_R:+g} R, n = {PLANTED_N} signals, each judged "
            f"among {LOOKED_AT - 1} coins of the same n, that are shown one; {source}",
        ),
    )
    row = (str(SEEDS), f"{null.cleared:.1%}", f"{null.shown:.1%}", f"{null.mean_r:+.3f}")
    columns = ("coins", "clear another by the test", "shown an edge", "mean net R, bounded")
    return Findings(figures, tables=(Table("Coins against coins", columns, (row,)),))


def null_shares(outcomes: Outcomes, seeds: int = SEEDS) -> NullShares:
    """Judge each coin against another one, and return what became of them."""
    cleared = shown = 0
    means = []
    for seed in range(seeds):
        days = outcomes.coin(seed).by_day()
        edge = edges({"coin": days}, outcomes.coin(_BASE_SEEDS + seed).by_day())["coin"]
        cleared += edge.adjusted_p <= TAIL
        shown += edge.verdict is Shown.SHOWN
        means.append(sum(day.bounded for day in days.values()) / sum(day.n for day in days.values()))
    return NullShares(cleared / seeds, shown / seeds, float(np.mean(means)))


def planted_found_share(
    outcomes: Outcomes, seeds: int = SEEDS, *, n: int = PLANTED_N, edge_r: float = PLANTED_R
) -> float:
    """Return the share of planted edges that are shown, each looked at among `LOOKED_AT` strategies."""
    found = 0
    for seed in range(seeds):
        coins = {f"coin_{at}": outcomes.coin(seed * LOOKED_AT + at).drawn(n, seed) for at in range(LOOKED_AT)}
        coins["planted"] = coins.pop("coin_0").with_edge(edge_r, seed)
        days = {name: coin.by_day() for name, coin in coins.items()}
        verdicts = edges(days, outcomes.coin(_BASE_SEEDS + seed).by_day())
        found += verdicts["planted"].verdict is Shown.SHOWN
    return found / seeds


def outcomes_of(grid: CandleGrid) -> Outcomes:
    """Return what every cell of a grid would come to as BUY and as SELL, all at once."""
    view = MarketView(grid)
    atr = average_true_range(grid.high, grid.low, grid.close, period=14)
    r = np.stack([_net_r(grid, atr, side) for side in (1, -1)])
    r[:, :_WARM_UP] = np.nan
    return Outcomes(r, (grid.times + grid.timeframe.milliseconds) // Timeframe.D1.milliseconds, view)


def _net_r(grid: CandleGrid, atr: FloatArray, side: int) -> FloatArray:
    """Return the net R of a signal of `side` at each cell: docs/definitions.md, "How a signal ends", without the 2 % of
    holes that `settle` forgives."""
    life = HOUSE_GEOMETRY.life_candles[grid.timeframe]
    stop = grid.close - side * HOUSE_GEOMETRY.stop_atr * atr
    target = grid.close + side * HOUSE_GEOMETRY.target_atr * atr
    # A signal is published a grace after its candle closed: the candle that runs then does not count any more.
    filled = _later(grid.open, 2)
    best, worst = (grid.high, grid.low) if side > 0 else (grid.low, grid.high)
    exits = np.full(grid.close.shape, np.nan)
    running = (side * filled > side * stop) & (side * filled < side * target)
    for ahead in range(2, life + 1):
        opened = _later(grid.open, ahead)
        at_open = running & (side * opened <= side * stop)
        stopped = running & ~at_open & (side * _later(worst, ahead) <= side * stop) & (side * opened < side * target)
        won = running & ~at_open & ~stopped & (side * _later(best, ahead) >= side * target)
        for reached, price in ((at_open, opened), (stopped, stop), (won, target)):
            exits[reached] = price[reached]
        running &= ~(at_open | stopped | won) & np.isfinite(opened)
    expired = running & np.isfinite(_later(grid.close, life))
    exits[expired] = _later(grid.close, life)[expired]
    risk = np.abs(filled - stop)
    with np.errstate(divide="ignore", invalid="ignore"):
        net: FloatArray = (side * (exits - filled) - DEFAULT_COSTS.side_fraction * (filled + exits)) / risk
    return net


def _later(values: FloatArray, candles: int) -> FloatArray:
    moved = np.full(values.shape, np.nan)
    moved[:-candles] = values[candles:]
    return moved


def random_grid(symbols: int = 100, days: int = 180, seed: int = 11) -> CandleGrid:
    """Return seeded 1h candles with fat tails and calm and wild days; no strategy can have an edge on them."""
    random = np.random.default_rng(seed)
    shape = (days * 24, 12, symbols)
    wild = np.repeat(np.exp(0.2 * random.standard_normal((days, 1, symbols))), 24, axis=0)
    returns = 0.0022 * wild * random.standard_t(6, shape)
    path = 100 * np.exp(np.cumsum(returns.reshape(-1, symbols), axis=0)).reshape(shape)
    close = path[:, -1]
    opened = np.concatenate([np.full((1, symbols), 100.0), close[:-1]])
    high, low = np.maximum(path.max(axis=1), opened), np.minimum(path.min(axis=1), opened)
    times = 1_704_067_200_000 + Timeframe.H1.milliseconds * np.arange(len(close), dtype=np.int64)
    names = tuple(f"R{number:02}/USDT" for number in range(symbols))
    return CandleGrid("binance", Timeframe.H1, names, times, opened, high, low, close, np.full(close.shape, 10.0))
