"""From candles to regimes: what each axis measures, and the thresholds it was tuned to.

The thresholds of the direction are those of docs/definitions.md. The rest (dwell, the percentile's window and
thresholds) was chosen on real hourly candles of five majors, 2020 to 2024, for few flips that are seldom undone; the
test of this module prints the figures.
"""

import numpy as np

from signalbox.domain.indicators.trend import average_directional_index
from signalbox.domain.indicators.volatility import average_true_range
from signalbox.domain.indicators.windows import percentile_rank
from signalbox.domain.market.candles import CandleGrid, FloatArray
from signalbox.domain.regimes.hysteresis import settle
from signalbox.domain.regimes.regime import Regimes

TREND_ENTERS, TREND_LEAVES = 25.0, 20.0
TREND_PERIOD = 14
DIRECTION_DWELL = 12

PERCENTILE_WINDOW = 120
EXTREME_ENTERS, EXTREME_LEAVES = 0.60, 0.30
"""On the scale where the lowest ATR of the window is -1 and the highest +1: HIGH enters at the 80th percentile and
leaves below the 65th, LOW enters at the 20th and leaves above the 35th."""
VOLATILITY_DWELL = 12

WARM_UP = TREND_PERIOD + PERCENTILE_WINDOW
"""Candles of a symbol before both axes are known."""


def direction_of(adx: FloatArray, plus_di: FloatArray, minus_di: FloatArray) -> FloatArray:
    """Return the direction axis.

    Parameters
    ----------
    adx, plus_di, minus_di : (n_candles, n_symbols) float64 arrays
        Wilder's ADX(14), +DI(14) and -DI(14), 0..100, NaN while warming up.

    Returns
    -------
    (n_candles, n_symbols) float64 array
        Codes of `Direction`, NaN where an input is. Row t depends on rows 0..t alone.
    """
    return settle(adx * np.sign(plus_di - minus_di), TREND_ENTERS, TREND_LEAVES, DIRECTION_DWELL)


def volatility_of(atr_percentile: FloatArray) -> FloatArray:
    """Return the volatility axis.

    Parameters
    ----------
    atr_percentile : (n_candles, n_symbols) float64 array
        Percentile of the average true range (14) among the last `PERCENTILE_WINDOW` of its column, NaN until that is
        full.

    Returns
    -------
    (n_candles, n_symbols) float64 array
        Codes of `Volatility`, NaN where the percentile is. Row t depends on rows 0..t alone.
    """
    return settle(atr_percentile / 50 - 1, EXTREME_ENTERS, EXTREME_LEAVES, VOLATILITY_DWELL)


def classify(high: FloatArray, low: FloatArray, close: FloatArray) -> Regimes:
    """Return both axes of candles given as (n_candles, n_symbols) prices in quote currency, NaN for holes."""
    strength = average_directional_index(high, low, close, TREND_PERIOD)
    atr = average_true_range(high, low, close, TREND_PERIOD)
    return Regimes(direction_of(*strength), volatility_of(percentile_rank(atr, PERCENTILE_WINDOW)))


def market_regime(grid: CandleGrid) -> Regimes:
    """Return the regime of the market as a whole, as one column: that of the equal-weight basket of `grid`.

    The basket is rebalanced at every candle: its close moves by the mean simple return of the symbols that have both
    this candle and the one before; its high and low are the basket's value if all of them stood at their highs or
    lows at once, so its range is an upper bound. A row without any such symbol is a hole.
    """
    before = grid.close[:-1]
    usable = (before > 0) & (grid.low[1:] > 0) & np.isfinite(grid.high[1:]) & np.isfinite(grid.close[1:])
    count = usable.sum(axis=1)
    held = np.where(count > 0, count, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        high, low, close = (
            np.where(usable, values[1:] / before, 0.0).sum(axis=1) / held
            for values in (grid.high, grid.low, grid.close)
        )
    value = np.cumprod(np.where(np.isnan(close), 1.0, close))
    start = np.concatenate([[1.0], value[:-1]])
    first = np.array([[np.nan]])
    columns = (np.concatenate([first, (start * move)[:, None]]) for move in (high, low, close))
    return classify(*columns)
