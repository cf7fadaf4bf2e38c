"""Candles that no market gives: none makes a signal, every refusal is stored, and what is corrected is used again."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from signalbox.domain.errors import UnknownSymbolError
from signalbox.domain.instants import from_ms, to_ms
from signalbox.domain.market.candles import Candle
from signalbox.domain.signals.suppression import SuppressionReason
from tests.unit.services.generation_house import HOUR, START, SYMBOLS, WARM_UP, Engine, Spoil, lived


@pytest.fixture
def worked() -> Engine:
    return lived()


@pytest.fixture
def engine() -> Engine:
    return Engine()


def test_garbage_in_one_symbol_gives_no_signal_of_it_and_changes_no_other(worked: Engine, engine: Engine) -> None:
    bad = SYMBOLS[3]
    candles = engine.exchange.stored[bad]
    engine.exchange.stored[bad] = [candle._replace(close=-1.0) for candle in candles]
    for turn in range(20):
        engine.generate(turn)
    assert engine.given() == [signal for signal in worked.given() if signal.symbol != bad]
    assert engine.refusals(bad)


def spiked(candle: Candle, factor: float) -> Candle:
    return Candle(candle.time, *(factor * price for price in candle[1:5]), candle.volume)


def garbage() -> dict[str, tuple[Spoil, set[SuppressionReason]]]:
    """By symbol: what becomes of its candles from the first of twelve hours on, and the reasons to be stored for it."""
    first = WARM_UP - 1
    bad, halted, stale = {SuppressionReason.BAD_DATA}, {SuppressionReason.HALTED}, {SuppressionReason.STALE}

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
        (each(lambda c: Candle(c.time, *[float("nan")] * 5)), bad),
        *((every_other(factor), bad) for factor in (10.0, 4.9, 2.0)),
        (frozen, halted),
        (traded_at_one_price, halted),
        (repeated, halted),
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
    for symbol, reasons in {
        **{name: why for name, (_, why) in spoils.items()},
        delisted: {SuppressionReason.HALTED},
    }.items():
        stored = engine.suppressions.of_symbol(symbol, 100)
        assert {record.reason for record in stored} == reasons, symbol
        assert len({record.created_at for record in stored}) == 12, symbol
        assert all(record.detail for record in stored)


def quiet_until(worked: Engine, turn: int) -> str:
    """A symbol that gives signals, but none up to `turn`."""
    until = from_ms(to_ms(START) + (WARM_UP + turn) * HOUR)
    early = {signal.symbol for signal in worked.given() if signal.created_at <= until}
    return next(signal.symbol for signal in worked.given() if signal.symbol not in early)


def refused_turns(engine: Engine, symbol: str) -> list[int]:
    """The turns that had no use for the symbol's data."""
    found = [each for each in engine.suppressions.of_symbol(symbol, 100) if each.reason is SuppressionReason.BAD_DATA]
    return sorted((to_ms(each.created_at) - to_ms(START)) // HOUR - WARM_UP for each in found)


def spoil_one(engine: Engine, symbol: str, row: int, candle: Candle) -> list[Candle]:
    """Let the exchange show `candle` in one row; return what it showed before."""
    right = engine.exchange.stored[symbol]
    engine.exchange.stored[symbol] = [*right[:row], candle, *right[row + 1 :]]
    return right


def test_a_candle_that_is_no_price_costs_its_turn_and_is_asked_for_again(worked: Engine, engine: Engine) -> None:
    symbol, spoilt_turn = quiet_until(worked, 2), 2
    row = WARM_UP - 1 + spoilt_turn
    right = spoil_one(engine, symbol, row, engine.exchange.stored[symbol][row]._replace(low=0.0))
    for turn in range(20):
        if turn > spoilt_turn:
            engine.exchange.stored[symbol] = right
        engine.generate(turn, (symbol,))

    assert refused_turns(engine, symbol) == [spoilt_turn]
    assert engine.given() == [signal for signal in worked.given() if signal.symbol == symbol]


def test_a_corrected_spike_silences_its_symbol_until_a_turn_has_seen_the_correction(
    worked: Engine, engine: Engine
) -> None:
    symbol, seen = quiet_until(worked, 4), 4
    row = WARM_UP - 30
    right = spoil_one(engine, symbol, row, spiked(engine.exchange.stored[symbol][row], 10.0))
    for turn in range(20):
        if turn == seen:
            engine.exchange.stored[symbol] = right
        engine.generate(turn, (symbol,))
    for turn in range(seen + 1):
        engine.generate(turn, (symbol,))

    assert refused_turns(engine, symbol) == list(range(seen + 1))
    assert engine.given() == [signal for signal in worked.given() if signal.symbol == symbol]
