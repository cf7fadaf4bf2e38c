"""One candle through every recursion and window of grown symbols: the sums behind `carried`.

At a hundred symbols a numpy call costs more than its sum, so what can be is done in pairs: a low counts as a negated
high, an upper band as a negated lower one.

Lanes, each of (n_symbols,): 0 to 10 the first stage of `_lanes`, 11 and 12 its second, 13 the lower and 14 the negated
upper Supertrend band, 15 the Supertrend direction; of the last candle 16 the high, 17 the negated low, 18 the close,
19 the negated close and 20 the log of the close.

Columns of a window: 0 the close, 1 the log return, 2 the high, 3 the negated low, 4 (high + low + close) x volume and 5
the volume.
"""

from functools import lru_cache

import numpy as np

from signalbox.domain.indicators._lanes import AVERAGE_PERIOD, FIRST_STAGE, LANES, PERIOD, SUPERTREND_PERIOD
from signalbox.domain.indicators.batch import BOLLINGER_MULTIPLIER, SUPERTREND_MULTIPLIER, VWAP_PERIOD
from signalbox.domain.indicators.lines import IndicatorLines
from signalbox.domain.market.candles import FloatArray

N_LANES = 21
N_COLUMNS = 6
WINDOW = VWAP_PERIOD
"""Candles that a window holds: as many as the longest sum wants."""

TAPE_ROWS = 4 * WINDOW
"""After so many a tape is begun anew: few enough for the processor's cache."""

_RECENT = slice(WINDOW - AVERAGE_PERIOD, None)


class _Factors:
    """Constants in the shape of the lanes they multiply, which spares numpy the broadcasting."""

    def __init__(self, n_symbols: int) -> None:
        def wide(*factors: float) -> FloatArray:
            return np.repeat(np.array(factors)[:, None], n_symbols, axis=1)

        self.weights = wide(*(FIRST_STAGE[name].weight for name in ("average", "fast", "slow")))
        self.decays = wide(*(lane.decay for lane in LANES.values()))
        self.zeros = wide(0.0, 0.0, 0.0)
        # From high + low to the middle of the lower band, and of the negated upper one.
        self.halves = wide(0.5, -0.5)
        # From sums of squared deviations to the bands' reach (population) and the returns' deviation (sample).
        self.deviations = wide(BOLLINGER_MULTIPLIER**2 / AVERAGE_PERIOD, 1.0 / (AVERAGE_PERIOD - 1))


@lru_cache(maxsize=16)
def _factors(n_symbols: int) -> _Factors:
    return _Factors(n_symbols)


