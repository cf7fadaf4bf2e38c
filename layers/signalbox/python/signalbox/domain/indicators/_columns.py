"""What every indicator does around its sum: check the arguments, and run each symbol over its own present candles.

The sums themselves are written for columns that start in row 0 and have no hole. A shard is not like that: a symbol
listed yesterday starts late, and an exchange's maintenance leaves holes. So a shard with missing candles is packed
(each symbol's present candles pushed up to row 0, NaN below), computed, and laid back; a clean one goes straight
through.
"""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar, cast

import numpy as np

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.market.candles import BoolArray, FloatArray, IntArray

P = ParamSpec("P")
R = TypeVar("R")


class PresentCandles:
    """Where each symbol of a shard has candles, and the way to a packed array and back.

    Parameters
    ----------
    present : (n_candles, n_symbols) bool array
        True where the symbol has a candle.

    Attributes
    ----------
    counts : (n_symbols,) int64 array
        Present candles of each symbol.
    """

    def __init__(self, present: BoolArray) -> None:
        self.shape = present.shape
        self.counts = present.sum(axis=0, dtype=np.int64)
        columns, rows = np.nonzero(present.T)
        ranks = np.arange(len(rows)) - np.repeat(np.cumsum(self.counts) - self.counts, self.counts)
        self._packed_shape = (int(self.counts.max(initial=0)), self.shape[1])
        self._at = rows * self.shape[1] + columns
        self._packed_at = ranks * self.shape[1] + columns

    def pack(self, values: FloatArray) -> FloatArray:
        """Return each symbol's present candles from row 0 on, NaN below; (largest count, n_symbols)."""
        return _moved(values, self._at, self._packed_at, self._packed_shape)

    def unpack(self, packed: FloatArray) -> FloatArray:
        """Return packed values at their candles again, NaN at the holes; (n_candles, n_symbols)."""
        return _moved(packed, self._packed_at, self._at, self.shape)


def _moved(values: FloatArray, source: IntArray, target: IntArray, shape: tuple[int, ...]) -> FloatArray:
    moved = np.full(shape, np.nan)
    moved.reshape(-1)[target] = np.ascontiguousarray(values).reshape(-1)[source]
    return moved


def present_candles(**columns: FloatArray) -> PresentCandles | None:
    """Check a shard's columns and say where its candles are.

    Returns
    -------
    PresentCandles or None
        None for a clean shard, in which every symbol has every candle. A candle is present where none of the columns
        is NaN.

    Raises
    ------
    InvalidValueError
        If a column is not a two-dimensional float64 array, differs in shape from the first, or holds an infinity.
    """
    first_name, shape = "", (0, 0)
    clean = True
    for name, values in columns.items():
        if not isinstance(values, np.ndarray) or values.ndim != 2 or values.dtype != np.float64:
            raise InvalidValueError(f"{name} must be a two-dimensional float64 array, was {_described(values)}")
        if first_name and values.shape != shape:
            raise InvalidValueError(f"{name} must have the shape {shape} of {first_name}, was {values.shape}")
        first_name, shape = first_name or name, values.shape
        if not np.isfinite(values).all():
            clean = False
            if np.isinf(values).any():
                row, column = np.argwhere(np.isinf(values))[0]
                raise InvalidValueError(
                    f"{name} must be finite, or NaN where there is no candle, was {values[row, column]} in row {row},"
                    f" column {column}"
                )
    if clean:
        return None
    return PresentCandles(~np.logical_or.reduce([np.isnan(values) for values in columns.values()]))


def _described(values: object) -> str:
    if isinstance(values, np.ndarray):
        return f"{values.ndim}-dimensional {values.dtype}"
    return type(values).__name__


def indicator(function: Callable[P, R]) -> Callable[P, R]:
    """Make a sum over gapless columns an indicator over a shard.

    The parameters of `function` that have no default are its columns, `(n_candles, n_symbols)` float64 arrays. They are
    checked, packed if a symbol lacks candles, and the result (one array or a named tuple of arrays, shaped like the
    columns) is laid back. For a symbol with missing candles the value at a present candle is therefore exactly that of
    the indicator over the symbol's present candles alone, and NaN where it has none. No numpy warning leaves.
    """
    signature = inspect.signature(function)
    names = [name for name, parameter in signature.parameters.items() if parameter.default is inspect.Parameter.empty]

    @wraps(function)
    def over_shard(*args: P.args, **kwargs: P.kwargs) -> R:
        arguments = signature.bind(*args, **kwargs)
        columns = {name: arguments.arguments[name] for name in names}
        candles = present_candles(**columns)
        with np.errstate(all="ignore"):
            if candles is None:
                return function(*args, **kwargs)
            arguments.arguments.update({name: candles.pack(values) for name, values in columns.items()})
            packed = function(*arguments.args, **arguments.kwargs)
        if isinstance(packed, np.ndarray):
            return cast(R, candles.unpack(packed))
        return type(packed)(*map(candles.unpack, cast(tuple[FloatArray, ...], packed)))

    return over_shard


def require_periods(at_least: int = 1, **periods: int) -> None:
    """Raise InvalidValueError unless every period is a whole number of at least `at_least` candles."""
    for name, period in periods.items():
        if isinstance(period, bool) or not isinstance(period, int | np.integer) or period < at_least:
            raise InvalidValueError(f"{name} must be a whole number of at least {at_least}, was {period!r}")


def require_multiplier(multiplier: float) -> None:
    """Raise InvalidValueError unless the multiplier is positive and finite."""
    if not (np.isfinite(multiplier) and multiplier > 0):
        raise InvalidValueError(f"multiplier must be positive and finite, was {multiplier!r}")
