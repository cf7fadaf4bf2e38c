"""A backtest must give what the live services would have given: the same ids, levels and endings."""

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from infra.backtest.candles import Material, load, open_tape
from signalbox.domain.instants import from_ms, to_ms
from signalbox.domain.market.candles import COLUMNS, Candle, CandleGrid
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.resolution import settle
from signalbox.domain.signals.signal import Origin, Signal, Status
from signalbox.domain.signals.suppression import SuppressionReason
from signalbox.domain.universe.shards import Shard
from signalbox.ports.market import Market
from signalbox.services.backtest import BacktestRun, BacktestSettings, backtest
from signalbox.services.generate_signals import Provenance, generate_signals
from tests.fakes.market import FakeExchange, InMemoryCandles
from tests.fakes.signals import InMemorySignals, InMemorySuppressions
from tests.unit.services.generation_house import STEP, SYMBOLS, random_candles

HOUR = Timeframe.H1.milliseconds
SETTINGS = BacktestSettings()
PROVENANCE = Provenance(Origin.REPLAY, "test")
LIFE = 48


class SteppedExchange(FakeExchange):
    """Shows no candle that has not opened by `moment` (epoch ms)."""

    moment = 0

    def candles(self, symbol: str, timeframe: Timeframe, since: int, limit: int) -> list[Candle]:
        shown = super().candles(symbol, timeframe, since, limit)
        return [candle for candle in shown if candle.time <= self.moment]


class House:
    """The live services on fakes, stepped as a run steps them: each turn generates first, then settles."""

    def __init__(self, grid: CandleGrid, steps: dict[str, Decimal]) -> None:
        self.symbols = grid.symbols
        self.exchange = SteppedExchange(
            listed={symbol: Market(symbol, active=True, price_step=steps[symbol]) for symbol in grid.symbols},
            stored={symbol: grid.column(symbol) for symbol in grid.symbols},
        )
        self.candles = InMemoryCandles()
        self.signals = InMemorySignals()
        self.suppressions = InMemorySuppressions()

    def live_through(self, turns: Sequence[datetime]) -> list[Signal]:
        for as_of in turns:
            self.exchange.moment = to_ms(as_of)
            now = as_of + timedelta(seconds=SETTINGS.grace_seconds)
            generate_signals(
                self.shard("generate_signals", as_of),
                exchange=self.exchange,
                candles=self.candles,
                signals=self.signals,
                suppressions=self.suppressions,
                now=now,
                warm_up_candles=SETTINGS.warm_up_candles,
                grace_seconds=SETTINGS.grace_seconds,
                provenance=PROVENANCE,
            )
            self.settle(as_of, now)
        return sorted(self.signals.stored.values(), key=lambda signal: signal.signal_id)

    def settle(self, as_of: datetime, now: datetime) -> None:
        """What re-pricing does to endings: each open signal meets the candles that closed by this turn."""
        for signal in self.signals.open_of(self.symbols):
            closed = [one for one in self.exchange.stored[signal.symbol] if one.time + HOUR <= to_ms(as_of)]
            after = settle(signal, closed, timeframe=Timeframe.H1, now=now, patience=timedelta(minutes=1))
            if after.ending is not None:
                self.signals.update(signal, replace(after, revision=1))

    def shard(self, job: str, as_of: datetime) -> Shard:
        return Shard(
            job=job,
            number=0,
            count=1,
            exchange="binance",
            bucket=0,
            timeframe=Timeframe.H1,
            symbols=self.symbols,
            as_of=as_of,
        )


def as_published(signal: Signal) -> tuple[object, ...]:
    """What a subscriber was told, and how it ended; not the revisions, which a backtest has no quotes for."""
    return (
        signal.signal_id,
        signal.signal_type,
        signal.levels,
        signal.published_at,
        signal.expires_at,
        signal.quality_score,
        signal.regime,
        signal.status,
        signal.filled_price,
        signal.ending,
    )


@cache
def random_grid() -> CandleGrid:
    candles = {symbol: random_candles(seed, 460) for seed, symbol in enumerate(SYMBOLS[:8])}
    first = candles[SYMBOLS[0]][0].time
    return CandleGrid.from_columns("binance", Timeframe.H1, candles, first, first + 459 * HOUR)


def run_over(grid: CandleGrid, steps: dict[str, Decimal], first_turn: int, turns: int) -> BacktestRun:
    """Backtest the turns that follow row `first_turn`, all candles of the grid known."""
    start = from_ms(grid.times[first_turn] + HOUR)
    return backtest(grid, price_steps=steps, start=start, end=start + timedelta(hours=turns), provenance=PROVENANCE)


def steps_of(grid: CandleGrid) -> dict[str, Decimal]:
    return dict.fromkeys(grid.symbols, STEP)


