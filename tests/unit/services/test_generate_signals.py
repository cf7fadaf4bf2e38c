from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from signalbox.domain.errors import ExchangeUnavailableError, UnknownSymbolError
from signalbox.domain.instants import from_ms, to_ms
from signalbox.domain.market.candles import Candle
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.identity import SignalKey
from signalbox.domain.signals.signal import NULL_STRATEGY, Origin, Signal, Status
from signalbox.domain.signals.suppression import SuppressionReason
from signalbox.domain.universe.shards import Shard
from signalbox.ports.market import Market
from signalbox.services.generate_signals import GenerationReport, Provenance, generate_signals
from tests.builders import make_ending
from tests.fakes.market import FakeExchange, InMemoryCandles
from tests.fakes.signals import InMemorySignals, InMemorySuppressions

START = datetime(2024, 1, 1, tzinfo=UTC)
HOUR = 3_600_000
WARM_UP = 300
SYMBOLS = tuple(f"S{number:02}/USDT" for number in range(24))
STEP = Decimal("0.0001")
HALTED = SuppressionReason.HALTED

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


def stale_candidates(engine: Engine) -> set[SignalKey]:
    return {
        record.key
        for record in engine.suppressions.stored.values()
        if record.reason is SuppressionReason.STALE and record.is_candidate
    }


@pytest.mark.parametrize("late", [timedelta(hours=1, seconds=1), timedelta(hours=47), timedelta(days=3)])
def test_what_is_handled_after_the_next_candle_closed_is_suppressed(worked: Engine, late: timedelta) -> None:
    engine = Engine()
    reports = [engine.generate(turn, late=late) for turn in range(20)]
    assert engine.given() == []
    assert sum(report.signals for report in reports) == 0
    assert {signal.key for signal in worked.given()} <= stale_candidates(engine)


def test_what_is_handled_until_the_next_candle_closed_is_sent(worked: Engine, engine: Engine) -> None:
    for turn in range(20):
        engine.generate(turn, late=timedelta(hours=1))
    assert [signal.key for signal in engine.given()] == [signal.key for signal in worked.given()]
    assert not stale_candidates(engine)


def test_what_was_sent_in_time_is_not_suppressed_when_its_message_comes_again_late(engine: Engine) -> None:
    first = [engine.generate(turn) for turn in range(20)]
    before = engine.given()
    again = [engine.generate(turn, late=timedelta(days=3)) for turn in range(20)]
    assert [report.duplicates for report in again] == [report.signals for report in first]
    assert engine.given() == before
    assert not stale_candidates(engine)


def first_given(worked: Engine) -> tuple[Signal, int]:
    """A signal that one turn gives on its own, and that turn."""
    given = next(signal for signal in worked.given() if signal.strategy != NULL_STRATEGY)
    turn = (to_ms(given.created_at) - to_ms(START)) // HOUR - WARM_UP
    assert Engine().generate(turn, (given.symbol,)).signals
    return given, turn


def of_5m(given: Signal, first: datetime) -> list[Signal]:
    """Many ended signals of a shorter timeframe, newer than `first`."""
    moments = [first + timedelta(minutes=5 * number) for number in range(1, 50)]
    ended = replace(given, timeframe=Timeframe.M5, status=Status.EXPIRED, ending=make_ending())
    return [replace(ended, created_at=moment) for moment in moments]


def ended_after(signal: Signal, hours: int) -> Signal:
    ended_at = signal.created_at + timedelta(hours=hours)
    return replace(signal, status=Status.STOP_HIT, ending=make_ending(Status.STOP_HIT, ended_at=ended_at))


