"""Indicators that TA-Lib has not, against the sums written out for one symbol, candle by candle."""

import numpy as np

from signalbox.domain.indicators import trend, volatility, windows
from tests.unit.domain.indicators.cases import made_candles


def test_supertrend_equals_its_definition_candle_by_candle() -> None:
    high, low, close, _ = made_candles(400, 6)
    close[120:140] *= 1.1
    close[250:] *= 0.8
    high, low = np.maximum(high, close), np.minimum(low, close)
    reach = 2.0 * volatility.average_true_range(high, low, close, 7)

    found = trend.supertrend(high, low, close, 7, 2.0)

    for at in range(6):
        line, direction = scalar_supertrend(high[:, at], low[:, at], close[:, at], reach[:, at], 7)
        np.testing.assert_allclose(found.line[:, at], line, rtol=1e-12)
        np.testing.assert_array_equal(found.direction[:, at], direction)
        assert {1.0, -1.0} <= set(direction)


def scalar_supertrend(
    high: np.ndarray, low: np.ndarray, close: np.ndarray, reach: np.ndarray, first: int
) -> tuple[list[float], list[float]]:
    lines, directions = [np.nan] * first, [np.nan] * first
    direction, upper, lower = 1.0, np.inf, -np.inf
    for at in range(first, len(close)):
        middle = (high[at] + low[at]) / 2
        new_upper, new_lower = middle + reach[at], middle - reach[at]
        upper = min(new_upper, upper) if at > first and close[at - 1] <= upper else new_upper
        lower = max(new_lower, lower) if at > first and close[at - 1] >= lower else new_lower
        if close[at] > upper:
            direction = 1.0
        elif close[at] < lower:
            direction = -1.0
        lines.append(lower if direction > 0 else upper)
        directions.append(direction)
    return lines, directions


def test_a_close_beyond_both_supertrend_bands_counts_as_up() -> None:
    close = np.concatenate([np.full(30, 100.0), [200.0], [200.0]])[:, None]
    high, low = close.copy(), close.copy()
    high[30], low[30] = 1000.0, 200.0

    found = trend.supertrend(high, low, close)

    assert found.direction[30, 0] == 1.0


def test_ichimoku_applies_the_cloud_of_26_candles_before() -> None:
    high, low, _, _ = made_candles()
    found = trend.ichimoku(high, low)

    for at in (77, 100, 159):
        then = at - 26
        middle = {
            n: (high[then - n + 1 : then + 1].max(0) + low[then - n + 1 : then + 1].min(0)) / 2 for n in (9, 26, 52)
        }
        np.testing.assert_array_equal(found.span_a[at], (middle[9] + middle[26]) / 2)
        np.testing.assert_array_equal(found.span_b[at], middle[52])
        np.testing.assert_array_equal(found.conversion[then], middle[9])
        np.testing.assert_array_equal(found.base[then], middle[26])


def test_percentile_rank_equals_counting() -> None:
    values = np.round(made_candles(200, 3).close)
    found = windows.percentile_rank(values, 40)

    for at in (39, 40, 100, 199):
        window = values[at - 39 : at + 1]
        expected = 100.0 * ((window < values[at]).sum(0) + 0.5 * (window == values[at]).sum(0)) / 40
        np.testing.assert_allclose(found[at], expected)


def test_rolling_windows_of_every_length_equal_their_definition() -> None:
    values = made_candles(70, 3).close

    for period in range(2, 70):
        cut = np.lib.stride_tricks.sliding_window_view(values, period, axis=0)
        score = (values[period - 1 :] - cut.mean(-1)) / cut.std(-1)
        np.testing.assert_allclose(windows.z_score(values, period)[period - 1 :], score, rtol=1e-9, atol=1e-9)
        np.testing.assert_array_equal(windows.highest(values, period)[period - 1 :], cut.max(-1))
        np.testing.assert_array_equal(windows.lowest(values, period)[period - 1 :], cut.min(-1))


def test_deviations_of_a_price_that_hardly_moves_keep_their_digits() -> None:
    values = 1e6 + 1e-4 * np.random.default_rng(5).normal(size=(300, 2))
    cut = np.lib.stride_tricks.sliding_window_view(values.astype(np.longdouble), 20, axis=0)

    bands = volatility.bollinger_bands(values)

    reach = (bands.upper - bands.lower)[19:] / 4
    np.testing.assert_allclose(reach, cut.std(-1).astype(float), rtol=2e-5)