def assert_parity(grid: CandleGrid, steps: dict[str, Decimal], first_turn: int, turns: int) -> list[Signal]:
    """Fail unless house and backtest give the same; both know the candles up to one life after the last turn."""
    moments = [from_ms(grid.times[row] + HOUR) for row in range(first_turn, first_turn + turns + LIFE)]
    end = from_ms(grid.times[first_turn] + HOUR) + timedelta(hours=turns)
    lived = [signal for signal in House(grid, steps).live_through(moments) if signal.created_at < end]
    tested = sorted(run_over(grid, steps, first_turn, turns).signals, key=lambda signal: signal.signal_id)
    assert [as_published(signal) for signal in tested] == [as_published(signal) for signal in lived]
    return tested


def test_a_backtest_gives_the_signals_and_endings_that_the_live_services_give() -> None:
    tested = assert_parity(random_grid(), steps_of(random_grid()), 305, 60)
    assert len(tested) > 10
    assert {signal.status for signal in tested} >= {Status.TARGET_HIT, Status.STOP_HIT}


@pytest.mark.data
def test_on_real_candles_a_backtest_gives_what_the_live_services_give() -> None:
    material = real_material()
    grid = material.grid
    chosen = tuple(range(0, 74, 7))
    values = (getattr(grid, name)[:, list(chosen)] for name in COLUMNS)
    part = CandleGrid(grid.exchange, grid.timeframe, tuple(grid.symbols[at] for at in chosen), grid.times, *values)
    tested = assert_parity(part.rows(0, 520), material.price_steps, 320, 72)
    assert len(tested) > 20
    assert Status.OPEN not in {signal.status for signal in tested}


@cache
def real_material() -> Material:
    folder = os.environ.get("SIGNALBOX_DATA")
    if not folder:
        pytest.skip("SIGNALBOX_DATA names no folder of real candles")
    tape = open_tape(str(Path(folder) / "candles-1h-2024H1-74-symbols.parquet"), 7)
    return load(tape, timeframe=Timeframe.H1, since=None, until=None, warm_up_candles=300)


def test_two_backtests_are_the_same() -> None:
    one, other = (run_over(random_grid(), steps_of(random_grid()), 305, 80) for _ in range(2))
    assert one == other


def test_candles_after_the_span_change_no_signal_but_end_them() -> None:
    grid = random_grid()
    known = run_over(grid, steps_of(grid), 305, 60)
    blind = run_over(grid.rows(0, 305 + 62), steps_of(grid), 305, 60)
    assert [signal.key for signal in blind.signals] == [signal.key for signal in known.signals]
    assert Status.OPEN in {signal.status for signal in blind.signals}
    assert Status.OPEN not in {signal.status for signal in known.signals}


def test_what_was_suppressed_has_the_ending_it_would_have_had() -> None:
    run = run_over(random_grid(), steps_of(random_grid()), 305, 60)
    assert {reason for reason, _ in run.suppressed} >= {SuppressionReason.LOW_QUALITY, SuppressionReason.REGIME}
    assert all(signal.ending is not None for _, signal in run.suppressed)
    assert not {signal.key for _, signal in run.suppressed} & {signal.key for signal in run.signals}


def test_a_turn_without_enough_candles_before_it_gives_nothing_but_refusals() -> None:
    grid = random_grid()
    run = run_over(grid, steps_of(grid), 200, 40)
    assert not run.signals
    assert run.refused[SuppressionReason.STALE] > 0


def test_a_symbol_whose_candles_end_is_delisted() -> None:
    grid = random_grid()
    cut = {name: getattr(grid, name).copy() for name in COLUMNS}
    for values in cut.values():
        values[330:, :] = np.nan
        values[330:, -1] = grid.close[330:, -1]
    ended = CandleGrid(grid.exchange, grid.timeframe, grid.symbols, grid.times, *(cut[name] for name in COLUMNS))
    statuses = {s.status for s in run_over(ended, steps_of(grid), 305, 24).signals if s.symbol != grid.symbols[-1]}
    assert Status.DELISTED in statuses
    assert Status.DATA_GAP not in statuses


def test_progress_goes_to_the_end_of_each_stage() -> None:
    seen: dict[str, tuple[int, int]] = {}
    grid = random_grid()
    start = from_ms(grid.times[305])
    backtest(
        grid,
        price_steps=steps_of(grid),
        start=start,
        end=start + timedelta(hours=30),
        provenance=PROVENANCE,
        progress=lambda stage, done, total: seen.update({stage: (done, total)}),
    )
    assert list(seen) == ["candidates", "checks of the data", "endings", "selection"]
    assert all(done == total for done, total in seen.values())
