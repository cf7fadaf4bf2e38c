"""The one state machine of both regime axes: two thresholds and a minimum dwell."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.indicators._columns import PresentCandles
from signalbox.domain.market.candles import FloatArray


def settle(level: FloatArray, enter: float, leave: float, dwell: int) -> FloatArray:
    """Return the settled state, -1, 0 or +1, of every cell of a signed level.

    A column enters +1 when its level reaches `enter` and keeps it while the level is at least `leave`; -1 is the
    mirror image; otherwise it is 0. A state is kept for at least `dwell` candles, counted in candles that have a level.
    The first level of a column sets its state at once. Row t depends on rows 0..t alone.

    Parameters
    ----------
    level : (n_candles, n_symbols) float64 array
        Signed strength, oldest first, any unit; NaN where unknown.
    enter, leave : float
        Thresholds in the unit of `level`, 0 < leave <= enter.
    dwell : int
        Shortest stay in candles, at least 1 (which is no restriction).

    Returns
    -------
    (n_candles, n_symbols) float64 array
        -1, 0 or +1; NaN where `level` is NaN (the state is carried over such cells).

    Raises
    ------
    InvalidValueError
        If the thresholds are not in order or `dwell` is below 1.
    """
    if not 0 < leave <= enter:
        raise InvalidValueError(f"thresholds must obey 0 < leave <= enter, were leave={leave}, enter={enter}")
    if dwell < 1:
        raise InvalidValueError(f"dwell must be at least 1 candle, was {dwell}")
    known = ~np.isnan(level)
    if known.all():
        return _settled(level, enter, leave, dwell)
    cells = PresentCandles(known)
    return cells.unpack(_settled(cells.pack(level), enter, leave, dwell))


def _settled(level: FloatArray, enter: float, leave: float, dwell: int) -> FloatArray:
    """Do what `settle` does to columns that are known from row 0 until they end.

    All columns go from change to change, not from row to row: there are few changes, and never two within a dwell.
    """
    proposals = _proposals(level, enter, leave)
    next_change = _next_changes(proposals)
    n_candles = len(level)
    changes = np.zeros(level.shape, dtype=np.int8)
    columns: NDArray[Any] = np.arange(level.shape[1])
    state: NDArray[Any] = np.zeros(len(columns), dtype=np.int8)
    may_change_from: NDArray[Any] = np.zeros(len(columns), dtype=np.intp)
    while columns.size:
        rows = next_change[state + 1, np.minimum(may_change_from, n_candles), columns]
        found = rows < n_candles
        columns, rows, before = columns[found], rows[found], state[found]
        state = proposals[before + 1, rows, columns]
        changes[rows, columns] = state - before
        may_change_from = rows + dwell
    return np.cumsum(changes, axis=0, dtype=np.int8).astype(np.float64)


def _proposals(level: FloatArray, enter: float, leave: float) -> NDArray[np.int8]:
    """Return (3, n_candles, n_symbols): the state proposed to a column in -1, in 0, in +1; if unknown, its own."""
    upwards, downwards = (level >= enter).view(np.int8), (level <= -enter).view(np.int8)
    stays_down, stays_up = (level <= -leave).view(np.int8), (level >= leave).view(np.int8)
    proposals = np.stack([upwards - stays_down, upwards - downwards, stays_up - downwards])
    unknown = np.isnan(level)
    for state in (-1, 0, 1):
        proposals[state + 1][unknown] = state
    return proposals


def _next_changes(proposals: NDArray[np.int8]) -> NDArray[np.int32]:
    """Return (3, n_candles + 1, n_symbols): the first row from each on that proposes another state, or n_candles."""
    n_candles = proposals.shape[1]
    rows = np.full((3, n_candles + 1, proposals.shape[2]), n_candles, dtype=np.int32)
    own = np.array([-1, 0, 1], dtype=np.int8)[:, None, None]
    rows[:, :-1] = np.where(proposals != own, np.arange(n_candles, dtype=np.int32)[:, None], n_candles)
    return np.minimum.accumulate(rows[:, ::-1], axis=1)[:, ::-1]
