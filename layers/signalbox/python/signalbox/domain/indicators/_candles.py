"""What several indicators need of candles, for columns without holes."""

import numpy as np

from signalbox.domain.indicators._recursion import wilder_mean
from signalbox.domain.market.candles import FloatArray


def true_ranges(high: FloatArray, low: FloatArray, close: FloatArray) -> FloatArray:
    """Return high - low with the close before counted as part of the candle; NaN in row 0."""
    ranges = np.full_like(close, np.nan)
    np.maximum(high[1:], close[:-1], out=ranges[1:])
    ranges[1:] -= np.minimum(low[1:], close[:-1])
    return ranges


def typical_prices(high: FloatArray, low: FloatArray, close: FloatArray) -> FloatArray:
    """Return (high + low + close) / 3."""
    return (high + low + close) / 3.0


def directional_movements(high: FloatArray, low: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return how far each candle reaches beyond the one before, up and down; the smaller is 0; NaN in row 0."""
    up, down = np.full_like(high, np.nan), np.full_like(low, np.nan)
    rise, fall = high[1:] - high[:-1], low[:-1] - low[1:]
    np.multiply(rise, (rise > fall) & (rise > 0), out=up[1:])
    np.multiply(fall, (fall > rise) & (fall > 0), out=down[1:])
    return up, down


def signed_volumes(close: FloatArray, volume: FloatArray) -> FloatArray:
    """Return the volume, negated where the close fell and 0 where it stayed; row 0 as it is."""
    signed = volume.copy()
    signed[1:] *= np.sign(close[1:] - close[:-1])
    return signed


def strength_indices(close: FloatArray, period: int) -> FloatArray:
    """Return Wilder's relative strength index; NaN in the first `period` rows."""
    changes = np.full_like(close, np.nan)
    np.subtract(close[1:], close[:-1], out=changes[1:])
    gain = wilder_mean(np.maximum(changes, 0.0), period, first=1)
    loss = wilder_mean(np.maximum(-changes, 0.0), period, first=1)
    return 100.0 * ratio_or_zero(gain, gain + loss)


def ratio_or_zero(numerator: FloatArray, denominator: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Return numerator / denominator, and 0 where the denominator is 0, as TA-Lib does."""
    ratio = np.divide(numerator, denominator, out=out)
    if not denominator.all():
        ratio[denominator == 0.0] = 0.0
    return ratio
