"""Generation of one shard on fakes, one turn after the other, and a market of random walks for it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache

import numpy as np

from signalbox.domain.instants import from_ms, to_ms
from signalbox.domain.market.candles import Candle
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import Origin, Signal
from signalbox.domain.signals.suppression import SuppressionReason
from signalbox.domain.universe.shards import Shard
from signalbox.ports.market import Market
from signalbox.services.generate_signals import GenerationReport, Provenance, generate_signals
from tests.fakes.market import FakeExchange, InMemoryCandles
from tests.fakes.signals import InMemorySignals, InMemorySuppressions

START = datetime(2024, 1, 1, tzinfo=UTC)
HOUR = 3_600_000
WARM_UP = 300
SYMBOLS = tuple(f"S{number:02}/USDT" for number in range(24))
STEP = Decimal("0.0001")

Spoil = Callable[[list[Candle]], list[Candle]]


def random_candles(seed: int, count: int) -> list[Candle]:
    random = np.random.default_rng(seed)
    returns = random.standard_t(4, count) * 0.004 + np.sin(np.arange(count) / 40 + seed) * 0.001
    closes = 100 * np.exp(np.cumsum(returns))
    opens = np.concatenate([[100.0], closes[:-1]])
    highs = np.maximum(opens, closes) * (1 + random.exponential(0.002, count))
    lows = np.minimum(opens, closes) * (1 - random.exponential(0.002, count))
    volumes = random.lognormal(3, 0.6, count)
    rows = np.round(np.stack([opens, highs, lows, closes, volumes], axis=1), 4)
    return [Candle(to_ms(START) + at * HOUR, *map(float, row)) for at, row in enumerate(rows)]


@dataclass
class MessyExchange(FakeExchange):
    """Gives some symbols' candles out of order or more than once."""

    messy: dict[str, Spoil] = field(default_factory=dict)

    def candles(self, symbol: str, timeframe: Timeframe, since: int, limit: int) -> list[Candle]:
        answer = list(super().candles(symbol, timeframe, since, limit))
        return self.messy[symbol](answer) if symbol in self.messy else answer


class Engine:
    """One shard's generation on fakes."""

    def __init__(self) -> None:
        self.exchange = MessyExchange(
            listed={symbol: Market(symbol, active=True, price_step=STEP) for symbol in SYMBOLS},
            stored={symbol: random_candles(seed, WARM_UP + 30) for seed, symbol in enumerate(SYMBOLS)},
        )
        self.candles = InMemoryCandles()
        self.signals = InMemorySignals()
        self.suppressions = InMemorySuppressions()

    def generate(
        self, turn: int, symbols: tuple[str, ...] = SYMBOLS, *, late: timedelta = timedelta(0)
    ) -> GenerationReport:
        as_of = from_ms(to_ms(START) + (WARM_UP + turn) * HOUR)
        shard = Shard(
            job="generate_signals",
            number=0,
            count=1,
            exchange="binance",
            bucket=0,
            timeframe=Timeframe.H1,
            symbols=symbols,
            as_of=as_of,
        )
        return generate_signals(
            shard,
            exchange=self.exchange,
            candles=self.candles,
            signals=self.signals,
            suppressions=self.suppressions,
            now=as_of + timedelta(seconds=10) + late,
            warm_up_candles=WARM_UP,
            grace_seconds=10,
            provenance=Provenance(Origin.SIMULATED, "test"),
        )

    def given(self) -> list[Signal]:
        return sorted(self.signals.stored.values(), key=lambda signal: signal.signal_id)

    def refusals(self, symbol: str) -> set[SuppressionReason]:
        return {record.reason for record in self.suppressions.of_symbol(symbol, 100)}


@cache
def lived() -> Engine:
    """A house that lived through twenty turns; not to be changed."""
    engine = Engine()
    for turn in range(20):
        engine.generate(turn)
    return engine
