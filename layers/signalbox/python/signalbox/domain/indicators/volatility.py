"""How far prices swing, and bands drawn from it."""

from typing import NamedTuple

import numpy as np

from signalbox.domain.indicators._candles import true_ranges
from signalbox.domain.indicators._columns import indicator, require_multiplier, require_periods
from signalbox.domain.indicators._recursion import ema, wilder_mean
from signalbox.domain.indicators._rolling import rolling_maximum, rolling_minimum, rolling_moments
from signalbox.domain.market.candles import FloatArray


class Bands(NamedTuple):
    """A channel around a middle line, each `(n_candles, n_symbols)` in quote currency."""

    upper: FloatArray
    middle: FloatArray
    lower: FloatArray


class Channel(NamedTuple):
    """A channel's two edges, each `(n_candles, n_symbols)` in quote currency."""

    upper: FloatArray
    lower: FloatArray


@indicator
def true_range(high: FloatArray, low: FloatArray, close: FloatArray) -> FloatArray:
    """Return the candle's range with the close before counted as part of it (TA-Lib's TRANGE).

    Parameters
    ----------
    high, low, close : (n_candles, n_symbols) float64 arrays
        Prices in quote currency, oldest first; NaN where a symbol has no candle.

    Returns
    -------
    (n_candles, n_symbols) float64 array
        Quote currency. NaN at a symbol's first candle and where it has none.

    Raises
    ------
    InvalidValueError
        If a parameter is outside its range, a column is not a two-dimensional float64 array without infinities, or the
        columns differ in shape.

    References
    ----------
    J. Welles Wilder, "New Concepts in Technical Trading Systems", 1978, section III.
    """
    return true_ranges(high, low, close)


@indicator
def average_true_range(high: FloatArray, low: FloatArray, close: FloatArray, period: int = 14) -> FloatArray:
    """Return Wilder's exponential mean of the true range (TA-Lib's ATR).

    Parameters
    ----------
    high, low, close : (n_candles, n_symbols) float64 arrays
        Prices in quote currency, oldest first; NaN where a symbol has no candle.
    period : int, default 14
        Wilder's smoothing length in candles, at least 1.

    Returns
    -------
    (n_candles, n_symbols) float64 array
        Quote currency. NaN at a symbol's first `period` candles and where it has none.

    Raises
    ------
    InvalidValueError
        If a parameter is outside its range, a column is not a two-dimensional float64 array without infinities, or the
        columns differ in shape.

    References
    ----------
    J. Welles Wilder, "New Concepts in Technical Trading Systems", 1978, section III.
    """
    require_periods(period=period)
    return wilder_mean(true_ranges(high, low, close), period, first=1)


@indicator
def bollinger_bands(close: FloatArray, period: int = 20, multiplier: float = 2.0) -> Bands:
    """Return the simple mean with bands `multiplier` standard deviations (of the population) away (TA-Lib's BBANDS).

    Parameters
    ----------
    close : (n_candles, n_symbols) float64 array
        Close prices in quote currency, oldest first; NaN where a symbol has no candle.
    period : int, default 20
        Candles of mean and deviation, at least 2.
    multiplier : float, default 2.0
        Standard deviations from the middle to a band, above 0.

    Returns
    -------
    Bands
        NaN at a symbol's first `period - 1` candles and where it has none.

    Raises
    ------
    InvalidValueError
        If a parameter is outside its range, or a column is not a two-dimensional float64 array without infinities.

    References
    ----------
    John Bollinger, "Bollinger on Bollinger Bands", 2001.
    """
    require_periods(at_least=2, period=period)
    require_multiplier(multiplier)
    sums, squares = rolling_moments(close, period)
    middle, reach = sums / period, multiplier * np.sqrt(squares / period)
    return Bands(middle + reach, middle, middle - reach)


@indicator
def keltner_channels(  # noqa: PLR0913 - three columns and the channel's three customary parameters
    high: FloatArray,
    low: FloatArray,
    close: FloatArray,
    period: int = 20,
    *,
    range_period: int = 10,
    multiplier: float = 2.0,
) -> Bands:
    """Return the exponential mean of the close with bands `multiplier` average true ranges away.

    Parameters
    ----------
    high, low, close : (n_candles, n_symbols) float64 arrays
        Prices in quote currency, oldest first; NaN where a symbol has no candle.
    period, range_period : int, default 20, 10
        Candles of the mean and of the average true range, at least 1.
    multiplier : float, default 2.0
        Average true ranges from the middle to a band, above 0.

    Returns
    -------
    Bands
        The middle is NaN at a symbol's first `period - 1` candles, the bands at its first
        `max(period - 1, range_period)`, all where it has none.

    Raises
    ------
    InvalidValueError
        If a parameter is outside its range, a column is not a two-dimensional float64 array without infinities, or the
        columns differ in shape.

    References
    ----------
    Chester W. Keltner, "How To Make Money in Commodities", 1960, in Linda Bradford Raschke's form of the 1980s.
    """
    require_periods(period=period, range_period=range_period)
    require_multiplier(multiplier)
    middle = ema(close, period)
    reach = multiplier * wilder_mean(true_ranges(high, low, close), range_period, first=1)
    return Bands(middle + reach, middle, middle - reach)


@indicator
def donchian_channels(high: FloatArray, low: FloatArray, period: int = 20) -> Channel:
    """Return the highest high and the lowest low of the last `period` candles, the newest among them.

    Parameters
    ----------
    high, low : (n_candles, n_symbols) float64 arrays
        Prices in quote currency, oldest first; NaN where a symbol has no candle.
    period : int, default 20
        Length in candles, at least 1.

    Returns
    -------
    Channel
        NaN at a symbol's first `period - 1` candles and where it has none.

    Raises
    ------
    InvalidValueError
        If a parameter is outside its range, a column is not a two-dimensional float64 array without infinities, or the
        columns differ in shape.

    References
    ----------
    Richard Donchian, "High Finance in Copper", Financial Analysts Journal 16(6), 1960.
    """
    require_periods(period=period)
    return Channel(rolling_maximum(high, period), rolling_minimum(low, period))


@indicator
def realised_volatility(close: FloatArray, period: int = 20) -> FloatArray:
    """Return the standard deviation (of the sample) of the last `period` log returns, per candle, not annualised.

    Parameters
    ----------
    close : (n_candles, n_symbols) float64 array
        Close prices in quote currency, oldest first; NaN where a symbol has no candle.
    period : int, default 20
        Returns in the window, at least 2.

    Returns
    -------
    (n_candles, n_symbols) float64 array
        Log return per candle: 0.01 is about 1 %. NaN at a symbol's first `period` candles, where it has none, and where
        a close in the window is not positive.

    Raises
    ------
    InvalidValueError
        If a parameter is outside its range, or a column is not a two-dimensional float64 array without infinities.

    References
    ----------
    John C. Hull, "Options, Futures, and Other Derivatives", on estimating volatility from historical data.
    """
    require_periods(at_least=2, period=period)
    volatility = np.full_like(close, np.nan)
    logs = np.log(np.where(close > 0.0, close, np.nan))
    _, squares = rolling_moments(logs[1:] - logs[:-1], period)
    np.sqrt(squares / (period - 1), out=volatility[1:])
    return volatility
