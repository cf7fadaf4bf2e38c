"""What a strategy sees: the candles of a shard, and every indicator of them computed once."""

from collections.abc import Callable, Hashable
from copy import copy
from functools import cached_property
from typing import Any, TypeVar, cast

import numpy as np

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.indicators.trend import average_directional_index
from signalbox.domain.indicators.volatility import average_true_range
from signalbox.domain.indicators.windows import percentile_rank
from signalbox.domain.market.candles import BoolArray, CandleGrid, FloatArray, IntArray
from signalbox.domain.regimes.classification import PERCENTILE_WINDOW, TREND_PERIOD, direction_of, volatility_of
from signalbox.domain.regimes.regime import Regimes

Result = TypeVar("Result")


class Columns:
    """Prices and volume as (n_candles, n_symbols) float64 arrays, with a memory of what was computed of them."""

    def __init__(
        self, open_: FloatArray, high: FloatArray, low: FloatArray, close: FloatArray, volume: FloatArray
    ) -> None:
        self.open = open_
        self.high = high
        self.low = low
        self.close = close
        self.volume = volume
        self._memory: dict[Hashable, Any] = {}

    def indicator(self, function: Callable[..., Result], *columns: str, **parameters: float) -> Result:
        """Return `function(*columns, **parameters)`, computed on the first call with these arguments.

        Parameters
        ----------
        function : callable
            One of `domain.indicators`.
        *columns : str
            Names of the columns that it takes, in its order: `"high", "low", "close"`.
        **parameters : float
            Its other arguments, by name.
        """
        return self.remember(
            (function, columns, tuple(sorted(parameters.items()))),
            lambda: function(*(getattr(self, column) for column in columns), **parameters),
        )

    def remember(self, key: Hashable, compute: Callable[[], Result]) -> Result:
        """Return `compute()`, called once per `key`. Division by zero inside it gives NaN or infinity, silently."""
        if key not in self._memory:
            with np.errstate(all="ignore"):
                self._memory[key] = compute()
        return cast(Result, self._memory[key])


class MarketView(Columns):
    """The candles of a shard, their regimes, and their higher timeframes.

    Attributes
    ----------
    grid : CandleGrid
        What it wraps; `open`, `high`, `low`, `close` and `volume` are its columns.
    present : (n_candles, n_symbols) bool array
        Where a symbol has a candle.
    """

    def __init__(self, grid: CandleGrid) -> None:
        super().__init__(grid.open, grid.high, grid.low, grid.close, grid.volume)
        self.grid = grid
        self.present: BoolArray = grid.present
        self._higher: dict[int, HigherView] = {}

    @cached_property
    def atr(self) -> FloatArray:
        """(n_candles, n_symbols): the average true range (14), quote currency; the unit of all levels."""
        return self.indicator(average_true_range, "high", "low", "close", period=TREND_PERIOD)

    @cached_property
    def atr_percentile(self) -> FloatArray:
        """(n_candles, n_symbols): where the ATR stands among its own recent past, 0..100."""
        return percentile_rank(self.atr, PERCENTILE_WINDOW)

    @cached_property
    def regimes(self) -> Regimes:
        """The regime of every cell."""
        strength = self.indicator(average_directional_index, "high", "low", "close", period=TREND_PERIOD)
        return Regimes(direction_of(*strength), volatility_of(self.atr_percentile))

    def higher(self, factor: int) -> "HigherView":
        """Return the candles of the timeframe that is `factor` times as long, made on the first call."""
        if factor not in self._higher:
            self._higher[factor] = HigherView(self.grid, factor)
        return self._higher[factor]


class TailView(MarketView):
    """The last rows of a view: what is new is decided there, and not again for every candle long decided.

    Indicators, regimes and longer candles are those of the whole view, computed over all its rows and only then cut: a
    tail shows the same numbers as the view's last rows, to the last bit.

    Parameters
    ----------
    whole : MarketView
        The view.
    start : int
        Its first row that the tail shows.
    """

    def __init__(self, whole: MarketView, start: int) -> None:
        super().__init__(whole.grid.rows(start, len(whole.grid.times)))
        self._whole = whole
        self._start = start

    def indicator(self, function: Callable[..., Result], *columns: str, **parameters: float) -> Result:
        """Return the last rows of `function(*columns, **parameters)` over the whole view's columns."""
        found = self._whole.indicator(function, *columns, **parameters)
        if isinstance(found, tuple):
            return cast(Result, type(found)(*(line[self._start :] for line in found)))
        return cast(Result, cast(FloatArray, found)[self._start :])

    @cached_property
    def atr_percentile(self) -> FloatArray:
        """(n_candles, n_symbols): the last rows of the whole view's."""
        return self._whole.atr_percentile[self._start :]

    @cached_property
    def regimes(self) -> Regimes:
        """The regime of every cell; the whole view's."""
        found = self._whole.regimes
        return Regimes(found.direction[self._start :], found.volatility[self._start :])

    def higher(self, factor: int) -> "HigherView":
        """Return the longer candles of the whole view, which `spread` lays over the rows of this one."""
        if factor not in self._higher:
            longer = copy(self._whole.higher(factor))
            longer.closed_rows = longer.closed_rows[self._start :]
            self._higher[factor] = longer
        return self._higher[factor]


class HigherView(Columns):
    """Candles of a longer timeframe, made of those of a grid.

    They are aligned to the epoch, as an exchange's are, and begin with the first whole one, so that the same candle
    comes out of every window that holds it. A hole in the grid is left out of its candle; a candle of nothing but holes
    is a hole. `closed_rows` names, for each row of the grid, the newest candle closed by that row's own close, or -1:
    `spread` uses it, so that no row sees a longer candle before it is over.
    """

    def __init__(self, grid: CandleGrid, factor: int) -> None:
        if factor < 2:
            raise InvalidValueError(f"factor must be at least 2, was {factor}")
        step = grid.timeframe.milliseconds
        numbers = grid.times // (step * factor)
        places = (grid.times // step) % factor
        whole = np.flatnonzero(places == 0)
        start = int(whole[0]) if len(whole) else len(places)
        count = (len(places) - start) // factor
        shape = (count, factor, len(grid.symbols))
        used = slice(start, start + count * factor)
        cut = {name: getattr(grid, name)[used].reshape(shape) for name in ("open", "high", "low", "close", "volume")}
        holes = np.isnan(cut["close"]).all(axis=1)
        volume = np.where(holes, np.nan, np.nan_to_num(cut["volume"]).sum(axis=1))
        super().__init__(
            _first(cut["open"]),
            np.fmax.reduce(cut["high"], axis=1),
            np.fmin.reduce(cut["low"], axis=1),
            _first(cut["close"][:, ::-1]),
            volume,
        )
        first_number = int(numbers[start]) if count else 0
        self.closed_rows: IntArray = np.minimum(numbers - first_number - (places != factor - 1), count - 1)
        self.closed_rows[numbers < first_number] = -1

    def spread(self, values: FloatArray) -> FloatArray:
        """Return a (n_candles, n_symbols) array of the grid from one of this view: at each row the value of the newest
        longer candle that was closed by then, NaN before the first.
        """
        padded = np.concatenate([np.full((1, values.shape[1]), np.nan), values])
        return padded[self.closed_rows + 1]


def _first(values: FloatArray) -> FloatArray:
    """Return the first value along axis 1 that is no NaN, or NaN."""
    at = np.argmax(~np.isnan(values), axis=1)
    return np.take_along_axis(values, at[:, None], axis=1)[:, 0]
