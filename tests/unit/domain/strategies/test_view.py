import numpy as np
import pytest

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.market.candles import FloatArray
from signalbox.domain.strategies.base import became, held, shifted
from signalbox.domain.strategies.view import MarketView
from tests.unit.domain.strategies.samples import hand_made


def test_an_indicator_is_computed_once_for_the_same_arguments() -> None:
    calls = []

    def doubled(values: FloatArray, period: int) -> FloatArray:
        calls.append(period)
        return 2 * values

    view = MarketView(hand_made([1.0, 2.0, 3.0]))
    first = view.indicator(doubled, "close", period=3)
    assert view.indicator(doubled, "close", period=3) is first
    view.indicator(doubled, "open", period=3)
    view.indicator(doubled, "close", period=4)
    assert calls == [3, 3, 4]


def test_a_longer_candle_holds_the_extremes_and_counts_only_once_it_is_over() -> None:
    grid = hand_made([float(at) for at in range(10, 21)], wick=0.5)
    higher = MarketView(grid).higher(4)
    np.testing.assert_array_equal(higher.close[:, 0], [13.0, 17.0])
    np.testing.assert_array_equal(higher.open[:, 0], [10.0, 13.0])
    np.testing.assert_array_equal(higher.high[:, 0], [13.5, 17.5])
    np.testing.assert_array_equal(higher.low[:, 0], [9.5, 12.5])
    np.testing.assert_array_equal(higher.volume[:, 0], [40.0, 40.0])
    spread = higher.spread(higher.close)[:, 0]
    np.testing.assert_array_equal(spread, [np.nan] * 3 + [13.0] * 4 + [17.0] * 4)


@pytest.mark.parametrize("start", range(9))
def test_longer_candles_are_the_same_from_every_window_that_holds_them(start: int) -> None:
    grid = hand_made([float(at % 7) + 10 for at in range(40)])
    whole, part = MarketView(grid), MarketView(grid.rows(start, 40))
    expected = whole.higher(4).spread(whole.higher(4).close)[start:]
    found = part.higher(4).spread(part.higher(4).close)
    np.testing.assert_array_equal(found[8:], expected[8:])


def test_a_hole_is_left_out_of_its_longer_candle_and_a_whole_one_of_holes_is_a_hole() -> None:
    grid = hand_made([float(at) for at in range(10, 22)], wick=0.5)
    for values in (grid.open, grid.high, grid.low, grid.close, grid.volume):
        values[[3, 4, 5, 6, 7]] = np.nan
    higher = MarketView(grid).higher(4)
    np.testing.assert_array_equal(higher.close[:, 0], [12.0, np.nan, 21.0])
    np.testing.assert_array_equal(higher.volume[:, 0], [30.0, np.nan, 40.0])


def test_a_window_shorter_than_one_longer_candle_has_none() -> None:
    higher = MarketView(hand_made([1.0, 2.0])).higher(4)
    assert higher.close.shape == (0, 1)
    assert np.isnan(higher.spread(higher.close)).all()
    with pytest.raises(InvalidValueError, match="at least 2, was 1"):
        MarketView(hand_made([1.0])).higher(1)


def test_a_condition_fires_where_it_begins_after_a_quiet_time_of_known_candles() -> None:
    condition = np.array([[1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1]], dtype=bool).T
    known = np.array([[1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1]], dtype=bool).T
    assert np.flatnonzero(became(condition, known)).tolist() == [2, 5, 8]
    assert np.flatnonzero(became(condition, known, 2)).tolist() == [8]


def test_a_run_is_held_once_it_is_long_enough() -> None:
    condition = np.array([[1, 1, 1, 0, 1, 1]], dtype=bool).T
    assert held(condition, 2)[:, 0].tolist() == [False, True, True, False, False, True]
    np.testing.assert_array_equal(shifted(np.array([[1.0], [2.0]]), 5), [[np.nan], [np.nan]])
