"""Whether there is a trend, which way it goes, and how strong it is."""

from typing import NamedTuple

import numpy as np

from signalbox.domain.indicators._candles import directional_movements, ratio_or_zero, true_ranges
from signalbox.domain.indicators._columns import indicator, require_multiplier, require_periods
from signalbox.domain.indicators._recursion import last_break_was_up, ratchet, wilder_mean, wilder_sum
from signalbox.domain.indicators._rolling import rolling_maximum, rolling_minimum
from signalbox.domain.market.candles import FloatArray


class DirectionalLines(NamedTuple):
    """ADX with +DI and -DI, each `(n_candles, n_symbols)`, 0 to 100."""

    adx: FloatArray
    plus_di: FloatArray
    minus_di: FloatArray


class SupertrendLines(NamedTuple):
    """The Supertrend line in quote currency, and its direction (1 up, -1 down), each `(n_candles, n_symbols)`."""

    line: FloatArray
    direction: FloatArray


class IchimokuLines(NamedTuple):
    """Ichimoku's lines that apply at each candle, each `(n_candles, n_symbols)` in quote currency."""

    conversion: FloatArray
    base: FloatArray
    span_a: FloatArray
    span_b: FloatArray


class AroonLines(NamedTuple):
    """Aroon's two lines, each `(n_candles, n_symbols)`, 0 to 100."""

    up: FloatArray
    down: FloatArray


@indicator
def average_directional_index(
    high: FloatArray, low: FloatArray, close: FloatArray, period: int = 14
) -> DirectionalLines:
    """Return Wilder's average directional index with the two directional indicators (TA-Lib's ADX, PLUS_DI, MINUS_DI).

    Parameters
    ----------
    high, low, close : (n_candles, n_symbols) float64 arrays
        Prices in quote currency, oldest first; NaN where a symbol has no candle.
    period : int, default 14
        Wilder's smoothing length in candles, at least 2.

    Returns
    -------
    DirectionalLines
        0 to 100; 0 for a series that has never moved. `plus_di` and `minus_di` are NaN at a symbol's first `period`
        candles, `adx` at its first `2 * period - 1`, all where it has none.

    Raises
    ------
    InvalidValueError
        If a parameter is outside its range, a column is not a two-dimensional float64 array without infinities, or the
        columns differ in shape.

    References
    ----------
    J. Welles Wilder, "New Concepts in Technical Trading Systems", 1978, section IV.
    """
    require_periods(at_least=2, period=period)
    ranges = wilder_sum(true_ranges(high, low, close), period)
    plus, minus = (wilder_sum(movement, period) for movement in directional_movements(high, low))
    # A symbol without any movement yet has no index; TA-Lib skips it, which with a mean of 0 up to there is adding 0.
    index = 100.0 * ratio_or_zero(np.abs(plus - minus), plus + minus)
    return DirectionalLines(
        wilder_mean(index, period, first=period),
        100.0 * ratio_or_zero(plus, ranges),
        100.0 * ratio_or_zero(minus, ranges),
    )


@indicator
def supertrend(
    high: FloatArray, low: FloatArray, close: FloatArray, period: int = 10, multiplier: float = 3.0
) -> SupertrendLines:
    """Return a trailing band `multiplier` average true ranges from the middle of the candle, and the side it is on.

    The lower band only rises and the upper only falls while the close before stays within it. The direction turns up
    when a close is above the upper band, down when one is below the lower, and starts up; a close beyond both, possible
    for one candle after a jump, counts as up.

    Parameters
    ----------
    high, low, close : (n_candles, n_symbols) float64 arrays
        Prices in quote currency, oldest first; NaN where a symbol has no candle.
    period : int, default 10
        Length of the average true range in candles, at least 1.
    multiplier : float, default 3.0
        Average true ranges from the middle to a band, above 0.

    Returns
    -------
    SupertrendLines
        The lower band while up, the upper while down. NaN at a symbol's first `period` candles and where it has none.

    Raises
    ------
    InvalidValueError
        If a parameter is outside its range, a column is not a two-dimensional float64 array without infinities, or the
        columns differ in shape.

    References
    ----------
    Olivier Seban, "Tout le monde mérite d'être riche", 2008.
    """
    require_periods(period=period)
    require_multiplier(multiplier)
    reach = multiplier * wilder_mean(true_ranges(high, low, close), period, first=1)
    middle = (high + low) / 2.0
    # The upper band is kept negated: see `ratchet`.
    bands = np.concatenate([middle - reach, -middle - reach], axis=1)
    closes = np.concatenate([close, -close], axis=1)
    ratchet(bands[period:], closes[period:])
    lower, negated_upper = np.split(bands, 2, axis=1)
    upper = -negated_upper
    up = last_break_was_up(close > upper, close < lower)
    line = np.where(up > 0, lower, upper)
    return SupertrendLines(line, np.where(np.isnan(line), np.nan, up))


