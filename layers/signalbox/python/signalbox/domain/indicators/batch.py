"""The fast path: eleven indicators of a whole shard in one go, in memory that is kept from shard to shard.

Stages: the inputs of eleven recursions are written side by side, one loop over time runs them all and, a block of rows
behind, the two that need the first's results, and windows are summed by doubling (see `_rolling`). The plain functions
give the same lines one by one; this is for the worker that needs them all every turn.

Two arrays are compared or multiplied faster than an array and a scalar zero or a mask, and `out` spares the page faults
of fresh memory; where the code looks roundabout, it is for that.
"""

import numpy as np

from signalbox.domain.indicators._candles import ratio_or_zero
from signalbox.domain.indicators._columns import present_candles
from signalbox.domain.indicators._lanes import (
    AVERAGE_PERIOD,
    FIRST_STAGE,
    LANES,
    PERIOD,
    SECOND_STAGE,
    SUPERTREND_PERIOD,
    Lanes,
)
from signalbox.domain.indicators._recursion import last_break_was_up, ratchet_rows
from signalbox.domain.indicators._rolling import quick_moments, rolling_maximum, rolling_minimum, rolling_sum
from signalbox.domain.indicators.lines import WARM_UPS, IndicatorLines
from signalbox.domain.market.candles import FloatArray, IntArray

SUPERTREND_MULTIPLIER = 3.0
BOLLINGER_MULTIPLIER = 2.0
VWAP_PERIOD = 24

# Lines that are made where a lane stands, once nothing else needs the lane.
_IN_LANES = {
    "exponential_moving_average": "average",
    "relative_strength_index": "gain",
    "macd": "fast",
    "macd_signal": "signal",
    "macd_histogram": "slow",
    "average_true_range": "range",
    "average_directional_index": "index",
    "plus_di": "plus",
    "minus_di": "minus",
    "on_balance_volume": "on_balance",
}


