"""The one state machine of both regime axes: two thresholds and a minimum dwell."""

import numpy as np
from numpy.typing import NDArray

from signalbox.domain.errors import InvalidValueError
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
    n_candles, n_symbols = level.shape
    known = ~np.isnan(level)
    ages = np.cumsum(known, axis=0)
    # What each cell proposes to a column that is in state -1, 0, +1, laid side by side: one look-up per candle.
    proposals = _proposals(level, enter, leave)
    columns = np.arange(n_symbols)
    state = np.zeros(n_symbols, dtype=np.intp)  # wide enough to index: int8 would wrap beyond 42 symbols
    since = np.full(n_symbols, 1 - dwell)
    states = np.empty(level.shape)
    for row in range(n_candles):
        proposed = proposals[row].take((state + 1) * n_symbols + columns)
        change = (proposed != state) & (ages[row] - since >= dwell)
        if change.any():
            state = np.where(change, proposed, state)
            since = np.where(change, ages[row], since)
        states[row] = state
    states[~known] = np.nan
    return states


def _proposals(level: FloatArray, enter: float, leave: float) -> NDArray[np.int8]:
    """Return (n_candles, 3 * n_symbols): what is proposed to a column in -1, in 0, in +1; if unknown, to stay."""
    upwards, downwards = (level >= enter).astype(np.int8), (level <= -enter).astype(np.int8)
    proposals = np.hstack([upwards - (level <= -leave), upwards - downwards, (level >= leave) - downwards])
    stay = np.repeat(np.array([-1, 0, 1], dtype=np.int8), level.shape[1])
    return np.where(np.tile(np.isnan(level), 3), stay, proposals)
