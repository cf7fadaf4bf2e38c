"""What a candle says beside its close: its true range, its typical price, its directional movement, and safe ratios."""

import numpy as np

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


def ratio_or_zero(numerator: FloatArray, denominator: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Return numerator / denominator, and 0 where the denominator is 0, as TA-Lib does."""
    ratio = np.divide(numerator, denominator, out=out)
    if not denominator.all():
        ratio[denominator == 0.0] = 0.0
    return ratio
