"""From candles to candidates. The live path asks for the last row, the backtest for all rows: one code, one answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

import numpy as np

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import from_ms
from signalbox.domain.market.candles import BoolArray, CandleGrid, FloatArray
from signalbox.domain.regimes.classification import WARM_UP as REGIME_WARM_UP
from signalbox.domain.signals.candidate import Candidate
from signalbox.domain.signals.features import FEATURE_VERSION, features_at
from signalbox.domain.signals.levels import place_levels
from signalbox.domain.signals.quality import VOTE_LASTS, confluence, data_health, quality_score, reward_risk, votes
from signalbox.domain.signals.signal import Levels, SignalType
from signalbox.domain.strategies.base import LOOKBACK, Decisions, Strategy
from signalbox.domain.strategies.registry import strategies as registered
from signalbox.domain.strategies.view import MarketView, TailView


def find_candidates(
    grid: CandleGrid, *, price_steps: Mapping[str, Decimal], strategies: Sequence[Strategy] | None = None
) -> list[Candidate]:
    """Return what the last candle of `grid` gives, ordered by symbol and strategy.

    Parameters
    ----------
    grid : CandleGrid
        Closed candles of healthy symbols, some hundred rows; the last row is the turn's.
    price_steps : mapping of str to Decimal
        Each symbol's smallest price difference. A symbol without one gets candidates without levels.
    strategies : sequence of Strategy, optional
        Which strategies decide, and vote on each other's confluence. By default every registered one.

    Returns
    -------
    list of Candidate
        `created_at` is the close time of the last candle. None for a symbol without a candle there, with prices that
        are not positive, or still warming up.
    """
    return _find(grid, price_steps, strategies, first_row=max(len(grid.times) - 1, 0))


def find_all(
    grid: CandleGrid, *, price_steps: Mapping[str, Decimal], strategies: Sequence[Strategy] | None = None
) -> list[Candidate]:
    """Return what every candle of `grid` gives, ordered by time, symbol and strategy; else as `find_candidates`."""
    return _find(grid, price_steps, strategies, first_row=0)


def _find(
    grid: CandleGrid, price_steps: Mapping[str, Decimal], strategies: Sequence[Strategy] | None, first_row: int
) -> list[Candidate]:
    panel = registered() if strategies is None else strategies
    fitting = [strategy for strategy in panel if grid.timeframe in strategy.timeframes]
    if not len(grid.times) or not grid.symbols or not fitting:
        return []
    with np.errstate(all="ignore"):
        generation = _Generation(MarketView(_sound(grid)), fitting, price_steps, first_row)
        found = [candidate for at in range(len(fitting)) for candidate in generation.of_strategy(at)]
    return sorted(found, key=lambda candidate: (candidate.created_at, candidate.symbol, candidate.strategy))


def _sound(grid: CandleGrid) -> CandleGrid:
    """Return the grid with holes where a candle holds what is no price or volume.

    `health.inspect` refuses such symbols with a reason; this only keeps one that slipped through from harming others.
    """
    columns = (grid.open, grid.high, grid.low, grid.close, grid.volume)
    sound = np.logical_and.reduce([np.isfinite(values) for values in columns])
    sound &= np.minimum(grid.low, np.minimum(grid.open, grid.close)) > 0
    sound &= (grid.high >= grid.low) & (grid.volume >= 0)
    if (sound | np.isnan(grid.close)).all():
        return grid
    return CandleGrid(
        grid.exchange,
        grid.timeframe,
        grid.symbols,
        grid.times,
        *(np.where(sound, values, np.nan) for values in columns),
    )


@dataclass(frozen=True, eq=False)
class _Generation:
    """One run over one grid; candidates of rows before `first_row` are not asked for."""

    view: MarketView
    strategies: Sequence[Strategy]
    price_steps: Mapping[str, Decimal]
    first_row: int

    @cached_property
    def tail_start(self) -> int:
        """The first row that the strategies are shown: as far back as a vote that still counts may look."""
        return max(self.voting_start - LOOKBACK, 0)

    @cached_property
    def tail(self) -> MarketView:
        """What the strategies are shown; cells of the whole grid stand `tail_start` rows higher in it."""
        return TailView(self.view, self.tail_start) if self.tail_start else self.view

    @cached_property
    def decisions(self) -> list[Decisions]:
        """Each strategy's decisions over the tail."""
        return [strategy.decide(self.tail) for strategy in self.strategies]

    @cached_property
    def usable(self) -> BoolArray:
        """Where a candidate may be at all: a candle, a known range and a known regime."""
        return self.view.present & np.isfinite(self.view.atr) & self.view.regimes.known

    @cached_property
    def ages(self) -> FloatArray:
        """How many candles of its symbol each cell has seen, itself included."""
        return np.cumsum(self.view.present, axis=0, dtype=np.float64)

    @cached_property
    def voting_start(self) -> int:
        """The first row whose votes still count for a row asked for."""
        return max(self.first_row - VOTE_LASTS + 1, 0)

    @cached_property
    def ballots(self) -> dict[int, FloatArray]:
        """Votes by side, (n_strategies, n_rows, n_symbols) from `voting_start` on; what is never delivered has none."""
        start = self.voting_start - self.tail_start
        sides = [
            decided.side[start:] * np.int8(strategy.deliverable)
            for strategy, decided in zip(self.strategies, self.decisions, strict=True)
        ]
        strengths = [decided.strength[start:] for decided in self.decisions]
        return {side: votes(sides, strengths, side) for side in (1, -1)}

    def of_strategy(self, at: int) -> list[Candidate]:
        """Return the candidates of strategy number `at`, from `first_row` on."""
        warm = self.ages >= max(self.strategies[at].warm_up, REGIME_WARM_UP)
        decided = self.decisions[at].side[self.first_row - self.tail_start :] != 0
        cells = np.argwhere(decided & (self.usable & warm)[self.first_row :])
        return [self.candidate(at, int(row) + self.first_row, int(column)) for row, column in cells]

    def candidate(self, at: int, row: int, column: int) -> Candidate:
        """Return the candidate of one cell."""
        grid, strategy, decided = self.view.grid, self.strategies[at], self.decisions[at]
        in_tail = row - self.tail_start
        signal_type = SignalType.BUY if decided.side[in_tail, column] > 0 else SignalType.SELL
        levels, problem = self.levels(strategy, signal_type, row, column)
        parts = self.quality_parts(at, levels, row, column)
        reasons = decided.reasons_at(in_tail, column)
        created_at = from_ms(grid.times[row] + grid.timeframe.milliseconds)
        return Candidate(
            symbol=grid.symbols[column],
            exchange=grid.exchange,
            timeframe=grid.timeframe,
            strategy=strategy.name,
            strategy_version=strategy.version,
            signal_type=signal_type,
            levels=levels,
            levels_problem=problem,
            created_at=created_at,
            expires_at=created_at + strategy.geometry.life(grid.timeframe),
            quality_score=quality_score(parts),
            quality_parts=parts,
            regime=self.view.regimes.label_at(row, column),
            reasons=reasons,
            summary=strategy.explain(reasons, signal_type),
            features=features_at(self.tail, in_tail, column),
            feature_version=FEATURE_VERSION,
        )

    def levels(self, strategy: Strategy, signal_type: SignalType, row: int, column: int) -> tuple[Levels | None, str]:
        """Return the levels of one cell, or None and why there are none."""
        symbol = self.view.grid.symbols[column]
        if symbol not in self.price_steps:
            return None, f"price step of {symbol} is not known"
        try:
            levels = place_levels(
                signal_type,
                close=float(self.view.close[row, column]),
                atr=float(self.view.atr[row, column]),
                stop_atr=strategy.geometry.stop_atr,
                target_atr=strategy.geometry.target_atr,
                price_step=self.price_steps[symbol],
            )
        except InvalidValueError as e:
            return None, str(e)
        return levels, ""

    def quality_parts(self, at: int, levels: Levels | None, row: int, column: int) -> dict[str, float]:
        """Return the parts of the quality of one cell."""
        decided, regimes = self.decisions[at], self.view.regimes
        side, strength = (float(values[row - self.tail_start, column]) for values in (decided.side, decided.strength))
        support, against = (self.others_votes(at, int(way), row, column) for way in (side, -side))
        fit = self.strategies[at].fit.of(int(side), regimes.direction[row, column], regimes.volatility[row, column])
        return {
            "confluence": confluence(strength, support, against),
            "reward_risk": reward_risk(levels) if levels else 0.0,
            "regime_fit": fit,
            "data_health": data_health(self.view.volume[: row + 1, column]),
        }

    def others_votes(self, at: int, side: int, row: int, column: int) -> float:
        """Return the sum of the votes for `side` of all strategies but number `at`."""
        cell = self.ballots[side][:, row - self.voting_start, column]
        return float(cell.sum() - cell[at])
