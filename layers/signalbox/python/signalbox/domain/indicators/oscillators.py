"""Where the close stands within the range of its last candles."""

from typing import NamedTuple

import numpy as np

from signalbox.domain.indicators._candles import ratio_or_zero, strength_indices, typical_prices
from signalbox.domain.indicators._columns import indicator, require_periods
from signalbox.domain.indicators._rolling import rolling_maximum, rolling_minimum, rolling_sum
from signalbox.domain.market.candles import FloatArray


class StochasticLines(NamedTuple):
    """A stochastic's %K and its average %D, each `(n_candles, n_symbols)`, 0 to 100."""

    k: FloatArray
    d: FloatArray


@indicator
def fast_stochastic(
    high: FloatArray, low: FloatArray, close: FloatArray, period: int = 5, signal: int = 3
) -> StochasticLines:
    """Return where the close stands between the lowest low and the highest high, and its average (TA-Lib's STOCHF).

    Parameters
    ----------
    high, low, close : (n_candles, n_symbols) float64 arrays
        Prices in quote currency, oldest first; NaN where a symbol has no candle.
    period, signal : int, default 5, 3
        Candles of the range, and of the average that is %D; at least 1.

    Returns
    -------
    StochasticLines
        0 to 100; 0 where the range is 0, as in TA-Lib. Both NaN at a symbol's first `period + signal - 2` candles and
        where it has none.

    Raises
    ------
    InvalidValueError
        If a parameter is outside its range, a column is not a two-dimensional float64 array without infinities, or the
        columns differ in shape.

    References
    ----------
    George C. Lane, "Lane's Stochastics", Technical Analysis of Stocks & Commodities 2(3), 1984.
    """
    require_periods(period=period, signal=signal)
    return _averaged(_place_in_range(high, low, close, period), period - 1, signal)


@indicator
def stochastic(  # noqa: PLR0913 - three columns and the indicator's three customary lengths
    high: FloatArray, low: FloatArray, close: FloatArray, period: int = 5, *, slowing: int = 3, signal: int = 3
) -> StochasticLines:
    """Return the slow stochastic: %K averaged over `slowing` candles, and the average of that (TA-Lib's STOCH).

    Parameters
    ----------
    high, low, close : (n_candles, n_symbols) float64 arrays
        Prices in quote currency, oldest first; NaN where a symbol has no candle.
    period, slowing, signal : int, default 5, 3, 3
        Candles of the range, of the average that is %K, and of the one that is %D; at least 1.

    Returns
    -------
    StochasticLines
        0 to 100; a candle whose range is 0 counts as 0, as in TA-Lib. Both NaN at a symbol's first
        `period + slowing + signal - 3` candles and where it has none.

    Raises
    ------
    InvalidValueError
        If a parameter is outside its range, a column is not a two-dimensional float64 array without infinities, or the
        columns differ in shape.

    References
    ----------
    George C. Lane, "Lane's Stochastics", Technical Analysis of Stocks & Commodities 2(3), 1984.
    """
    require_periods(period=period, slowing=slowing, signal=signal)
    slow = rolling_sum(_place_in_range(high, low, close, period)[period - 1 :], slowing) / slowing
    return _averaged(_delayed(slow, period - 1, like=close), period + slowing - 2, signal)


@indicator
def stochastic_relative_strength_index(
    close: FloatArray, period: int = 14, stochastic_period: int = 5, signal: int = 3
) -> StochasticLines:
    """Return where the relative strength index stands within its own last range (TA-Lib's STOCHRSI).

    Parameters
    ----------
    close : (n_candles, n_symbols) float64 array
        Close prices in quote currency, oldest first; NaN where a symbol has no candle.
    period, stochastic_period, signal : int, default 14, 5, 3
        Candles of the index (at least 2), of its range, and of the average that is %D (at least 1).

    Returns
    -------
    StochasticLines
        0 to 100; 0 where the index has moved less than 1e-9, which is rounding. Both NaN at a symbol's first
        `period + stochastic_period + signal - 2` candles and where it has none.

    Raises
    ------
    InvalidValueError
        If a parameter is outside its range, or a column is not a two-dimensional float64 array without infinities.

    References
    ----------
    Tushar Chande and Stanley Kroll, "The New Technical Trader", 1994.
    """
    require_periods(at_least=2, period=period)
    require_periods(stochastic_period=stochastic_period, signal=signal)
    index = strength_indices(close, period)[period:]
    lowest = rolling_minimum(index, stochastic_period)
    moved = rolling_maximum(index, stochastic_period) - lowest
    # While the close stands still so does the index, but for its last bits.
    moved[moved < 1e-9] = 0.0
    place = 100.0 * ratio_or_zero(index - lowest, moved)
    return _averaged(_delayed(place, period, like=close), period + stochastic_period - 1, signal)