@indicator
def ichimoku(  # noqa: PLR0913 - two columns and the indicator's four customary lengths
    high: FloatArray, low: FloatArray, *, conversion: int = 9, base: int = 26, span: int = 52, displacement: int = 26
) -> IchimokuLines:
    """Return Ichimoku's lines as they apply at each candle: the cloud is that of `displacement` candles before.

    On charts the cloud is drawn ahead of the candle that gave it; here it stands where it is read. The lagging line is
    left out: it is the close itself, drawn where it was not known yet.

    Parameters
    ----------
    high, low : (n_candles, n_symbols) float64 arrays
        Prices in quote currency, oldest first; NaN where a symbol has no candle.
    conversion, base, span : int, default 9, 26, 52
        Candles whose middle (of highest high and lowest low) is the conversion line, the base line and span B.
    displacement : int, default 26
        Candles between giving the cloud and applying it, at least 0.

    Returns
    -------
    IchimokuLines
        NaN at a symbol's first `conversion - 1`, `base - 1`, `max(conversion, base) - 1 + displacement` and
        `span - 1 + displacement` candles, and where it has none.

    Raises
    ------
    InvalidValueError
        If a parameter is outside its range, a column is not a two-dimensional float64 array without infinities, or the
        columns differ in shape.

    References
    ----------
    Goichi Hosoda (Ichimoku Sanjin), "Ichimoku Kinko Hyo", 1969.
    """
    require_periods(conversion=conversion, base=base, span=span)
    require_periods(at_least=0, displacement=displacement)
    conversion_line, base_line = _middle(high, low, conversion), _middle(high, low, base)
    return IchimokuLines(
        conversion_line,
        base_line,
        _later((conversion_line + base_line) / 2.0, displacement),
        _later(_middle(high, low, span), displacement),
    )


@indicator
def aroon(high: FloatArray, low: FloatArray, period: int = 14) -> AroonLines:
    """Return how recent the highest high and the lowest low of the last `period + 1` candles are (TA-Lib's AROON).

    Parameters
    ----------
    high, low : (n_candles, n_symbols) float64 arrays
        Prices in quote currency, oldest first; NaN where a symbol has no candle.
    period : int, default 14
        Candles before the newest one, at least 2.

    Returns
    -------
    AroonLines
        100 for the newest candle down to 0 for the oldest; of equal extremes the latest counts. NaN at a symbol's first
        `period` candles and where it has none.

    Raises
    ------
    InvalidValueError
        If a parameter is outside its range, a column is not a two-dimensional float64 array without infinities, or the
        columns differ in shape.

    References
    ----------
    Tushar Chande, "A Time Price Oscillator", Technical Analysis of Stocks & Commodities, September 1995.
    """
    require_periods(at_least=2, period=period)
    return AroonLines(_recency_of_maximum(high, period), _recency_of_maximum(-low, period))


@indicator
def linear_regression_slope(values: FloatArray, period: int = 14) -> FloatArray:
    """Return the slope of the least-squares line through the last `period` values (TA-Lib's LINEARREG_SLOPE).

    Parameters
    ----------
    values : (n_candles, n_symbols) float64 array
        Any series, oldest first; NaN where a symbol has no candle.
    period : int, default 14
        Candles of the line, at least 2.

    Returns
    -------
    (n_candles, n_symbols) float64 array
        Unit of `values` per candle; exactly 0 in a flat window. NaN at a symbol's first `period - 1` candles and where
        it has none.

    Raises
    ------
    InvalidValueError
        If a parameter is outside its range, or a column is not a two-dimensional float64 array without infinities.
    """
    require_periods(at_least=2, period=period)
    slope = np.full_like(values, np.nan)
    n_windows = len(values) - period + 1
    if n_windows > 0:
        # Rows as far after as before the middle weigh the same with opposite sign, so each pair is one difference.
        total = np.zeros_like(values[:n_windows])
        for row in range(period // 2):
            mirror = period - 1 - row
            total += (mirror - row) / 2.0 * (values[mirror : mirror + n_windows] - values[row : row + n_windows])
        slope[period - 1 :] = total / (period * (period * period - 1) / 12.0)
    return slope


def _middle(high: FloatArray, low: FloatArray, period: int) -> FloatArray:
    return (rolling_maximum(high, period) + rolling_minimum(low, period)) / 2.0


def _later(values: FloatArray, rows: int) -> FloatArray:
    later = np.full_like(values, np.nan)
    later[rows:] = values[: max(len(values) - rows, 0)]
    return later


def _recency_of_maximum(values: FloatArray, period: int) -> FloatArray:
    recency = np.full_like(values, np.nan)
    n_windows = len(values) - period
    if n_windows > 0:
        highest = values[:n_windows].copy()
        place = np.where(np.isnan(highest), np.nan, 0.0)
        for row in range(1, period + 1):
            candidates = values[row : row + n_windows]
            place[candidates >= highest] = row
            np.maximum(highest, candidates, out=highest)
        recency[period:] = 100.0 * place / period
    return recency