def last_candle_lanes(candle: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Return lanes 16 to 20 of a candle (high, low, close, volume); (5, n_symbols)."""
    lanes = np.empty((5, candle.shape[1])) if out is None else out
    lanes[:3:2] = candle[:3:2]
    np.negative(candle[1:3], lanes[1:4:2])
    np.log(candle[2], lanes[4])
    return lanes


def advanced_lanes(lanes: FloatArray, candle: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the lanes, (21, n_symbols), one candle (high, low, close, volume) later.

    And, (4, n_symbols), the shares that their ratios are: +DI, -DI, strength index and directional index, 0 to 1; and,
    (n_symbols,), high + low of the candle.
    """
    decays = _factors(lanes.shape[1]).decays
    after = np.empty_like(lanes)
    last_candle_lanes(candle, out=after[16:])
    inputs = _first_inputs(lanes, after, candle)
    np.multiply(lanes[:13], decays, after[:13])
    first, second = after[:11], after[11:13]
    np.add(first, inputs, first)
    shares = _shares(first)
    # The shares are the second stage's inputs too, from the directional index on.
    signal = np.subtract(first[1], first[2], shares[4])
    np.multiply(signal, LANES["signal"].weight, signal)
    np.add(second, shares[4:2:-1], second)
    both_ends = np.add(candle[0], candle[1])
    _advance_bands(lanes, after, both_ends)
    return after, shares[:4], both_ends


def _first_inputs(lanes: FloatArray, after: FloatArray, candle: FloatArray) -> FloatArray:
    """Return the weighted inputs of the first stage, (11, n_symbols); lanes 16 to 20 of `after` are there already."""
    factors = _factors(lanes.shape[1])
    inputs = np.empty((11, lanes.shape[1]))
    np.multiply(candle[2], factors.weights, inputs[:3])
    # How far the candle reaches beyond the one before, up and down, and how far its close moved.
    moved = np.subtract(after[16:19], lanes[16:19])
    rises = np.maximum(moved, factors.zeros, out=inputs[3:6])
    reaches, change = moved[:2], moved[2]
    # The rise beside the fall, and the other way round: only the larger of the two is a movement.
    np.putmask(rises[:2], reaches <= reaches[::-1], 0.0)
    np.abs(change, inputs[6])
    np.multiply(np.sign(change, change), candle[3], inputs[10])
    edges = np.maximum(after[16:18], lanes[18:20], out=reaches)
    inputs[7:10] = np.add(edges[0], edges[1], change)
    return inputs


def _advance_bands(lanes: FloatArray, after: FloatArray, both_ends: FloatArray) -> None:
    """Write lanes 13 to 15; the others of `after` are there already."""
    before, bands, direction = lanes[13:15], after[13:15], after[15]
    np.multiply(both_ends, _factors(lanes.shape[1]).halves, bands)
    np.subtract(bands, after[8] * (SUPERTREND_MULTIPLIER / SUPERTREND_PERIOD), bands)
    held = before.copy()
    np.putmask(held, lanes[18:20] < before, -np.inf)
    np.maximum(bands, held, out=bands)
    fell, rose = after[18:20] < bands
    direction[:] = lanes[15]
    np.putmask(direction, fell, -1.0)
    np.putmask(direction, rose, 1.0)


def _shares(first: FloatArray) -> FloatArray:
    """Return the two movements / range, gain / change, and the movements' gap / their sum; (5, n_symbols), one free."""
    shares = np.empty((5, first.shape[1]))
    plus, minus = first[3], first[4]
    np.divide(first[3:5], first[9], shares[:2])
    np.divide(first[5], first[6], shares[2])
    total = np.add(plus, minus, shares[4])
    index = np.subtract(plus, minus, shares[3])
    np.abs(index, index)
    np.divide(index, total, index)
    # A mean that is 0 is most often that of a symbol that has never moved: TA-Lib gives 0 there.
    if np.count_nonzero(total) < total.size or np.count_nonzero(first[6:10]) < 4 * total.size:
        shares[:2, first[9] == 0.0] = 0.0
        shares[2, first[6] == 0.0] = 0.0
        index[total == 0.0] = 0.0
    return shares


class Tape:
    """Rows of windows one after the other, (TAPE_ROWS, 6, n_symbols): each step adds one, and copies nothing.

    The window of a state is the `WINDOW` rows before its end. Who steps from a state first writes the row at its end,
    and who does so again begins a tape of their own, whose first row is theirs: a window never changes.
    """

    def __init__(self, window: FloatArray) -> None:
        self.rows = np.empty((TAPE_ROWS, *window.shape[1:]))
        self.rows[:WINDOW] = window
        self._free = set(range(WINDOW + 1, TAPE_ROWS))

    def claim(self, row: int) -> bool:
        """Return whether `row` is the caller's to write."""
        try:
            self._free.remove(row)
        except KeyError:
            return False
        return True

    def window(self, end: int) -> FloatArray:
        """Return the window before row `end`, (24, 6, n_symbols)."""
        return self.rows[end - WINDOW : end]


def write_row(
    row: FloatArray, lanes: FloatArray, *, log_before: FloatArray, both_ends: FloatArray, volume: FloatArray
) -> None:
    """Write a window's row, (6, n_symbols), of the candle that `lanes` have taken in."""
    row[0], row[2:4], row[5] = lanes[18], lanes[16:18], volume
    np.subtract(lanes[20], log_before, row[1])
    money = np.add(both_ends, lanes[18], row[4])
    np.multiply(money, volume, money)


def current_lines(lanes: FloatArray, shares: FloatArray, window: FloatArray) -> IndicatorLines:
    """Return the lines, (n_symbols,) each, at the candle that lanes and window have just taken in."""
    values = window[_RECENT, :2]
    means = np.add.reduce(values)
    means *= 1.0 / AVERAGE_PERIOD
    apart = values - means
    squares = np.einsum("rcs,rcs->cs", apart, apart)
    squares *= _factors(lanes.shape[1]).deviations
    reach, volatility = np.sqrt(squares, squares)
    middle, macd, macd_signal = means[0], lanes[1] - lanes[2], lanes[11]
    plus_di, minus_di, strength, _ = shares * 100.0
    money, volume = np.add.reduce(window[:, 4:])
    highest, lowest = np.maximum.reduce(window[_RECENT, 2:4])
    supertrend = np.negative(lanes[14])
    np.putmask(supertrend, lanes[15] > 0.0, lanes[13])
    return IndicatorLines(
        exponential_moving_average=lanes[0],
        relative_strength_index=strength,
        macd=macd,
        macd_signal=macd_signal,
        macd_histogram=macd - macd_signal,
        average_true_range=lanes[7] * (1.0 / PERIOD),
        bollinger_upper=middle + reach,
        bollinger_middle=middle,
        bollinger_lower=middle - reach,
        average_directional_index=lanes[12] * (100.0 / PERIOD),
        plus_di=plus_di,
        minus_di=minus_di,
        # Without any volume the money is 0 too, and their ratio NaN.
        volume_weighted_average_price=money / (3.0 * volume),
        on_balance_volume=lanes[10],
        donchian_upper=highest,
        donchian_lower=-lowest,
        supertrend=supertrend,
        supertrend_direction=lanes[15],
        realised_volatility=volatility,
    )
