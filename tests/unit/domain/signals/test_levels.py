from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.signals.levels import place_levels
from signalbox.domain.signals.signal import Levels, SignalType


def placed(
    signal_type: SignalType = SignalType.BUY, close: float = 100.0, atr: float = 1.0, step: str = "0.01"
) -> Levels:
    return place_levels(signal_type, close=close, atr=atr, stop_atr=2.0, target_atr=3.0, price_step=Decimal(step))


def test_levels_lie_at_multiples_of_the_atr_from_the_close() -> None:
    assert placed() == Levels(entry_price=Decimal(100), target_price=Decimal(103), stop_loss=Decimal(98))
    assert placed(SignalType.SELL) == Levels(entry_price=Decimal(100), target_price=Decimal(97), stop_loss=Decimal(102))


def test_stop_and_target_are_rounded_away_from_the_entry() -> None:
    assert placed(atr=1.004) == Levels(
        entry_price=Decimal(100), target_price=Decimal("103.02"), stop_loss=Decimal("97.99")
    )
    assert placed(SignalType.SELL, atr=1.004).stop_loss == Decimal("102.01")


@given(
    close=some.floats(1e-6, 1e6),
    relative=some.floats(1e-5, 0.3),
    digits=some.integers(0, 10),
    side=some.sampled_from(SignalType),
)
def test_levels_are_on_the_grid_and_no_closer_than_declared(
    close: float, relative: float, digits: int, side: SignalType
) -> None:
    step, atr = Decimal(1).scaleb(-digits), close * relative
    try:
        levels = placed(side, close, atr, str(step))
    except InvalidValueError:
        return
    for price in (levels.entry_price, levels.target_price, levels.stop_loss):
        assert price % step == 0
    assert abs(levels.stop_loss - levels.entry_price) >= Decimal(repr(2.0 * atr))
    assert abs(levels.target_price - levels.entry_price) >= Decimal(repr(3.0 * atr))
    assert abs(levels.target_price - levels.entry_price) - Decimal(repr(3.0 * atr)) < step
    levels.require_order(side)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"atr": 0.0}, "ATR must be positive and finite, was 0.0"),
        ({"atr": float("nan")}, "ATR must be positive"),
        ({"close": -1.0}, "close must be positive"),
        ({"close": float("inf")}, "close must be positive"),
        ({"atr": 0.009}, "at least 2 price steps"),
        ({"atr": 60.0}, "must be positive and in order"),
        ({"step": "0"}, "price_step must be positive"),
    ],
)
def test_levels_that_cannot_be_are_refused_with_the_reason(changes: dict[str, float], message: str) -> None:
    with pytest.raises(InvalidValueError, match=message):
        placed(**changes)
