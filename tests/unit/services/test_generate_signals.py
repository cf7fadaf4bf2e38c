from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from signalbox.domain.errors import ExchangeUnavailableError
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


class Engine:
    """One shard's generation on fakes."""

    def __init__(self) -> None:
        self.exchange = FakeExchange(
            listed={symbol: Market(symbol, active=True, price_step=STEP) for symbol in SYMBOLS},
            stored={symbol: random_candles(seed, WARM_UP + 30) for seed, symbol in enumerate(SYMBOLS)},
        )
        self.candles = InMemoryCandles()
        self.signals = InMemorySignals()
        self.suppressions = InMemorySuppressions()

    def generate(self, turn: int, symbols: tuple[str, ...] = SYMBOLS) -> GenerationReport:
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
            now=as_of + timedelta(seconds=10),
            warm_up_candles=WARM_UP,
            grace_seconds=10,
            provenance=Provenance(Origin.SIMULATED, "test"),
        )

    def given(self) -> list[Signal]:
        found = [signal for symbol in SYMBOLS for signal in self.signals.of_symbol(symbol, 100)]
        return sorted(found, key=lambda signal: signal.signal_id)

    def refusals(self, symbol: str) -> set[SuppressionReason]:
        return {record.reason for record in self.suppressions.of_symbol(symbol, 100)}


@pytest.fixture(scope="module")
def worked() -> Engine:
    """A house that lived through twenty turns."""
    engine = Engine()
    for turn in range(20):
        engine.generate(turn)
    return engine


@pytest.fixture
def engine() -> Engine:
    return Engine()


def test_turns_give_signals_with_everything_a_signal_needs(worked: Engine) -> None:
    assert len(worked.given()) >= 5
    for signal in worked.given():
        signal.levels.require_order(signal.signal_type)
        assert signal.levels.entry_price == Decimal(str(close_of(worked, signal)))
        assert signal.created_at < signal.published_at < signal.expires_at
        assert signal.confidence is None
        assert signal.reasons
        assert signal.summary
        assert signal.origin is Origin.SIMULATED


def close_of(worked: Engine, signal: Signal) -> float:
    opened = to_ms(signal.created_at) - HOUR
    return next(candle.close for candle in worked.exchange.stored[signal.symbol] if candle.time == opened)


def test_the_same_message_ten_times_leaves_one_signal_each(engine: Engine) -> None:
    first = [engine.generate(turn) for turn in range(6)]
    before, refused = engine.given(), dict(engine.suppressions.stored)
    for _ in range(9):
        again = engine.generate(5)
        assert again.signals == 0
        assert again.duplicates == first[5].signals
    assert engine.given() == before
    assert engine.suppressions.stored == refused


def test_a_message_that_comes_late_decides_as_it_would_have_then(worked: Engine, engine: Engine) -> None:
    for turn in (*range(20), 7, 3, 11):
        engine.generate(turn)
    assert engine.given() == worked.given()


def test_the_shape_of_the_shards_changes_no_signal(worked: Engine, engine: Engine) -> None:
    for turn in range(20):
        engine.generate(turn, SYMBOLS[::2])
        engine.generate(turn, SYMBOLS[1::2])
    assert engine.given() == worked.given()


def test_later_candles_of_the_exchange_change_no_signal_of_this_turn(worked: Engine, engine: Engine) -> None:
    for symbol, candles in engine.exchange.stored.items():
        engine.exchange.stored[symbol] = candles[: WARM_UP + 4]
    for turn in range(4):
        engine.generate(turn)
    until = START + timedelta(hours=WARM_UP + 3)
    assert engine.given() == [signal for signal in worked.given() if signal.created_at <= until]


def test_an_open_candle_gives_no_signal_but_a_suppression(engine: Engine) -> None:
    for symbol, candles in engine.exchange.stored.items():
        engine.exchange.stored[symbol] = candles[:WARM_UP]
    assert engine.generate(0).signals == 0
    assert engine.refusals(SYMBOLS[0]) == {SuppressionReason.OPEN_CANDLE}


def test_garbage_in_one_symbol_gives_no_signal_of_it_and_changes_no_other(worked: Engine, engine: Engine) -> None:
    bad = SYMBOLS[3]
    candles = engine.exchange.stored[bad]
    engine.exchange.stored[bad] = [candle._replace(close=-1.0) for candle in candles]
    for turn in range(20):
        engine.generate(turn)
    assert engine.given() == [signal for signal in worked.given() if signal.symbol != bad]
    assert engine.refusals(bad)


def test_an_exchange_that_is_down_leaves_the_message_to_come_back(engine: Engine) -> None:
    engine.exchange.candle_errors = {symbol: ExchangeUnavailableError("down") for symbol in SYMBOLS}
    with pytest.raises(ExchangeUnavailableError):
        engine.generate(0)
    assert not engine.given()
