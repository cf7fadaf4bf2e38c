"""One candle through every recursion and window of grown symbols: the sums behind `carried`.

Lanes: 0 to 10 the first stage of `_lanes`, 11 and 12 its second, 13 the lower and 14 the negated upper Supertrend band,
15 the Supertrend direction, 16 to 18 the last high, low and close.
"""

import numpy as np

from signalbox.domain.indicators._candles import ratio_or_zero
from signalbox.domain.indicators._lanes import AVERAGE_PERIOD, FIRST_STAGE, SECOND_STAGE
from signalbox.domain.indicators.batch import BOLLINGER_MULTIPLIER, SUPERTREND_MULTIPLIER
from signalbox.domain.market.candles import FloatArray

_DECAYS = np.array([lane.decay for lane in FIRST_STAGE.values()])[:, None]
_WEIGHTS = np.array([lane.weight for lane in FIRST_STAGE.values()])[:, None]
_SIGNAL, _INDEX = SECOND_STAGE["signal"], SECOND_STAGE["index"]


def advanced_lanes(lanes: FloatArray, candle: FloatArray) -> FloatArray:
    """Return the lanes, (19, n_symbols), one candle (high, low, close, volume) later."""
    high, low, close, volume = candle
    high_before, low_before, close_before = lanes[16:]
    after = np.empty_like(lanes)
    first = after[:11]

    change = close - close_before
    first[:3] = close
    np.maximum(change, 0.0, out=first[3])
    np.subtract(first[3], change, out=first[4])
    first[5:8] = np.maximum(high, close_before) - np.minimum(low, close_before)
    reach = np.stack([high - high_before, low_before - low])
    first[8:10] = np.maximum(reach, 0.0) * (reach > reach[::-1])
    first[10] = np.sign(change) * volume
    first *= _WEIGHTS
    first += lanes[:11] * _DECAYS

    after[11] = lanes[11] * _SIGNAL.decay + (first[1] - first[2]) * _SIGNAL.weight
    plus, minus = first[8], first[9]
    index = ratio_or_zero(np.abs(plus - minus), plus + minus)
    after[12] = lanes[12] * _INDEX.decay + index * (100.0 * _INDEX.weight)

    closes = np.stack([close, -close])
    middle = (high + low) * 0.5
    bands = np.stack([middle, -middle]) - SUPERTREND_MULTIPLIER * first[6]
    before = lanes[13:15]
    held = np.where(np.stack([close_before, -close_before]) >= before, before, -np.inf)
    np.maximum(bands, held, out=after[13:15])
    fell, rose = closes < after[13:15]
    after[15] = np.where(rose, 1.0, np.where(fell, -1.0, lanes[15]))
    after[16:] = candle[:3]
    return after


def window_inputs(candle: FloatArray, close_before: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return a candle's row in the two rings: (close, log return, high, -low), and (typical price x volume, volume)."""
    high, low, close, volume = candle
    closes = np.stack([close, close_before])
    logs = np.log(np.where(closes > 0.0, closes, np.nan))
    typical = (high + low + close) / 3.0
    return np.stack([close, logs[0] - logs[1], high, -low]), np.stack([typical * volume, volume])


def windowed_lines(lanes: FloatArray, prices: FloatArray, money: FloatArray) -> FloatArray:
    """Return the nineteen lines, (19, n_symbols), at the candle that the lanes and rings have just taken in."""
    lines = np.empty((19, lanes.shape[1]))
    average, fast, slow, gain, loss, true_range, _, range_sum, plus, minus, on_balance = lanes[:11]
    lines[0] = average
    lines[1] = 100.0 * ratio_or_zero(gain, gain + loss)
    np.subtract(fast, slow, out=lines[2])
    lines[3] = lanes[11]
    np.subtract(lines[2], lines[3], out=lines[4])
    lines[5] = true_range

    middle = prices[:, :2].sum(axis=0) / AVERAGE_PERIOD
    apart = prices[:, :2] - middle
    squares = np.multiply(apart, apart, out=apart).sum(axis=0)
    reach = BOLLINGER_MULTIPLIER * np.sqrt(squares[0] / AVERAGE_PERIOD)
    np.add(middle[0], reach, out=lines[6])
    lines[7] = middle[0]
    np.subtract(middle[0], reach, out=lines[8])

    lines[9] = lanes[12]
    lines[10] = 100.0 * ratio_or_zero(plus, range_sum)
    lines[11] = 100.0 * ratio_or_zero(minus, range_sum)
    traded = money.sum(axis=0)
    lines[12] = traded[0] / np.where(traded[1] == 0.0, np.nan, traded[1])
    lines[13] = on_balance
    extremes = prices[:, 2:].max(axis=0)
    lines[14] = extremes[0]
    np.negative(extremes[1], out=lines[15])
    lines[16] = np.where(lanes[15] > 0.0, lanes[13], -lanes[14])
    lines[17] = lanes[15]
    lines[18] = np.sqrt(squares[1] / (AVERAGE_PERIOD - 1))
    return lines
