"""Moving averages."""

import numpy as np

from signalbox.domain.indicators._columns import indicator, require_periods
from signalbox.domain.indicators._recursion import ema
from signalbox.domain.indicators._rolling import rolling_sum
from signalbox.domain.market.candles import FloatArray


@indicator
def simple_moving_average(values: FloatArray, period: int = 20) -> FloatArray:
    """Return the plain mean of the last `period` values.

    Parameters
    ----------
    values : (n_candles, n_symbols) float64 array
        Any series, oldest first; NaN where a symbol has no candle.
    period : int, default 20
        Length in candles, at least 1.

    Returns
    -------
    (n_candles, n_symbols) float64 array
        In the unit of `values`. NaN at a symbol's first `period - 1` candles and where it has none.

    Raises
    ------
    InvalidValueError
        If `period` is below 1, or `values` is not a two-dimensional float64 array without infinities.
    """
    require_periods(period=period)
    return rolling_sum(values, period) / period


@indicator
def exponential_moving_average(values: FloatArray, period: int = 20) -> FloatArray:
    """Return the exponential mean with weight 2 / (period + 1), seeded with the first simple mean (TA-Lib's EMA).

    Parameters
    ----------
    values : (n_candles, n_symbols) float64 array
        Any series, oldest first; NaN where a symbol has no candle.
    period : int, default 20
        Length in candles, at least 1.

    Returns
    -------
    (n_candles, n_symbols) float64 array
        In the unit of `values`. NaN at a symbol's first `period - 1` candles and where it has none.

    Raises
    ------
    InvalidValueError
        If `period` is below 1, or `values` is not a two-dimensional float64 array without infinities.

    References
    ----------
    Robert G. Brown, "Exponential Smoothing for Predicting Demand", 1956.
    """
    require_periods(period=period)
    return ema(values, period)


@indicator
def weighted_moving_average(values: FloatArray, period: int = 20) -> FloatArray:
    """Return the mean of the last `period` values with weights 1 (oldest) to `period` (newest).

    Parameters
    ----------
    values : (n_candles, n_symbols) float64 array
        Any series, oldest first; NaN where a symbol has no candle.
    period : int, default 20
        Length in candles, at least 1.

    Returns
    -------
    (n_candles, n_symbols) float64 array
        In the unit of `values`. NaN at a symbol's first `period - 1` candles and where it has none.

    Raises
    ------
    InvalidValueError
        If `period` is below 1, or `values` is not a two-dimensional float64 array without infinities.
    """
    require_periods(period=period)
    mean = np.full_like(values, np.nan)
    n_windows = len(values) - period + 1
    if n_windows > 0:
        total = np.zeros_like(values[:n_windows])
        for weight in range(1, period + 1):
            total += weight * values[weight - 1 : weight - 1 + n_windows]
        mean[period - 1 :] = total / (period * (period + 1) / 2)
    return mean
