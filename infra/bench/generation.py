"""Where the time of one generate_signals shard goes: everything but the network, beside what its indicators take."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from infra.bench.candle_units import BUCKET, UnitTable, unit_table
from infra.bench.findings import Figure, Findings, Table
from infra.bench.material import Material, shard
from infra.bench.registry import subject
from infra.bench.report import as_milliseconds
from infra.bench.timing import interleaved
from signalbox.adapters.storage.candles import DynamoCandleStore
from signalbox.adapters.storage.compaction import DynamoCandleCompactor
from signalbox.domain.indicators.batch import IndicatorBatch
from signalbox.domain.indicators.trend import average_directional_index
from signalbox.domain.indicators.volatility import average_true_range
from signalbox.domain.indicators.windows import percentile_rank
from signalbox.domain.instants import from_ms, to_ms
from signalbox.domain.market.candles import CandleGrid
from signalbox.domain.market.health import inspect
from signalbox.domain.regimes.classification import PERCENTILE_WINDOW, TREND_PERIOD, direction_of, volatility_of
from signalbox.domain.regimes.regime import Regimes
from signalbox.domain.signals.features import features_at
from signalbox.domain.signals.generation import find_candidates
from signalbox.domain.signals.signal import Origin
from signalbox.domain.strategies.registry import strategies
from signalbox.domain.strategies.view import MarketView
from signalbox.domain.universe.shards import Shard
from signalbox.ports.market import Market
from signalbox.services.candles import update_candles
from signalbox.services.generate_signals import Provenance, generate_signals
from tests.fakes.market import FakeExchange
from tests.fakes.signals import InMemorySignals, InMemorySuppressions

N_CANDLES, N_SYMBOLS = 500, 100
ROUNDS = 15
GRACE_SECONDS = 10

HOT = 24
"""Candles that are not packed yet: a day's."""

MOST = 15.0
"""Times its indicators that a shard may take; no promise to anybody, but a bound against decay."""

Result = TypeVar("Result")
Case = Callable[[], object]


class RecordingView(MarketView):
    """A view that notes which indicators it is asked for, so that they can be computed again."""

    def __init__(self, grid: CandleGrid) -> None:
        super().__init__(grid)
        self.calls: dict[Hashable, Case] = {}

    def indicator(self, function: Callable[..., Result], *columns: str, **parameters: float) -> Result:
        """Return what the view remembers, and note the call."""
        arguments = (getattr(self, column) for column in columns)
        key = (function, columns, tuple(sorted(parameters.items())))
        self.calls.setdefault(key, partial(function, *arguments, **parameters))
        return super().indicator(function, *columns, **parameters)


@dataclass(eq=False)
class Turn:
    """One shard of one turn: every candle but the newest closed one is stored, and the exchange answers at once."""

    material: Material
    table: UnitTable
    stored: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        grid = self.material.grid.rows(0, N_CANDLES)
        self.grid, self.last_open = grid, int(grid.times[-1])
        self.as_of = from_ms(self.last_open + grid.timeframe.milliseconds)
        self.now = self.as_of + timedelta(seconds=GRACE_SECONDS)
        listed = {name: Market(name, active=True, price_step=step) for name, step in self.material.price_steps.items()}
        # The candle after the newest closed one shows that it is closed.
        recent = {name: self.material.grid.column(name)[N_CANDLES - 2 : N_CANDLES + 1] for name in grid.symbols}
        self.exchange = FakeExchange(listed=listed, stored=recent)
        self.store = DynamoCandleStore()
        self.store.save(grid.rows(0, N_CANDLES - 1), BUCKET)
        packed_to = int(grid.times[-HOT])
        DynamoCandleCompactor().compact(grid.exchange, grid.timeframe, BUCKET, grid.symbols, packed_to)
        self.stored = dict(self.table.items)
        self.shard = Shard("generate_signals", 0, 1, grid.exchange, BUCKET, grid.timeframe, grid.symbols, self.as_of)

    def whole(self) -> object:
        """Handle the message."""
        self.table.items = dict(self.stored)
        return generate_signals(
            self.shard,
            exchange=self.exchange,
            candles=self.store,
            signals=InMemorySignals(),
            suppressions=InMemorySuppressions(),
            now=self.now,
            warm_up_candles=N_CANDLES,
            grace_seconds=GRACE_SECONDS,
            provenance=Provenance(Origin.SIMULATED, "bench"),
        )

    def load(self) -> object:
        """Load and decode what is stored."""
        grid = self.grid
        first = int(grid.times[0])
        return self.store.load(grid.exchange, grid.timeframe, BUCKET, grid.symbols, first, self.last_open)

    def update(self) -> object:
        """Load, fetch what is missing, and store it."""
        self.table.items = dict(self.stored)
        grid = self.grid
        return update_candles(
            grid.symbols,
            timeframe=grid.timeframe,
            bucket=BUCKET,
            first_open=int(grid.times[0]),
            last_open=self.last_open,
            exchange=self.exchange,
            store=self.store,
        )

    def health(self) -> object:
        """Tell healthy symbols from others."""
        grace = GRACE_SECONDS * 1000
        return inspect(self.grid, now_ms=to_ms(self.now), grace_ms=grace, expected_last_open=self.last_open)

    def candidates(self) -> object:
        """Everything from candles to candidates."""
        return find_candidates(self.grid, price_steps=self.material.price_steps)


