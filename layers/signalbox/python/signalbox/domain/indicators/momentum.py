"""How fast a price moves: differences, rates of change, and what is built on them."""

from typing import NamedTuple

import numpy as np

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.indicators._candles import ratio_or_zero, strength_indices
from signalbox.domain.indicators._columns import indicator, require_periods
from signalbox.domain.indicators._recursion import ema
from signalbox.domain.market.candles import FloatArray


class MacdLines(NamedTuple):
    """Moving average convergence/divergence, each line `(n_candles, n_symbols)` in quote currency."""

    macd: FloatArray
    signal: FloatArray
    histogram: FloatArray


@indicator
def momentum(values: FloatArray, period: int = 10) -> FloatArray:
    """Return the value less the value `period` candles ago.

    Parameters
    ----------
    values : (n_candles, n_symbols) float64 array
        Any series, oldest first; NaN where a symbol has no candle.
    period : int, default 10
        Distance in candles, at least 1.

    Returns
    -------
    (n_candles, n_symbols) float64 array
        In the unit of `values`. NaN at a symbol's first `period` candles and where it has none.

    Raises
    ------
    InvalidValueError
        If a parameter is outside its range, or a column is not a two-dimensional float64 array without infinities.
    """
    require_periods(period=period)
    change = np.full_like(values, np.nan)
    np.subtract(values[period:], values[:-period], out=change[period:])
    return change


@indicator
def rate_of_change(values: FloatArray, period: int = 10) -> FloatArray:
    """Return the change over `period` candles in percent of the value then (TA-Lib's ROC).

    Parameters
    ----------
    values : (n_candles, n_symbols) float64 array
        Any series, oldest first; NaN where a symbol has no candle.
    period : int, default 10
        Distance in candles, at least 1.

    Returns
    -------
    (n_candles, n_symbols) float64 array
        Percent; 0 where the value then was 0. NaN at a symbol's first `period` candles and where it has none.

    Raises
    ------
    InvalidValueError
        If a parameter is outside its range, or a column is not a two-dimensional float64 array without infinities.
    """
    require_periods(period=period)
    change = np.full_like(values, np.nan)
    before = values[:-period]
    change[period:] = 100.0 * ratio_or_zero(values[period:] - before, before)
    return change


@indicator
def relative_strength_index(close: FloatArray, period: int = 14) -> FloatArray:
    """Return Wilder's relative strength index: gains as a share of all moves, both exponentially averaged.

    Parameters
    ----------
    close : (n_candles, n_symbols) float64 array
        Close prices in quote currency, oldest first; NaN where a symbol has no candle.
    period : int, default 14
        Wilder's smoothing length in candles, at least 2.

    Returns
    -------
    (n_candles, n_symbols) float64 array
        0 to 100. A series without losses gives 100; one that has never moved gives 0, as in TA-Lib. NaN at a symbol's
        first `period` candles and where it has none.

    Raises
    ------
    InvalidValueError
        If a parameter is outside its range, or a column is not a two-dimensional float64 array without infinities.

    References
    ----------
    J. Welles Wilder, "New Concepts in Technical Trading Systems", 1978, section VI.
    """
    require_periods(at_least=2, period=period)
    return strength_indices(close, period)


@indicator
def moving_average_convergence_divergence(
    close: FloatArray, fast: int = 12, slow: int = 26, signal: int = 9
) -> MacdLines:
    """Return the fast less the slow exponential average, its own exponential average, and their difference.

    As in TA-Lib, both averages are seeded at the slow one's first value, the fast one with the mean of the `fast`
    candles up to there.

    Parameters
    ----------
    close : (n_candles, n_symbols) float64 array
        Close prices in quote currency, oldest first; NaN where a symbol has no candle.
    fast, slow, signal : int, default 12, 26, 9
        Lengths in candles; `fast` at least 2 and below `slow`, `signal` at least 1.

    Returns
    -------
    MacdLines
        All three NaN at a symbol's first `slow + signal - 2` candles and where it has none.

    Raises
    ------
    InvalidValueError
        If a parameter is outside its range, or a column is not a two-dimensional float64 array without infinities.

    References
    ----------
    Gerald Appel, "Technical Analysis: Power Tools for Active Investors", 2005.
    """
    require_periods(at_least=2, fast=fast, slow=slow)
    require_periods(signal=signal)
    if fast >= slow:
        raise InvalidValueError(f"fast must be below slow, was {fast} with slow {slow}")
    macd = ema(close, fast, first=slow - fast) - ema(close, slow)
    smooth = ema(macd, signal, first=slow - 1)
    macd[: slow + signal - 2] = np.nan
    return MacdLines(macd, smooth, macd - smooth)
