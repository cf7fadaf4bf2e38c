"""The eleven indicators that every shard needs each turn, by name: what the batch and the carried state both give."""

from typing import NamedTuple

from signalbox.domain.market.candles import FloatArray


class IndicatorLines(NamedTuple):
    """Nineteen lines of eleven indicators with their usual lengths, each shaped like the candles they come from.

    Each line equals the plain function of its indicator with default parameters: see there for units, warm-up and NaN.
    """

    exponential_moving_average: FloatArray
    relative_strength_index: FloatArray
    macd: FloatArray
    macd_signal: FloatArray
    macd_histogram: FloatArray
    average_true_range: FloatArray
    bollinger_upper: FloatArray
    bollinger_middle: FloatArray
    bollinger_lower: FloatArray
    average_directional_index: FloatArray
    plus_di: FloatArray
    minus_di: FloatArray
    volume_weighted_average_price: FloatArray
    on_balance_volume: FloatArray
    donchian_upper: FloatArray
    donchian_lower: FloatArray
    supertrend: FloatArray
    supertrend_direction: FloatArray
    realised_volatility: FloatArray


# Candles of a symbol without a value, line by line.
WARM_UPS = (19, 14, 33, 33, 33, 14, 19, 19, 19, 27, 14, 14, 23, 0, 19, 19, 10, 10, 20)
