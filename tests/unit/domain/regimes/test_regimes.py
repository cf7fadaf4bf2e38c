from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.market.candles import FloatArray
from signalbox.domain.regimes.change import Direction, Volatility, label
from signalbox.domain.regimes.classification import DIRECTION_DWELL, WARM_UP, classify, market_regime
from signalbox.domain.regimes.hysteresis import settle
from signalbox.domain.regimes.regime import Regimes, changes
from signalbox.domain.regimes.stability import stability
from tests.unit.domain.strategies.samples import columns_of, hand_made, real_grid, show


def column(*values: float) -> FloatArray:
    return np.array(values, dtype=np.float64)[:, None]


def settled(*values: float, dwell: int = 1) -> list[float]:
    return settle(column(*values), 25.0, 20.0, dwell)[:, 0].tolist()


def test_a_trend_is_entered_at_one_threshold_and_left_at_another() -> None:
    assert settled(24, 25, 21, 20, 19.9, 24, -24, -25, -20, -19) == [0, 1, 1, 1, 0, 0, 0, -1, -1, 0]


def test_a_state_is_kept_for_the_dwell() -> None:
    assert settled(30, 0, 0, 0, 30, 0, 30, dwell=3) == [1, 1, 1, 0, 0, 0, 1]
    assert settled(0, 30, 0, 0, 0, dwell=3) == [0, 1, 1, 1, 0]


def test_a_wide_shard_settles_each_column_as_it_would_alone() -> None:
    level = np.random.default_rng(2).uniform(-60, 60, (80, 300))
    whole = settle(level, 25.0, 20.0, 3)
    for at in (0, 41, 64, 150, 299):
        np.testing.assert_array_equal(settle(level[:, [at]], 25.0, 20.0, 3)[:, 0], whole[:, at])


def test_a_state_is_carried_over_what_is_unknown() -> None:
    found = settled(np.nan, 30, np.nan, 21, 19)
    np.testing.assert_array_equal(found, [np.nan, 1, np.nan, 1, 0])


@given(level=arrays(np.float64, (60, 3), elements=some.floats(-60, 60)), dwell=some.integers(1, 9))
def test_no_stay_is_shorter_than_the_dwell(level: FloatArray, dwell: int) -> None:
    for states in settle(level, 25.0, 20.0, dwell).T:
        at = np.flatnonzero(np.diff(states))
        assert (np.diff(at) >= dwell).all()


@pytest.mark.parametrize(("enter", "leave", "dwell"), [(20, 25, 1), (25, 0, 1), (25, 20, 0)])
def test_thresholds_out_of_order_are_refused(enter: float, leave: float, dwell: int) -> None:
    with pytest.raises(InvalidValueError, match="must"):
        settle(column(1.0), enter, leave, dwell)


@pytest.mark.parametrize(("step", "code"), [(0.5, Direction.UP), (-0.2, Direction.DOWN)])
def test_a_monotone_move_is_a_trend(step: float, code: Direction) -> None:
    grid = hand_made([100 + step * at for at in range(300)], wick=0.05)
    regimes = classify(grid.high, grid.low, grid.close)
    assert (regimes.direction[40:] == code).all()
    np.testing.assert_array_equal(market_regime(grid).direction[60:], regimes.direction[60:])


def test_a_swing_around_one_price_is_a_range() -> None:
    grid = hand_made([100 + float(np.sin(1.9 * at)) for at in range(300)])
    assert (classify(grid.high, grid.low, grid.close).direction[100:] == Direction.RANGE).all()


def test_volatility_follows_the_range_of_the_candles() -> None:
    wicks = np.concatenate([np.linspace(1.0, 0.9, 250), np.full(40, 4.0)])[:, None]
    close = np.full((290, 1), 100.0)
    volatility = classify(close + wicks, close - wicks, close).volatility[:, 0]
    assert volatility[240] == Volatility.LOW
    assert volatility[289] == Volatility.HIGH


def test_a_regime_is_unknown_until_it_is_warm() -> None:
    grid = hand_made([100 + float(np.sin(at)) for at in range(300)])
    known = classify(grid.high, grid.low, grid.close).known[:, 0]
    assert int(np.argmax(known)) == WARM_UP - 1
    assert known[WARM_UP:].all()


def test_a_label_names_both_axes() -> None:
    assert label(1, 1) == "UP/HIGH"
    assert label(Direction.RANGE, Volatility.LOW) == "RANGE/LOW"
    assert label(float("nan"), 1) == "UNKNOWN"
    with pytest.raises(InvalidValueError, match="must be -1, 0 or 1"):
        label(2, 0)


def test_the_history_holds_changes_alone_each_from_the_close_that_showed_it() -> None:
    grid = hand_made([100.0] * 6)
    nan = np.nan
    regimes = Regimes(column(nan, 1, 1, nan, 1, 0), column(nan, 0, 0, nan, 0, 0))
    found = changes(grid, regimes)
    assert [(change.label, change.since) for change in found] == [
        ("UP/NORMAL", datetime(2024, 1, 1, 2, tzinfo=UTC)),
        ("RANGE/NORMAL", datetime(2024, 1, 1, 6, tzinfo=UTC)),
    ]


def test_flips_dwell_and_undoing_are_counted() -> None:
    found = stability(column(*[0] * 20, *[1] * 5, *[0] * 15, *[-1] * 20, np.nan, *[0] * 40))
    assert (found.candles, found.flips, found.flips_per_100) == (100, 4, 4.0)
    assert found.median_dwell == 15
    assert found.undone_share == 0.25
    assert found.shares == {-1: 0.2, 0: 0.75, 1: 0.05}
    assert stability(column(np.nan)).flips_per_100 == 0


@pytest.mark.data
def test_the_regimes_of_the_majors_are_steady() -> None:
    grid = real_grid("candles-1h-2020-2024H1-majors")
    regimes = classify(grid.high, grid.low, grid.close)
    market = market_regime(grid)
    show(f"\n{'axis':24}{'flips/100':>11}{'median dwell':>14}{'undone':>9}  shares")
    for name, axis in (
        ("direction", regimes.direction),
        ("volatility", regimes.volatility),
        ("market direction", market.direction),
        ("market volatility", market.volatility),
    ):
        found = stability(axis)
        shares = " ".join(f"{code:+d}: {share:.2f}" for code, share in found.shares.items())
        show(f"{name:24}{found.flips_per_100:11.2f}{found.median_dwell:14.0f}{found.undone_share:9.1%}  {shares}")
        assert found.flips_per_100 <= 4
        assert found.undone_share <= 0.10
        assert found.median_dwell > DIRECTION_DWELL
        assert min(found.shares.values()) > 0.1


@pytest.mark.data
def test_a_symbol_has_its_own_regime_whoever_stands_beside_it() -> None:
    grid = real_grid().rows(0, 600)
    whole = classify(grid.high, grid.low, grid.close)
    one = columns_of(grid, [11])
    np.testing.assert_array_equal(classify(one.high, one.low, one.close).direction[:, 0], whole.direction[:, 11])
