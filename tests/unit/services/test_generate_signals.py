from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from signalbox.domain.errors import ExchangeUnavailableError
from signalbox.domain.instants import to_ms
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.identity import SignalKey
from signalbox.domain.signals.signal import NULL_STRATEGY, Origin, Signal, Status
from signalbox.domain.signals.suppression import SuppressionReason
from tests.builders import make_ending
from tests.unit.services.generation_house import HOUR, START, SYMBOLS, WARM_UP, Engine, lived


@pytest.fixture
def worked() -> Engine:
    return lived()


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


def test_an_exchange_that_is_down_leaves_the_message_to_come_back(engine: Engine) -> None:
    engine.exchange.candle_errors = {symbol: ExchangeUnavailableError("down") for symbol in SYMBOLS}
    with pytest.raises(ExchangeUnavailableError):
        engine.generate(0)
    assert not engine.given()
