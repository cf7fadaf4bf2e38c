"""Sums in which a row needs the row before it: one loop over time, whole rows inside.

The caller writes the seed into the row where the recursion starts; the loop then knows no special case.
"""

from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from signalbox.domain.market.candles import BoolArray, FloatArray


def scan(values: FloatArray, decay: float | FloatArray) -> None:
    """Replace, from the second row on, each row by `decay * (row before) + row`; `decay` may differ per column."""
    if not len(values):
        return
    before = values[0]
    carried = np.empty_like(before)
    for row in values[1:]:
        np.multiply(before, decay, carried)
        np.add(row, carried, row)
        before = row


def sum_of_rows(values: FloatArray) -> FloatArray:
    """Return the column sums, added row by row: the same for a column whatever stands beside it."""
    return reduce(np.add, values)


def exponential(values: FloatArray, period: int, weight: float, first: int = 0) -> FloatArray:
    """Return the exponential mean of rows `first` on, seeded with the plain mean of the first `period` of them.

    NaN before row `first + period - 1`, which holds the seed.
    """
    smooth = np.full_like(values, np.nan)
    seed_row = first + period - 1
    if len(values) <= seed_row:
        return smooth
    np.multiply(values[seed_row:], weight, out=smooth[seed_row:])
    smooth[seed_row] = sum_of_rows(values[first : seed_row + 1]) / period
    scan(smooth[seed_row:], 1.0 - weight)
    return smooth


def ema(values: FloatArray, period: int, first: int = 0) -> FloatArray:
    """Return `exponential` with the usual weight of 2 / (period + 1)."""
    return exponential(values, period, 2.0 / (period + 1), first)


def wilder_mean(values: FloatArray, period: int, first: int) -> FloatArray:
    """Return `exponential` with Wilder's weight of 1 / period."""
    return exponential(values, period, 1.0 / period, first)


def wilder_sum(values: FloatArray, period: int) -> FloatArray:
    """Return Wilder's decaying sum of rows 1 on, seeded in row `period - 1` with their plain sum; NaN up to there."""
    total = np.full_like(values, np.nan)
    if len(values) < period:
        return total
    total[period - 1 :] = values[period - 1 :]
    if period > 1:
        total[period - 1] = sum_of_rows(values[1:period])
    scan(total[period - 1 :], 1.0 - 1.0 / period)
    total[period - 1] = np.nan
    return total


def ratchet(bands: FloatArray, closes: FloatArray) -> None:
    """Replace each row of lower bands by the higher of it and the row before, unless the close before was below that.

    An upper band is a lower band of negated prices, so that one loop moves both.
    """
    if not len(bands):
        return
    before = bands[0]
    held, infinite = np.empty_like(before), np.full_like(before, np.inf)
    for row, close_before in zip(bands[1:], closes[:-1], strict=True):
        # `held` becomes the row before, or -inf where it was broken: a masked maximum costs three times as much.
        np.subtract(close_before, before, held)
        np.copysign(infinite, held, held)
        np.minimum(before, held, out=held)
        np.fmax(row, held, out=row)
        before = row


def break_type(n_rows: int) -> type[np.signedinteger[Any]]:
    """Return the smallest integer type that `last_break_was_up` can number so many rows with."""
    return np.int16 if n_rows < 2**14 else np.int32


def last_break_was_up(
    above: BoolArray, below: BoolArray, out: NDArray[Any] | None = None, scratch: NDArray[Any] | None = None
) -> NDArray[Any]:
    """Return 1 where the last row in which `above` or `below` held was one with `above` (or there was none), else 0.

    The number 2 * row + above, taken only in rows with a break, grows in time: its running maximum is the last break.
    `out` and `scratch` are of `break_type`.
    """
    kind = break_type(len(above))
    code = np.empty(above.shape, dtype=kind) if out is None else out
    broken = np.empty(above.shape, dtype=kind) if scratch is None else scratch
    np.logical_or(above, below, out=broken, casting="unsafe")
    np.multiply(np.arange(2, 2 * len(above) + 2, 2, dtype=kind)[:, None], broken, out=code)
    np.add(code, above, out=code)
    code[:1] += code[:1] == 0
    np.maximum.accumulate(code, axis=0, out=code)
    code &= 1
    return code
