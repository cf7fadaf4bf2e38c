"""What the volume says about the price."""

import numpy as np

from signalbox.domain.indicators._candles import ratio_or_zero, signed_volumes, typical_prices
from signalbox.domain.indicators._columns import indicator, require_periods
from signalbox.domain.indicators._rolling import rolling_sum
from signalbox.domain.market.candles import FloatArray


@indicator
def on_balance_volume(close: FloatArray, volume: FloatArray) -> FloatArray:
    """Return the running total of volume, added where the close rose and taken off where it fell (TA-Lib's OBV).

    Its level depends on where the series begins: only its changes mean something.

    Parameters
    ----------
    close, volume : (n_candles, n_symbols) float64 arrays
        Quote currency and base currency, oldest first; NaN where a symbol has no candle.

    Returns
    -------
    (n_candles, n_symbols) float64 array
        Base currency, beginning with the first candle's volume. No warm-up; NaN where a symbol has no candle.

    Raises
    ------
    InvalidValueError
        If a parameter is outside its range, a column is not a two-dimensional float64 array without infinities, or the
        columns differ in shape.

    References
    ----------
    Joseph E. Granville, "Granville's New Key to Stock Market Profits", 1963.
    """
    return np.cumsum(signed_volumes(close, volume), axis=0)


@indicator
def money_flow_index(
    high: FloatArray, low: FloatArray, close: FloatArray, volume: FloatArray, period: int = 14
) -> FloatArray:
    """Return the money traded at rising typical prices as a share of that at any that moved (TA-Lib's MFI).

    Parameters
    ----------
    high, low, close : (n_candles, n_symbols) float64 arrays
        Prices in quote currency, oldest first; NaN where a symbol has no candle.
    volume : (n_candles, n_symbols) float64 array
        Base currency.
    period : int, default 14
        Candles in the window, at least 2.

    Returns
    -------
    (n_candles, n_symbols) float64 array
        0 to 100; 0 where no money moved. (TA-Lib also gives 0 where less than 1 unit of quote currency did.) NaN at a
        symbol's first `period` candles and where it has none.

    Raises
    ------
    InvalidValueError
        If a parameter is outside its range, a column is not a two-dimensional float64 array without infinities, or the
        columns differ in shape.

    References
    ----------
    Gene Quong and Avrum Soudack, "Volume-Weighted RSI: Money Flow", Technical Analysis of Stocks & Commodities, 1989.
    """
    require_periods(at_least=2, period=period)
    typical = typical_prices(high, low, close)
    flow = (typical * volume)[1:]
    change = typical[1:] - typical[:-1]
    # Two prices that are equal in decimals may differ in their last bit, and would turn a whole candle's money around.
    tie = 1e-14 * np.abs(typical[1:])
    rising = rolling_sum(flow * (change > tie), period)
    falling = rolling_sum(flow * (change < -tie), period)
    index = np.full_like(close, np.nan)
    index[1:] = 100.0 * ratio_or_zero(rising, rising + falling)
    return index


@indicator
def rolling_volume_weighted_average_price(
    high: FloatArray, low: FloatArray, close: FloatArray, volume: FloatArray, period: int = 24
) -> FloatArray:
    """Return the mean typical price of the last `period` candles, weighted by their volume.

    Parameters
    ----------
    high, low, close : (n_candles, n_symbols) float64 arrays
        Prices in quote currency, oldest first; NaN where a symbol has no candle.
    volume : (n_candles, n_symbols) float64 array
        Base currency.
    period : int, default 24
        Candles in the window, at least 1.

    Returns
    -------
    (n_candles, n_symbols) float64 array
        Quote currency. NaN at a symbol's first `period - 1` candles, where it has none, and where nothing was traded in
        the window.

    Raises
    ------
    InvalidValueError
        If a parameter is outside its range, a column is not a two-dimensional float64 array without infinities, or the
        columns differ in shape.

    References
    ----------
    Stephen A. Berkowitz, Dennis E. Logue and Eugene A. Noser, "The Total Cost of Transactions on the NYSE", 1988.
    """
    require_periods(period=period)
    traded = rolling_sum(volume, period)
    return rolling_sum(typical_prices(high, low, close) * volume, period) / np.where(traded == 0.0, np.nan, traded)


@indicator
def volume_ratio(volume: FloatArray, period: int = 20) -> FloatArray:
    """Return the candle's volume as a multiple of the mean volume of the `period` candles before it.

    The candle itself is not in the mean, so that a spike is not measured against itself.

    Parameters
    ----------
    volume : (n_candles, n_symbols) float64 array
        Base currency, oldest first; NaN where a symbol has no candle.
    period : int, default 20
        Candles of the mean, at least 1.

    Returns
    -------
    (n_candles, n_symbols) float64 array
        A multiple: 2 is twice the usual. NaN at a symbol's first `period` candles, where it has none, and where nothing
        was traded in the window.

    Raises
    ------
    InvalidValueError
        If a parameter is outside its range, or a column is not a two-dimensional float64 array without infinities.
    """
    require_periods(period=period)
    usual = rolling_sum(volume[:-1], period) / period
    ratio = np.full_like(volume, np.nan)
    np.divide(volume[1:], np.where(usual == 0.0, np.nan, usual), out=ratio[1:])
    return ratio