class IndicatorBatch:
    """Compute `IndicatorLines` for shard after shard. Make one per worker and keep it; it is not for two threads."""

    def __init__(self) -> None:
        self._shape = (-1, -1)

    def compute(self, high: FloatArray, low: FloatArray, close: FloatArray, volume: FloatArray) -> IndicatorLines:
        """Return the eleven indicators of a shard.

        Parameters
        ----------
        high, low, close : (n_candles, n_symbols) float64 arrays
            Prices in quote currency, oldest first; NaN where a symbol has no candle.
        volume : (n_candles, n_symbols) float64 array
            Base currency.

        Returns
        -------
        IndicatorLines
            Arrays of (n_candles, n_symbols), NaN in a line's warm-up and where a symbol has no candle (the same rule as
            every plain indicator's). They are this object's memory: copy what must outlive the next call.

        Raises
        ------
        InvalidValueError
            If a column is not a two-dimensional float64 array without infinities, or the columns differ in shape.
        """
        candles = present_candles(high=high, low=low, close=close, volume=volume)
        if candles is None:
            self.columns = (high, low, close, volume)
            self.counts: IntArray = np.full(close.shape[1], len(close), dtype=np.int64)
        else:
            high, low, close, volume = (candles.pack(values) for values in (high, low, close, volume))
            self.columns = (high, low, close, volume)
            self.counts = candles.counts
        self._last_rows = np.maximum(self.counts - 1, 0)
        self._make_room((close.shape[0], close.shape[1]))
        with np.errstate(all="ignore"):
            lines = self._lines(high, low, close, volume)
        if candles is None:
            return lines
        return IndicatorLines(*map(candles.unpack, lines))

    def recursions(self) -> FloatArray:
        """Return every recursion's value at each symbol's last present candle in the last shard computed.

        Returns
        -------
        (15, n_symbols) float64 array
            The lanes of both stages, then the lower and the negated upper Supertrend band. Meaningless for a symbol
            within its warm-up.
        """
        return self._recursions

    def last_direction(self) -> FloatArray:
        """Return the Supertrend's direction at each symbol's last present candle; (n_symbols,), NaN in its warm-up."""
        return self._out["supertrend_direction"][self._last_rows, np.arange(len(self.counts))]

    def _make_room(self, shape: tuple[int, int]) -> None:
        if shape == self._shape:
            return
        self._shape = shape
        n_candles, n_symbols = shape
        self._lanes = Lanes(shape)
        self._out: dict[str, FloatArray] = {name: self._lanes[lane] for name, lane in _IN_LANES.items()}
        self._out |= {name: np.empty(shape) for name in IndicatorLines._fields if name not in _IN_LANES}
        self._scratch = [np.empty(shape) for _ in range(8)]
        self._zeros, self._flags = np.zeros(shape), np.empty(shape, dtype=np.bool_)
        # The lower band and the negated upper one, and the close and the negated close, side by side in each row.
        self._bands, self._closes = np.empty((n_candles, 2, n_symbols)), np.empty((n_candles, 2, n_symbols))
        self._broken = np.empty((n_candles, 2, n_symbols), dtype=np.bool_)
        wide = (n_candles, 2 * n_symbols)
        self._band_rows = list(self._bands.reshape(wide)[SUPERTREND_PERIOD:])
        self._close_rows = list(self._closes.reshape(wide)[SUPERTREND_PERIOD:])

    def _lines(self, high: FloatArray, low: FloatArray, close: FloatArray, volume: FloatArray) -> IndicatorLines:
        self._write_first_stage(high, low, close, volume)
        self._lanes.run(self._write_second_stage)
        self._advance_bands(high, low, close)
        self._keep_recursions()
        self._lanes_into_lines()
        self._supertrend()
        self._bollinger(close)
        self._volume_weighted_price(high, low, close, volume)
        self._realised_volatility(close)
        out = self._out
        rolling_maximum(high, AVERAGE_PERIOD, out["donchian_upper"], self._scratch)
        rolling_minimum(low, AVERAGE_PERIOD, out["donchian_lower"], self._scratch)
        lines = IndicatorLines(**out)
        for line, warm_up in zip(lines, WARM_UPS, strict=True):
            line[:warm_up] = np.nan
        return lines

    def _write_first_stage(self, high: FloatArray, low: FloatArray, close: FloatArray, volume: FloatArray) -> None:
        lanes, zeros, flags = self._lanes, self._zeros[1:], self._flags[1:]
        one, other = self._scratch[0][1:], self._scratch[1][1:]
        for name in ("average", "fast", "slow"):
            np.multiply(close, FIRST_STAGE[name].weight, out=lanes[name])

        change = np.subtract(close[1:], close[:-1], out=one)
        np.maximum(change, zeros, out=lanes["gain"][1:])
        np.abs(change, out=lanes["change"][1:])
        on_balance = lanes["on_balance"]
        np.copyto(on_balance[:1], volume[:1])
        np.multiply(np.sign(change, out=on_balance[1:]), volume[1:], out=on_balance[1:])

        ranges = np.maximum(high[1:], close[:-1], out=lanes["range"][1:])
        np.subtract(ranges, np.minimum(low[1:], close[:-1], out=one), out=ranges)
        for name in ("supertrend_range", "directional_range"):
            np.copyto(lanes[name][1:], ranges)

        rise, fall = np.subtract(high[1:], high[:-1], out=one), np.subtract(low[:-1], low[1:], out=other)
        for name, reach, against in (("plus", rise, fall), ("minus", fall, rise)):
            movement = np.maximum(reach, zeros, out=lanes[name][1:])
            np.multiply(movement, np.greater(reach, against, out=flags), out=movement)

    def _write_second_stage(self, rows: slice) -> None:
        lanes, one, other = self._lanes, self._scratch[0][rows], self._scratch[1][rows]
        macd = np.subtract(lanes["fast"][rows], lanes["slow"][rows], out=one)
        np.multiply(macd, SECOND_STAGE["signal"].weight, out=lanes["signal"][rows])
        plus, minus = lanes["plus"][rows], lanes["minus"][rows]
        gap = np.subtract(plus, minus, out=one)
        np.abs(gap, out=gap)
        ratio_or_zero(gap, np.add(plus, minus, out=other), out=lanes["index"][rows])

    def _keep_recursions(self) -> None:
        """Keep what `recursions` returns, before the lanes become lines."""
        if not self._shape[0]:
            self._recursions = np.zeros((len(LANES) + 2, self._shape[1]))
            return
        bands = self._bands[self._last_rows, :, np.arange(self._shape[1])]
        self._recursions = np.concatenate([self._lanes.at(self._last_rows), bands.T])

    def _lanes_into_lines(self) -> None:
        """Turn the lanes' values into lines where they stand."""
        lanes = self._lanes
        macd = np.subtract(lanes["fast"], lanes["slow"], out=lanes["fast"])
        np.subtract(macd, lanes["signal"], out=lanes["slow"])
        np.multiply(lanes["range"], 1.0 / PERIOD, out=lanes["range"])
        np.multiply(lanes["index"], 100.0 / PERIOD, out=lanes["index"])
        for part, whole in (("gain", "change"), ("plus", "directional_range"), ("minus", "directional_range")):
            share = ratio_or_zero(lanes[part][PERIOD:], lanes[whole][PERIOD:], out=lanes[part][PERIOD:])
            np.multiply(share, 100.0, out=share)

    def _advance_bands(self, high: FloatArray, low: FloatArray, close: FloatArray) -> None:
        middle = np.add(high, low, out=self._scratch[0])
        np.multiply(middle, 0.5, out=middle)
        factor = -SUPERTREND_MULTIPLIER / SUPERTREND_PERIOD
        reach = np.multiply(self._lanes["supertrend_range"], factor, out=self._scratch[1])
        np.add(reach, middle, out=self._bands[:, 0])
        np.subtract(reach, middle, out=self._bands[:, 1])
        np.copyto(self._closes[:, 0], close)
        np.negative(close, out=self._closes[:, 1])
        ratchet_rows(self._band_rows, self._close_rows)

    def _supertrend(self) -> None:
        broken = np.less(self._closes, self._bands, out=self._broken)
        broken[:SUPERTREND_PERIOD] = False
        direction = last_break_was_up(above=broken[:, 1], below=broken[:, 0])
        np.copyto(self._out["supertrend_direction"], direction)
        upper = np.negative(self._bands[:, 1], out=self._scratch[0])
        is_up = np.greater(direction, 0, out=self._flags)
        self._out["supertrend"] = np.where(is_up, self._bands[:, 0], upper)

    def _bollinger(self, close: FloatArray) -> None:
        out = self._out
        middle, reach, offset = out["bollinger_middle"], self._scratch[6], out["bollinger_upper"]
        # Measured from a symbol's first close, the squares of prices keep the digits that tell them apart.
        np.subtract(close, close[:1], out=offset)
        rolling_sum(offset, AVERAGE_PERIOD, middle, self._scratch)
        quick_moments(offset, AVERAGE_PERIOD, (middle, reach), self._scratch)
        np.multiply(middle, 1.0 / AVERAGE_PERIOD, out=middle)
        np.add(middle, close[:1], out=middle)
        np.multiply(reach, BOLLINGER_MULTIPLIER**2 / AVERAGE_PERIOD, out=reach)
        np.sqrt(reach, out=reach)
        np.add(middle, reach, out=out["bollinger_upper"])
        np.subtract(middle, reach, out=out["bollinger_lower"])

    def _volume_weighted_price(self, high: FloatArray, low: FloatArray, close: FloatArray, volume: FloatArray) -> None:
        money, traded, line = self._scratch[5], self._scratch[6], self._out["volume_weighted_average_price"]
        np.add(high, low, out=money)
        np.add(money, close, out=money)
        np.multiply(money, volume, out=money)
        rolling_sum(money, VWAP_PERIOD, line, self._scratch)
        rolling_sum(volume, VWAP_PERIOD, traded, self._scratch)
        np.multiply(traded, 3.0, out=traded)
        if not traded.all():
            traded[traded == 0.0] = np.nan
        np.divide(line, traded, out=line)

    def _realised_volatility(self, close: FloatArray) -> None:
        line, logs, returns = self._out["realised_volatility"], self._scratch[5], self._scratch[6]
        np.log(close, out=logs)
        not_prices = np.less_equal(close, 0.0, out=self._flags)
        if not_prices.any():
            logs[not_prices] = np.nan
        np.subtract(logs[1:], logs[:-1], out=returns[1:])
        # Neighbours differ without a rounding, so the sum of their differences is one difference.
        sums = self._scratch[7]
        np.subtract(logs[AVERAGE_PERIOD:], logs[:-AVERAGE_PERIOD], out=sums[AVERAGE_PERIOD:])
        spares = [spare[1:] for spare in self._scratch[:6]]
        quick_moments(returns[1:], AVERAGE_PERIOD, (sums[1:], line[1:]), spares)
        np.multiply(line, 1.0 / (AVERAGE_PERIOD - 1), out=line)
        np.sqrt(line, out=line)
