"""One candle through every recursion and window of grown symbols: the sums behind `carried`.

At a hundred symbols a numpy call costs more than its sum, so what can be is done in pairs: a low counts as a negated
high, an upper band as a negated lower one.

Lanes, each of (n_symbols,): 0 to 10 the first stage of `_lanes`, 11 and 12 its second, 13 the lower and 14 the negated
upper Supertrend band, 15 the Supertrend direction; of the last candle 16 the high, 17 the negated low, 18 the close,
19 the negated close and 20 the log of the close.
"""

from functools import lru_cache

import numpy as np

from signalbox.domain.indicators._candles import ratio_or_zero
from signalbox.domain.indicators._lanes import AVERAGE_PERIOD, FIRST_STAGE, SECOND_STAGE
from signalbox.domain.indicators.batch import BOLLINGER_MULTIPLIER, SUPERTREND_MULTIPLIER
from signalbox.domain.market.candles import FloatArray

N_LANES = 21


class _Factors:
    """Constants in the shape of the lanes they multiply, which spares numpy the broadcasting."""

    def __init__(self, n_symbols: int) -> None:
        def wide(*factors: float) -> FloatArray:
            return np.repeat(np.array(factors)[:, None], n_symbols, axis=1)

        first, second = FIRST_STAGE.values(), SECOND_STAGE.values()
        self.first_decays, self.first_weights = (
            wide(*(lane.decay for lane in first)),
            wide(*(lane.weight for lane in first)),
        )
        self.second_decays = wide(*(lane.decay for lane in second))
        # The directional index is a share of 1 in a step, and a percentage as a line.
        self.second_weights = wide(1.0, 100.0) * wide(*(lane.weight for lane in second))
        self.both_signs = wide(1.0, -1.0)
        self.half_signs = wide(0.5, -0.5)
        # From sums of squared deviations to the bands' reach (population) and the returns' deviation (sample).
        self.deviations = wide(BOLLINGER_MULTIPLIER**2 / AVERAGE_PERIOD, 1.0 / (AVERAGE_PERIOD - 1))


@lru_cache(maxsize=16)
def _factors(n_symbols: int) -> _Factors:
    return _Factors(n_symbols)


def last_candle_lanes(candle: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Return lanes 16 to 20 of a candle (high, low, close, volume); (5, n_symbols)."""
    n_symbols = candle.shape[1]
    lanes = np.empty((5, n_symbols)) if out is None else out
    signs = _factors(n_symbols).both_signs
    np.multiply(candle[:2], signs, out=lanes[:2])
    np.multiply(candle[2], signs, out=lanes[2:4])
    np.log(candle[2], out=lanes[4])
    return lanes


def advanced_lanes(lanes: FloatArray, candle: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the lanes, (21, n_symbols), one candle (high, low, close, volume) later.

    And, (4, n_symbols), the shares that their ratios are: strength index, +DI, -DI and directional index, 0 to 1.
    """
    factors = _factors(lanes.shape[1])
    after = np.empty_like(lanes)
    first = after[:11]
    last_candle_lanes(candle, out=after[16:])
    edges, closes, closes_before = after[16:18], after[18:20], lanes[18:20]

    first[:3] = candle[2]
    change = np.subtract(closes, closes_before)
    np.maximum(change, 0.0, out=first[3:5])
    reach = np.maximum(edges, closes_before)
    np.add(reach[0], reach[1], out=first[5:8])
    moved = np.subtract(edges, lanes[16:18], out=reach)
    np.multiply(np.maximum(moved, 0.0), moved > moved[::-1], out=first[8:10])
    np.multiply(np.sign(change[0]), candle[3], out=first[10])
    first *= factors.first_weights
    first += lanes[:11] * factors.first_decays

    shares = _shares(first)
    inputs = np.empty_like(change)
    np.subtract(first[1], first[2], out=inputs[0])
    inputs[1] = shares[3]
    inputs *= factors.second_weights
    np.multiply(lanes[11:13], factors.second_decays, out=after[11:13])
    after[11:13] += inputs

    bands = np.subtract(edges[0], edges[1]) * factors.half_signs
    bands -= SUPERTREND_MULTIPLIER * first[6]
    held = np.where(closes_before >= lanes[13:15], lanes[13:15], -np.inf)
    np.maximum(bands, held, out=after[13:15])
    fell, rose = closes < after[13:15]
    after[15] = lanes[15]
    after[15][fell] = -1.0
    after[15][rose] = 1.0
    return after, shares


def _shares(first: FloatArray) -> FloatArray:
    parts, wholes = np.empty((4, first.shape[1])), np.empty((4, first.shape[1]))
    parts[0], parts[1:3] = first[3], first[8:10]
    np.add(first[3], first[4], out=wholes[0])
    wholes[1:3] = first[7]
    np.abs(np.subtract(first[8], first[9], out=parts[3]), out=parts[3])
    np.add(first[8], first[9], out=wholes[3])
    return ratio_or_zero(parts, wholes, out=parts)


def window_rows(lanes: FloatArray, log_before: FloatArray, volume: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the last candle's row in the two rings: (close, log return, high, -low), and (price x volume, volume)."""
    prices, money = np.empty((4, len(volume))), np.empty((2, len(volume)))
    prices[0] = lanes[18]
    np.subtract(lanes[20], log_before, out=prices[1])
    prices[2:] = lanes[16:18]
    money[1] = volume
    total = np.subtract(lanes[16], lanes[17], out=money[0])
    total += lanes[18]
    total *= volume
    total *= 1.0 / 3.0
    return prices, money


def current_lines(lanes: FloatArray, shares: FloatArray, prices: FloatArray, money: FloatArray) -> FloatArray:
    """Return the nineteen lines, (19, n_symbols), at the candle that the lanes and rings have just taken in."""
    lines = np.empty((19, lanes.shape[1]))
    lines[0] = lanes[0]
    np.multiply(shares[0], 100.0, out=lines[1])
    np.subtract(lanes[1], lanes[2], out=lines[2])
    lines[3] = lanes[11]
    np.subtract(lines[2], lines[3], out=lines[4])
    lines[5] = lanes[5]

    middles = np.add.reduce(prices[:, :2])
    middles *= 1.0 / AVERAGE_PERIOD
    apart = prices[:, :2] - middles
    apart *= apart
    squares = np.add.reduce(apart)
    squares *= _factors(lanes.shape[1]).deviations
    reach, lines[18] = np.sqrt(squares, out=squares)
    np.add(middles[0], reach, out=lines[6])
    lines[7] = middles[0]
    np.subtract(middles[0], reach, out=lines[8])

    lines[9] = lanes[12]
    np.multiply(shares[1:3], 100.0, out=lines[10:12])
    traded = np.add.reduce(money)
    if not traded[1].all():
        traded[1][traded[1] == 0.0] = np.nan
    np.divide(traded[0], traded[1], out=lines[12])
    lines[13] = lanes[10]
    np.maximum.reduce(prices[:, 2:], out=lines[14:16])
    np.negative(lines[15], out=lines[15])
    lines[16] = np.where(lanes[15] > 0.0, lanes[13], -lanes[14])
    lines[17] = lanes[15]
    return lines
