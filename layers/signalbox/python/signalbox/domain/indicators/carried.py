"""The eleven indicators one candle further, for the price of one candle instead of the whole window.

What is carried belongs to a symbol, never to a shard: symbols can be taken out of one state and merged into another. A
symbol's first candles are kept whole, and the batch runs over them until every recursion is seeded; from then on the
recursions and the last candles of each window are all there is. No state is ever changed: a step gives a new one.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.indicators._step import (
    N_COLUMNS,
    N_LANES,
    WINDOW,
    Tape,
    advanced_lanes,
    current_lines,
    last_candle_lanes,
    write_row,
)
from signalbox.domain.indicators.batch import IndicatorBatch
from signalbox.domain.indicators.lines import IndicatorLines
from signalbox.domain.market.candles import FloatArray, IntArray

# The longest warm-up is 33 candles: by then every recursion is seeded and every window full.
GROWN = 40
COLUMNS = ("high", "low", "close", "volume")
N_LINES = len(IndicatorLines._fields)


class CarriedState(NamedTuple):
    """What the indicators of some symbols must remember of their past.

    Attributes
    ----------
    symbols : tuple of str
        One per column.
    counts : (n_symbols,) int64 array
        Candles seen of each symbol.
    lanes : (21, n_symbols) float64 array
        The recursions, see `_step`.
    window : (24, 6, n_symbols) float64 array
        What the windows sum up of the last candles, the newest in the last row, see `_step`.
    beginnings : (40, 4, n_symbols) float64 array
        High, low, close and volume of the first candles of a symbol that has fewer than 40; NaN for a grown one.
    tape : Tape, optional
        Where the window lies, and the next will; `end` is its row after the window. Only a state of grown symbols alone
        has one.
    """

    symbols: tuple[str, ...]
    counts: IntArray
    lanes: FloatArray
    window: FloatArray
    beginnings: FloatArray
    tape: Tape | None = None
    end: int = 0

    def select(self, symbols: Sequence[str]) -> "CarriedState":
        """Return the state of some of the symbols, in the order given.

        Raises
        ------
        InvalidValueError
            If a symbol is not in this state.
        """
        at = {symbol: column for column, symbol in enumerate(self.symbols)}
        unknown = [symbol for symbol in symbols if symbol not in at]
        if unknown:
            raise InvalidValueError(f"symbols must be among the {len(at)} carried ones, found {unknown}")
        return self.columns(np.array([at[symbol] for symbol in symbols], dtype=np.int64))

    def columns(self, at: IntArray) -> "CarriedState":
        """Return the state of the symbols in columns `at`."""
        return _of(tuple(self.symbols[column] for column in at), [array[..., at] for array in self.arrays()])

    def arrays(self) -> tuple[NDArray[Any], ...]:
        """Return every array, symbols along the last axis."""
        return self[1:5]


def _of(symbols: tuple[str, ...], arrays: Sequence[NDArray[Any]]) -> CarriedState:
    counts, lanes, window, beginnings = arrays
    return CarriedState(symbols, counts, lanes, window, beginnings)


def merge(states: Sequence[CarriedState]) -> CarriedState:
    """Return one state with the symbols of all, in their order.

    Raises
    ------
    InvalidValueError
        If there is no state, or a symbol stands in two of them.
    """
    if not states:
        raise InvalidValueError("states must hold at least one state, was empty")
    symbols = tuple(symbol for state in states for symbol in state.symbols)
    _require_distinct(symbols)
    joined = [np.concatenate(arrays, axis=-1) for arrays in zip(*(state.arrays() for state in states), strict=True)]
    return _of(symbols, joined)


def start(  # noqa: PLR0913 - the names and the four columns of a shard, and the workspace to use
    symbols: Sequence[str],
    high: FloatArray,
    low: FloatArray,
    close: FloatArray,
    volume: FloatArray,
    *,
    batch: IndicatorBatch | None = None,
) -> CarriedState:
    """Return the state after a batch of candles.

    Parameters
    ----------
    symbols : sequence of str
        One per column, all different.
    high, low, close, volume : (n_candles, n_symbols) float64 arrays
        As for `IndicatorBatch.compute`; NaN where a symbol has no candle, which may be everywhere.
    batch : IndicatorBatch, optional
        The worker's workspace; one of its own by default.

    Raises
    ------
    InvalidValueError
        If the columns are not as `IndicatorBatch.compute` expects, or `symbols` does not name each of them once.
    """
    _require_distinct(symbols)
    if np.ndim(close) == 2 and len(symbols) != close.shape[1]:
        raise InvalidValueError(f"symbols must name all {close.shape[1]} columns, named {len(symbols)}")
    batch = batch or IndicatorBatch()
    batch.compute(high, low, close, volume)
    counts, n_symbols = batch.counts, len(symbols)
    state = CarriedState(
        tuple(symbols),
        counts.copy(),
        np.full((N_LANES, n_symbols), np.nan),
        np.full((WINDOW, N_COLUMNS, n_symbols), np.nan),
        np.full((GROWN, 4, n_symbols), np.nan),
    )
    candles = np.stack(batch.columns, axis=1)
    if len(candles):
        _remember(state, candles, batch)
    return state


def _remember(state: CarriedState, candles: FloatArray, batch: IndicatorBatch) -> None:
    """Fill a new state from packed candles, (n_candles, 4, n_symbols), and the batch that has just run over them."""
    every = np.arange(len(state.symbols))
    last = np.maximum(state.counts - 1, 0)
    state.lanes[:15] = batch.recursions()
    state.lanes[15] = batch.last_direction()
    high, low, close, volume = candles.transpose(1, 0, 2)
    with np.errstate(all="ignore"):
        state.lanes[16:] = last_candle_lanes(candles[last, :, every].T)
        logs = np.log(close)
        returns = np.concatenate([np.full((1, len(every)), np.nan), logs[1:] - logs[:-1]])
        money = (high + low + close) * volume
    rows = state.counts - WINDOW + np.arange(WINDOW)[:, None]
    values = np.stack((close, returns, high, -low, money, volume), axis=-1)[np.maximum(rows, 0), every]
    state.window[:] = np.where((rows < 0)[..., None], np.nan, values).transpose(0, 2, 1)
    young = np.flatnonzero(state.counts < GROWN)
    rows_kept = min(GROWN, len(candles))
    state.beginnings[:rows_kept, :, young] = candles[:rows_kept][:, :, young]


def step(
    state: CarriedState, high: FloatArray, low: FloatArray, close: FloatArray, volume: FloatArray
) -> tuple[CarriedState, IndicatorLines]:
    """Return the state one candle later, and the indicators at that candle.

    Parameters
    ----------
    state : CarriedState
        The past of the symbols; it is not changed.
    high, low, close, volume : (n_symbols,) float64 arrays
        The candle of each symbol, in the order of `state.symbols`; NaN where a symbol has none. Such a symbol keeps its
        state, and its lines are NaN.

    Returns
    -------
    tuple of CarriedState and IndicatorLines
        The lines have shape (n_symbols,), and equal the last row of a batch over all candles seen. Some of them are
        memory of the new state: read them, and copy what is to be changed.

    Raises
    ------
    InvalidValueError
        If a column has another shape or holds an infinity.
    """
    if not state.counts.shape == high.shape == low.shape == close.shape == volume.shape:
        _refuse_shapes(state.counts.shape, (high, low, close, volume))
    candle = np.array((high, low, close, volume), dtype=np.float64)
    with np.errstate(all="ignore"):
        all_grown = state.tape is not None or not np.count_nonzero(state.counts < GROWN)
        if all_grown and np.count_nonzero(np.isfinite(candle)) == candle.size:
            return _advance(state, candle)
        return _advance_some(state, candle)


def _refuse_shapes(wanted: tuple[int, ...], columns: Sequence[FloatArray]) -> NoReturn:
    name, found = next((name, v.shape) for name, v in zip(COLUMNS, columns, strict=True) if v.shape != wanted)
    raise InvalidValueError(f"{name} must have shape {wanted}, was {found}")


def _advance_some(state: CarriedState, candle: FloatArray) -> tuple[CarriedState, IndicatorLines]:
    """Move those symbols one candle on that have one, each by what its age wants."""
    if np.isinf(candle).any():
        row, at_infinity = np.argwhere(np.isinf(candle))[0]
        raise InvalidValueError(f"{COLUMNS[row]} must be finite (or NaN), was inf in column {at_infinity}")
    present, grown = ~np.isnan(candle).any(axis=0), state.counts >= GROWN
    after = _of(state.symbols, [array.copy() for array in state.arrays()])
    lines = np.full((N_LINES, len(state.symbols)), np.nan)
    for chosen, move in ((present & grown, _advance), (present & ~grown, _grow)):
        at = np.flatnonzero(chosen)
        if len(at):
            part, lines[:, at] = move(state.columns(at), candle[:, at])
            for array, new in zip(after.arrays(), part.arrays(), strict=True):
                array[..., at] = new
    return after, IndicatorLines(*lines)


def _advance(state: CarriedState, candle: FloatArray) -> tuple[CarriedState, IndicatorLines]:
    """Move grown symbols one candle on."""
    lanes, shares, both_ends = advanced_lanes(state.lanes, candle)
    tape, end = state.tape, state.end
    if tape is None or not tape.claim(end):
        tape, end = Tape(state.window), WINDOW
    write_row(tape.rows[end], lanes, log_before=state.lanes[20], both_ends=both_ends, volume=candle[3])
    window = tape.window(end + 1)
    after = CarriedState(state.symbols, state.counts + 1, lanes, window, state.beginnings, tape, end + 1)
    return after, current_lines(lanes, shares, window)


def _grow(state: CarriedState, candle: FloatArray) -> tuple[CarriedState, FloatArray]:
    """Move symbols that still have few candles one on, by a batch over all of them."""
    beginnings = state.beginnings.copy()
    every = np.arange(len(state.symbols))
    beginnings[state.counts, :, every] = candle.T
    batch = IndicatorBatch()
    lines = batch.compute(*np.ascontiguousarray(beginnings.transpose(1, 0, 2)))
    at_last = np.stack([line[state.counts, every] for line in lines])
    return start(state.symbols, *np.ascontiguousarray(beginnings.transpose(1, 0, 2)), batch=batch), at_last


def _require_distinct(symbols: Sequence[str]) -> None:
    if len(set(symbols)) != len(symbols):
        twice = sorted({symbol for symbol in symbols if list(symbols).count(symbol) > 1})
        raise InvalidValueError(f"symbols must differ, found more than once: {twice}")
