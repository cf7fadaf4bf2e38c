"""Where a value stands among its own last ones: for levels, for regimes, and for mean reversion."""

import numpy as np

from signalbox.domain.indicators._columns import indicator, require_periods
from signalbox.domain.indicators._rolling import rolling_maximum, rolling_minimum, rolling_moments
from signalbox.domain.market.candles import FloatArray


@indicator
def highest(values: FloatArray, period: int = 20) -> FloatArray:
    """Return the largest of the last `period` values, the newest among them (TA-Lib's MAX).

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
        If a parameter is outside its range, or a column is not a two-dimensional float64 array without infinities.
    """
    require_periods(period=period)
    return rolling_maximum(values, period)


@indicator
def lowest(values: FloatArray, period: int = 20) -> FloatArray:
    """Return the smallest of the last `period` values, the newest among them (TA-Lib's MIN).

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
        If a parameter is outside its range, or a column is not a two-dimensional float64 array without infinities.
    """
    require_periods(period=period)
    return rolling_minimum(values, period)


@indicator
def z_score(values: FloatArray, period: int = 20) -> FloatArray:
    """Return how many standard deviations (of the population) the value is from the mean of the last `period`.

    Parameters
    ----------
    values : (n_candles, n_symbols) float64 array
        Any series, oldest first; NaN where a symbol has no candle.
    period : int, default 20
        Length in candles, the newest among them, at least 2.

    Returns
    -------
    (n_candles, n_symbols) float64 array
        Standard deviations; 0 in a flat window, where the value is its own mean. NaN at a symbol's first `period - 1`
        candles and where it has none.

    Raises
    ------
    InvalidValueError
        If a parameter is outside its range, or a column is not a two-dimensional float64 array without infinities.
    """
    require_periods(at_least=2, period=period)
    sums, squares = rolling_moments(values, period)
    score = (values - sums / period) / np.sqrt(squares / period)
    # Of a flat window only rounding is left to divide by.
    score[rolling_maximum(values, period) == rolling_minimum(values, period)] = 0.0
    return score


@indicator
def percentile_rank(values: FloatArray, period: int = 100) -> FloatArray:
    """Return the share of the last `period` values that lie below the newest, those equal to it counted half.

    Parameters
    ----------
    values : (n_candles, n_symbols) float64 array
        Any series, oldest first; NaN where a symbol has no candle.
    period : int, default 100
        Length in candles, the newest among them, at least 2.

    Returns
    -------
    (n_candles, n_symbols) float64 array
        Percent, above 0 and below 100; 50 in a flat window. NaN at a symbol's first `period - 1` candles and where it
        has none.

    Raises
    ------
    InvalidValueError
        If a parameter is outside its range, or a column is not a two-dimensional float64 array without infinities.
    """
    require_periods(at_least=2, period=period)
    rank = np.full_like(values, np.nan)
    now = values[period - 1 :]
    if len(now):
        # Counted in bytes where they are enough: a sum over the whole array is then eight times as fast.
        counts = np.uint8 if period < 256 else np.uint32
        below, up_to = np.zeros(now.shape, counts), np.zeros(now.shape, counts)
        for row in range(period):
            then = values[row : row + len(now)]
            np.add(below, np.less(then, now).view(np.uint8), out=below)
            np.add(up_to, np.less_equal(then, now).view(np.uint8), out=up_to)
        rank[period - 1 :] = np.where(np.isnan(now), np.nan, 50.0 * (below.astype(np.float64) + up_to) / period)
    return rank