@pytest.mark.parametrize(
    ("ended_hours_ago", "late", "reason"),
    [
        (None, timedelta(0), SuppressionReason.REPEAT),
        (1, timedelta(0), SuppressionReason.COOL_DOWN),
        # The turn did not know yet of an ending that is in the table when it is handled.
        (-5, timedelta(hours=30), SuppressionReason.REPEAT),
    ],
    ids=["open", "ended before", "ended since"],
)
def test_a_former_signal_counts_however_many_came_after_it(
    worked: Engine, ended_hours_ago: int | None, late: timedelta, reason: SuppressionReason
) -> None:
    given, turn = first_given(worked)
    former = replace(given, created_at=given.created_at - timedelta(hours=40))
    if ended_hours_ago is not None:
        former = ended_after(former, 40 - ended_hours_ago)
    engine = Engine()
    for signal in (former, *of_5m(given, former.created_at), *of_5m(given, given.created_at)):
        engine.signals.add(signal)

    engine.generate(turn, (given.symbol,), late=late)

    assert engine.signals.get(given.signal_id) is None
    found = engine.suppressions.of_symbol(given.symbol, 100)
    assert {record.reason for record in found if record.strategy == given.strategy} == {reason}


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


def spiked(candle: Candle, factor: float) -> Candle:
    return Candle(candle.time, *(factor * price for price in candle[1:5]), candle.volume)


def garbage() -> dict[str, tuple[Spoil, set[SuppressionReason]]]:
    """By symbol: what becomes of its candles from the first of twelve hours on, and the reasons to be stored for it."""
    first, bad, stale = WARM_UP - 1, {SuppressionReason.BAD_DATA}, {SuppressionReason.STALE}

    def each(change: Callable[[Candle], Candle]) -> Spoil:
        return lambda candles: [*candles[:first], *map(change, candles[first:])]

    def frozen(candles: list[Candle]) -> list[Candle]:
        price = candles[first - 6].close
        return [*candles[: first - 5], *(Candle(c.time, *[price] * 4, 0.0) for c in candles[first - 5 :])]

    def traded_at_one_price(candles: list[Candle]) -> list[Candle]:
        return [c._replace(volume=old.volume) for c, old in zip(frozen(candles), candles, strict=True)]

    def every_other(factor: float) -> Spoil:
        def spoil(candles: list[Candle]) -> list[Candle]:
            return [spiked(c, factor) if at >= first and (at - first) % 2 == 0 else c for at, c in enumerate(candles)]

        return spoil

    def repeated(candles: list[Candle]) -> list[Candle]:
        return [*candles[:first], *(candles[first - 1]._replace(time=c.time) for c in candles[first:])]

    spoils: list[tuple[Spoil, set[SuppressionReason]]] = [
        (each(lambda c: Candle(c.time, 0.0, 0.0, 0.0, 0.0, 0.0)), bad),
        (each(lambda c: c._replace(close=-c.close)), bad),
        (each(lambda c: Candle(c.time, *[float("nan")] * 5)), stale),
        *((every_other(factor), bad) for factor in (10.0, 4.9, 2.0)),
        (frozen, {HALTED}),
        (traded_at_one_price, {HALTED}),
        (repeated, {HALTED}),
        (lambda candles: candles[first - 24 :], stale),
        (lambda candles: candles[:first], {SuppressionReason.OPEN_CANDLE}),
    ]
    return dict(zip(SYMBOLS, spoils, strict=False))


def test_twelve_hours_of_garbage_give_no_signal_and_every_refusal_is_stored(worked: Engine, engine: Engine) -> None:
    spoils = garbage()
    for symbol, (spoil, _) in spoils.items():
        engine.exchange.stored[symbol] = spoil(engine.exchange.stored[symbol])
    twice, mixed, delisted = SYMBOLS[-3:]
    engine.exchange.messy = {
        twice: lambda answer: [c for c in answer for _ in range(2)],
        mixed: lambda answer: answer[::-1],
    }
    engine.exchange.candle_errors = {delisted: UnknownSymbolError(f"{delisted} is not listed")}
    for turn in range(12):
        engine.generate(turn)

    sick = {*spoils, delisted}
    until = START + timedelta(hours=WARM_UP + 11)
    assert engine.given() == [s for s in worked.given() if s.symbol not in sick and s.created_at <= until]
    for symbol, reasons in {**{name: why for name, (_, why) in spoils.items()}, delisted: {HALTED}}.items():
        stored = engine.suppressions.of_symbol(symbol, 100)
        assert {record.reason for record in stored} == reasons, symbol
        assert len({record.created_at for record in stored}) == 12, symbol
        assert all(record.detail for record in stored)
