"""The fast path: eleven indicators of a whole shard in one go, in memory that is kept from shard to shard.

Stages: the inputs of eleven recursions are written side by side, one loop over time runs them all, a second loop runs
the two that need the first's results, and windows are summed by doubling (see `_rolling`). The plain functions give the
same lines one by one; this is for the worker that needs them all every turn.
"""

import numpy as np

from signalbox.domain.indicators._candles import ratio_or_zero, signed_volumes
from signalbox.domain.indicators._columns import present_candles
from signalbox.domain.indicators._lanes import (
    AVERAGE_PERIOD,
    FIRST_STAGE,
    PERIOD,
    SECOND_STAGE,
    SUPERTREND_PERIOD,
    Stage,
    one_after_another,
    side_by_side,
)
from signalbox.domain.indicators._recursion import break_type, last_break_was_up, ratchet
from signalbox.domain.indicators._rolling import quick_moments, rolling_maximum, rolling_minimum, rolling_sum
from signalbox.domain.indicators.lines import WARM_UPS, IndicatorLines
from signalbox.domain.market.candles import FloatArray, IntArray

SUPERTREND_MULTIPLIER = 3.0
BOLLINGER_MULTIPLIER = 2.0
VWAP_PERIOD = 24


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
        rows = np.maximum(self.counts - 1, 0)
        symbols = np.arange(len(rows))
        return np.concatenate([self._first.at(rows), self._second.at(rows), self._bands[:, rows, symbols]])

    def last_direction(self) -> FloatArray:
        """Return the Supertrend's direction at each symbol's last present candle; (n_symbols,), NaN in its warm-up."""
        return self._out["supertrend_direction"][np.maximum(self.counts - 1, 0), np.arange(len(self.counts))]

    def _make_room(self, shape: tuple[int, int]) -> None:
        if shape == self._shape:
            return
        self._shape = shape
        self._first, self._second = Stage(FIRST_STAGE, shape), Stage(SECOND_STAGE, shape)
        self._out: dict[str, FloatArray] = {name: np.empty(shape) for name in IndicatorLines._fields}
        self._scratch = [np.empty(shape) for _ in range(8)]
        self._bands, self._closes = np.empty((2, *shape)), np.empty((2, *shape))
        self._band_rows, self._close_rows = (np.empty((shape[0], 2 * shape[1])) for _ in range(2))
        self._broken = np.empty((2, *shape), dtype=np.bool_)
        self._codes = [np.empty(shape, dtype=break_type(shape[0])) for _ in range(2)]

    def _lines(self, high: FloatArray, low: FloatArray, close: FloatArray, volume: FloatArray) -> IndicatorLines:
        self._run_first_stage(high, low, close, volume)
        self._run_second_stage()
        self._strength_and_direction()
        self._bollinger(close)
        self._volume_weighted_price(high, low, close, volume)
        self._supertrend(high, low, close)
        self._realised_volatility(close)
        out, scratch = self._out, self._scratch
        rolling_maximum(high, AVERAGE_PERIOD, out["donchian_upper"], scratch)
        rolling_minimum(low, AVERAGE_PERIOD, out["donchian_lower"], scratch)
        lanes = {
            "exponential_moving_average": self._first["average"],
            "average_true_range": self._first["range"],
            "on_balance_volume": self._first["on_balance"],
            "macd_signal": self._second["signal"],
            "average_directional_index": self._second["index"],
        }
        lines = IndicatorLines(**(out | lanes))
        for line, warm_up in zip(lines, WARM_UPS, strict=True):
            line[:warm_up] = np.nan
        return lines

    def _run_first_stage(self, high: FloatArray, low: FloatArray, close: FloatArray, volume: FloatArray) -> None:
        lanes = self._first
        for name in ("average", "fast", "slow"):
            np.multiply(close, FIRST_STAGE[name].weight, out=lanes[name])

        gain, loss = lanes["gain"][1:], lanes["loss"][1:]
        np.subtract(close[1:], close[:-1], out=loss)
        np.multiply(loss, FIRST_STAGE["loss"].weight, out=loss)
        np.maximum(loss, 0.0, out=gain)
        np.subtract(gain, loss, out=loss)

        ranges, spare = lanes["range_sum"][1:], self._scratch[0][1:]
        np.maximum(high[1:], close[:-1], out=ranges)
        np.subtract(ranges, np.minimum(low[1:], close[:-1], out=spare), out=ranges)
        for name in ("range", "supertrend_range"):
            np.multiply(ranges, FIRST_STAGE[name].weight, out=lanes[name][1:])

        rise = np.subtract(high[1:], high[:-1], out=self._scratch[0][1:])
        fall = np.subtract(low[:-1], low[1:], out=self._scratch[1][1:])
        for name, reach, other in (("plus", rise, fall), ("minus", fall, rise)):
            np.maximum(reach, 0.0, out=lanes[name][1:])
            lanes[name][1:] *= np.greater(reach, other, out=self._broken[0, 1:])

        signed_volumes(close, volume, out=lanes["on_balance"])
        lanes.run()

    def _run_second_stage(self) -> None:
        first, second = self._first, self._second
        macd = np.subtract(first["fast"], first["slow"], out=self._out["macd"])
        np.multiply(macd, SECOND_STAGE["signal"].weight, out=second["signal"])

        total = np.add(first["plus"], first["minus"], out=self._scratch[0])
        gap = np.subtract(first["plus"], first["minus"], out=self._scratch[1])
        np.abs(gap, out=gap)
        index = ratio_or_zero(gap[PERIOD:], total[PERIOD:], out=second["index"][PERIOD:])
        np.multiply(index, 100.0 * SECOND_STAGE["index"].weight, out=index)
        second.run()
        np.subtract(macd, second["signal"], out=self._out["macd_histogram"])

    def _strength_and_direction(self) -> None:
        first, out = self._first, self._out
        total = np.add(first["gain"], first["loss"], out=self._scratch[0])
        for name, part, whole in (
            ("relative_strength_index", first["gain"], total),
            ("plus_di", first["plus"], first["range_sum"]),
            ("minus_di", first["minus"], first["range_sum"]),
        ):
            line = ratio_or_zero(part[PERIOD:], whole[PERIOD:], out=out[name][PERIOD:])
            np.multiply(line, 100.0, out=line)

    def _bollinger(self, close: FloatArray) -> None:
        out = self._out
        middle, reach, offset = out["bollinger_middle"], self._scratch[6], out["bollinger_upper"]
        # Measured from a symbol's first close, the squares of prices keep the digits that tell them apart.
        np.subtract(close, close[:1], out=offset)
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

    def _supertrend(self, high: FloatArray, low: FloatArray, close: FloatArray) -> None:
        lower, negated_upper = self._bands
        middle = np.add(high, low, out=self._scratch[0])
        np.multiply(middle, 0.5, out=middle)
        reach = np.multiply(self._first["supertrend_range"], SUPERTREND_MULTIPLIER, out=self._scratch[1])
        np.subtract(middle, reach, out=lower)
        np.negative(np.add(middle, reach, out=negated_upper), out=negated_upper)
        np.copyto(self._closes[0], close)
        np.negative(close, out=self._closes[1])
        side_by_side(self._bands, self._band_rows)
        side_by_side(self._closes, self._close_rows)
        ratchet(self._band_rows[SUPERTREND_PERIOD:], self._close_rows[SUPERTREND_PERIOD:])
        one_after_another(self._band_rows, self._bands)

        fell, rose = np.less(self._closes, self._bands, out=self._broken)
        self._broken[:, :SUPERTREND_PERIOD] = False
        up = last_break_was_up(rose, fell, *self._codes)
        direction, line = self._out["supertrend_direction"], self._out["supertrend"]
        np.multiply(up, 2.0, out=direction)
        np.subtract(direction, 1.0, out=direction)
        np.negative(negated_upper, out=line)
        np.copyto(line, lower, where=np.not_equal(up, 0, out=rose))

    def _realised_volatility(self, close: FloatArray) -> None:
        line, logs, returns = self._out["realised_volatility"], self._scratch[5], self._scratch[6]
        np.log(close, out=logs)
        not_prices = np.less_equal(close, 0.0, out=self._broken[0])
        if not_prices.any():
            logs[not_prices] = np.nan
        np.subtract(logs[1:], logs[:-1], out=returns[1:])
        sums = logs[1:]  # no longer needed for logs
        spares = [spare[1:] for spare in (*self._scratch[:5], self._scratch[7])]
        quick_moments(returns[1:], AVERAGE_PERIOD, (sums, line[1:]), spares)
        np.multiply(line, 1.0 / (AVERAGE_PERIOD - 1), out=line)
        np.sqrt(line, out=line)
