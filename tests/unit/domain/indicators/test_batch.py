"""The fast path gives the lines of the plain functions."""

import numpy as np
import pytest

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.indicators.batch import IndicatorBatch
from signalbox.domain.indicators.lines import WARM_UPS, IndicatorLines
from tests.unit.domain.indicators.cases import CASES, Columns, made_candles, real_candles, with_holes

CASE = {case.name: case for case in CASES}


def plain_lines(columns: Columns) -> IndicatorLines:
    """Return the same set from the plain functions with their default parameters."""

    def lines(name: str) -> tuple[np.ndarray, ...]:
        return CASE[name].lines(columns)

    return IndicatorLines(
        *lines("exponential_moving_average"),
        *lines("relative_strength_index"),
        *lines("moving_average_convergence_divergence"),
        *lines("average_true_range"),
        *lines("bollinger_bands"),
        *lines("average_directional_index"),
        *lines("rolling_volume_weighted_average_price"),
        *lines("on_balance_volume"),
        *lines("donchian_channels"),
        *lines("supertrend"),
        *lines("realised_volatility"),
    )


def assert_same_lines(found: IndicatorLines, expected: IndicatorLines, price: np.ndarray) -> None:
    for name, ours, theirs in zip(IndicatorLines._fields, found, expected, strict=True):
        np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs), err_msg=name)
        scale = np.maximum(np.abs(theirs), 1e-6 * np.abs(price))
        with np.errstate(invalid="ignore", divide="ignore"):
            largest = np.nanmax(np.abs(ours - theirs) / scale, initial=0.0)
        assert largest <= 1e-9, f"{name} differs by {largest}"


@pytest.mark.parametrize("n_candles", [0, 1, 2, 13, 14, 15, 27, 33, 34, 60, 160])
def test_the_batch_equals_the_plain_functions_at_any_length(n_candles: int) -> None:
    columns = made_candles(160).each(lambda values: values[:n_candles])

    assert_same_lines(IndicatorBatch().compute(*columns), plain_lines(columns), columns.close)


def test_the_batch_equals_the_plain_functions_with_holes_and_ragged_starts() -> None:
    columns = with_holes(made_candles())

    assert_same_lines(IndicatorBatch().compute(*columns), plain_lines(columns), columns.close)


def test_a_workspace_forgets_the_shard_before() -> None:
    batch, first, second = IndicatorBatch(), made_candles(seed=1), made_candles(seed=2)
    for columns in (first, with_holes(first), second, second.each(lambda values: values[:50]), second):
        found = batch.compute(*columns)
        for ours, fresh in zip(found, IndicatorBatch().compute(*columns), strict=True):
            np.testing.assert_array_equal(ours, fresh)


def test_warm_ups_are_as_declared() -> None:
    lines = IndicatorBatch().compute(*made_candles())

    assert tuple(int(np.isnan(line[:, 0]).sum()) for line in lines) == WARM_UPS


def test_garbage_in_one_symbol_leaves_the_others_alone_and_equals_the_plain_functions() -> None:
    columns = made_candles()
    expected = IndicatorBatch().compute(*columns)
    spoiled = columns.each(np.copy)
    for values in spoiled:
        values[:, 1] = 0.0
        values[:, 2] = 5.0
        values[40:70:3, 3] *= -10.0

    found = IndicatorBatch().compute(*spoiled)

    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours[:, [0, 4]], theirs[:, [0, 4]])
    flat = spoiled.each(lambda values: values[:, :3])
    assert_same_lines(IndicatorBatch().compute(*flat), plain_lines(flat), flat.close)


def test_a_price_that_is_frozen_after_it_has_moved_keeps_its_digits() -> None:
    columns = made_candles(300).each(np.copy)
    for values in columns[:3]:
        values[100:, 1] = values[99, 1]
        values[100:, 3] = values[99, 3] * (1.0 + 1e-9 * np.arange(200))

    found = IndicatorBatch().compute(*columns)

    assert_same_lines(found, plain_lines(columns), columns.close)
    np.testing.assert_array_equal(found.bollinger_upper[150:, 1], found.bollinger_lower[150:, 1])


def test_a_shape_that_differs_is_refused() -> None:
    high, low, close, volume = made_candles()

    with pytest.raises(InvalidValueError, match=r"volume must have the shape \(160, 5\) of high, was \(159, 5\)"):
        IndicatorBatch().compute(high, low, close, volume[1:])


@pytest.mark.data
def test_the_batch_equals_the_plain_functions_on_real_candles() -> None:
    _, columns = real_candles("candles-1h-2024H1-74-symbols.parquet")
    columns = columns.each(lambda values: np.ascontiguousarray(values[1000:2000]))

    assert_same_lines(IndicatorBatch().compute(*columns), plain_lines(columns), columns.close)