@indicator
def williams_percent_range(high: FloatArray, low: FloatArray, close: FloatArray, period: int = 14) -> FloatArray:
    """Return how far the close is below the highest high, in percent of the range (TA-Lib's WILLR).

    Parameters
    ----------
    high, low, close : (n_candles, n_symbols) float64 arrays
        Prices in quote currency, oldest first; NaN where a symbol has no candle.
    period : int, default 14
        Candles of the range, at least 1.

    Returns
    -------
    (n_candles, n_symbols) float64 array
        -100 to 0; 0 where the range is 0, as in TA-Lib. NaN at a symbol's first `period - 1` candles and where it has
        none.

    Raises
    ------
    InvalidValueError
        If a parameter is outside its range, a column is not a two-dimensional float64 array without infinities, or the
        columns differ in shape.

    References
    ----------
    Larry Williams, "How I Made One Million Dollars Last Year Trading Commodities", 1973.
    """
    require_periods(period=period)
    highest, lowest = rolling_maximum(high, period), rolling_minimum(low, period)
    return -100.0 * ratio_or_zero(highest - close, highest - lowest)


@indicator
def commodity_channel_index(high: FloatArray, low: FloatArray, close: FloatArray, period: int = 14) -> FloatArray:
    """Return the typical price's distance from its mean, in units of 0.015 mean absolute deviations (TA-Lib's CCI).

    Parameters
    ----------
    high, low, close : (n_candles, n_symbols) float64 arrays
        Prices in quote currency, oldest first; NaN where a symbol has no candle.
    period : int, default 14
        Candles of the mean, at least 2.

    Returns
    -------
    (n_candles, n_symbols) float64 array
        No unit, mostly within -100 to 100; 0 where no price in the window differs. NaN at a symbol's first
        `period - 1` candles and where it has none.

    Raises
    ------
    InvalidValueError
        If a parameter is outside its range, a column is not a two-dimensional float64 array without infinities, or the
        columns differ in shape.

    References
    ----------
    Donald R. Lambert, "Commodity Channel Index", Commodities (now Futures), October 1980.
    """
    require_periods(at_least=2, period=period)
    typical = typical_prices(high, low, close)
    index = np.full_like(typical, np.nan)
    now = typical[period - 1 :]
    if not len(now):
        return index
    # Measured from the newest price, a flat window gives exact zeros, which a mean of prices would not.
    apart = [typical[lag : lag + len(now)] - now for lag in range(period)]
    mean = sum(apart[1:], apart[0]) / period
    deviation = sum((np.abs(offset - mean) for offset in apart[1:]), np.abs(apart[0] - mean)) / period
    index[period - 1 :] = ratio_or_zero(-mean, 0.015 * deviation)
    return index


def _place_in_range(high: FloatArray, low: FloatArray, close: FloatArray, period: int) -> FloatArray:
    lowest = rolling_minimum(low, period)
    return 100.0 * ratio_or_zero(close - lowest, rolling_maximum(high, period) - lowest)


def _averaged(k: FloatArray, first: int, signal: int) -> StochasticLines:
    """Return `k`, whose values begin in row `first`, with its simple average, both from the average's first row on."""
    d = _delayed(rolling_sum(k[first:], signal) / signal, first, like=k)
    k[: first + signal - 1] = np.nan
    return StochasticLines(k, d)


def _delayed(values: FloatArray, rows: int, *, like: FloatArray) -> FloatArray:
    """Return an array shaped like `like`: NaN in the first `rows` rows, `values` below."""
    delayed = np.full_like(like, np.nan)
    delayed[rows:] = values
    return delayed