@subject("Generation: one shard from message to signals, beside its indicators")
def measure() -> Findings:
    """Measure `generate.shard_vs_indicators`, and where the rest goes."""
    material = shard(N_CANDLES + 1, N_SYMBOLS)
    with unit_table() as table:
        turn = Turn(material, table)
        seconds = interleaved(_cases(turn), ROUNDS)
    figure = Figure(
        "generate.shard_vs_indicators",
        seconds["whole"] / seconds["indicators"],
        "lower",
        MOST,
        f"time of a whole shard of {N_SYMBOLS} symbols x {N_CANDLES} candles (load, decode, one new candle each, "
        "health, indicators, regimes, all strategies, selection, signals; tables in memory, no network) over that of "
        f"computing only the indicators that its strategies and features ask for; {material.source}",
    )
    return Findings((figure,), tables=(_where_it_goes(seconds),))


def _cases(turn: Turn) -> dict[str, Case]:
    grid, view = turn.grid, RecordingView(turn.grid)
    for strategy in strategies():
        if grid.timeframe in strategy.timeframes:
            strategy.decide(view)
    features_at(view, N_CANDLES - 1, 0)
    strength = average_directional_index(grid.high, grid.low, grid.close, period=TREND_PERIOD)
    atr = average_true_range(grid.high, grid.low, grid.close, period=TREND_PERIOD)
    return {
        "whole": turn.whole,
        "update": turn.update,
        "load": turn.load,
        "health": turn.health,
        "candidates": turn.candidates,
        "indicators": lambda: [call() for call in view.calls.values()],
        "regimes": lambda: Regimes(direction_of(*strength), volatility_of(percentile_rank(atr, PERCENTILE_WINDOW))),
        "batch": partial(IndicatorBatch().compute, grid.high, grid.low, grid.close, grid.volume),
    }


def _where_it_goes(seconds: Mapping[str, float]) -> Table:
    whole = seconds["whole"]
    parts = {
        "load and decode stored candles": seconds["load"],
        "take in and store the new candle": seconds["update"] - seconds["load"],
        "health of every symbol": seconds["health"],
        "indicators": seconds["indicators"],
        "regimes": seconds["regimes"],
        "strategies and candidates": seconds["candidates"] - seconds["indicators"] - seconds["regimes"],
        "selection, signals, suppressions": whole - seconds["update"] - seconds["health"] - seconds["candidates"],
        "whole shard": whole,
        "(the batch of 11 indicators, for comparison)": seconds["batch"],
    }
    rows = tuple((name, as_milliseconds(part), f"{part / whole:.0%}") for name, part in parts.items())
    return Table(f"One shard, {N_SYMBOLS} symbols x {N_CANDLES} candles", ("part", "median", "share"), rows)
