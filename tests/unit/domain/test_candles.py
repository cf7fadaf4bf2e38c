from dataclasses import replace

import numpy as np
import pytest

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import to_ms
from signalbox.domain.market.candles import COLUMNS, Candle, CandleGrid
from signalbox.domain.market.timeframe import Timeframe
from tests.builders import NOW, make_candles, make_grid
from tests.fakes.market import same_grid

HOUR = Timeframe.H1.milliseconds
START = to_ms(NOW)


def test_candles_lie_side_by_side_with_holes_as_nan():
    grid = make_grid({"A/USDT": [1.0, 2.0, 3.0], "B/USDT": [5.0]})

    assert grid.times.tolist() == [START, START + HOUR, START + 2 * HOUR]
    assert grid.close[:, 0].tolist() == [1.0, 2.0, 3.0]
    assert grid.present.tolist() == [[True, True], [True, False], [True, False]]
    assert all(np.isnan(getattr(grid, name)[1:, 1]).all() for name in COLUMNS)


def test_a_column_gives_back_the_candles_it_was_made_of():
    candles = make_candles([1.0, 2.0, 3.0])
    grid = CandleGrid.from_columns("binance", Timeframe.H1, {"A/USDT": candles}, START - HOUR, START + 5 * HOUR)

    assert grid.column("A/USDT") == candles


def test_candles_outside_the_span_or_between_two_open_times_are_left_out():
    inside = make_candles([1.0])[0]
    outside = [inside._replace(time=START + shift) for shift in (-HOUR, HOUR, 1, -1)]

    grid = CandleGrid.from_columns("binance", Timeframe.H1, {"A/USDT": [*outside, inside]}, START, START)

    assert grid.column("A/USDT") == [inside]


def test_of_two_candles_of_one_time_the_later_in_the_sequence_counts():
    first, second = Candle(START, 1, 1, 1, 1, 1), Candle(START, 2, 2, 2, 2, 2)

    grid = CandleGrid.from_columns("binance", Timeframe.H1, {"A/USDT": [first, second]}, START, START)

    assert grid.close.tolist() == [[2.0]]


def test_a_grid_can_be_cut_by_time():
    grid = make_grid({"A/USDT": [1.0, 2.0, 3.0, 4.0]})

    assert grid.upto(START + HOUR).close[:, 0].tolist() == [1.0, 2.0]
    assert grid.upto(START + HOUR - 1).close[:, 0].tolist() == [1.0]
    assert grid.upto(START - 1).close.shape == (0, 1)
    assert grid.since(START + 2 * HOUR).close[:, 0].tolist() == [3.0, 4.0]
    assert grid.since(START + 2 * HOUR + 1).close[:, 0].tolist() == [4.0]
    assert same_grid(grid.rows(0, 4), grid)


def test_no_symbols_and_no_candles_are_a_grid_too():
    grid = CandleGrid.from_columns("binance", Timeframe.H1, {}, START, START - HOUR)

    assert grid.close.shape == (0, 0)


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_of_another_shape_is_refused(name: str):
    grid = make_grid({"A/USDT": [1.0, 2.0]})

    with pytest.raises(InvalidValueError, match=rf"{name} must have shape \(2, 1\), was \(1, 1\)"):
        replace(grid, **{name: getattr(grid, name)[:1]})


@pytest.mark.parametrize("times", [[START, START], [START, START + 2 * HOUR], [START + HOUR, START]])
def test_times_that_do_not_ascend_candle_by_candle_are_refused(times: list[int]):
    grid = make_grid({"A/USDT": [1.0, 2.0]})

    with pytest.raises(InvalidValueError, match="times must ascend by one 1h candle each"):
        replace(grid, times=np.array(times, dtype=np.int64))
