"""Sums in which a row needs the row before it: one loop over time, whole rows inside.

The caller writes the seed into the row where the recursion starts; the loop then knows no special case.
"""

from collections.abc import Sequence
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from signalbox.domain.market.candles import BoolArray, FloatArray


def scan(values: FloatArray, decay: float | FloatArray) -> None:
    """Replace, from the second row on, each row by `decay * (row before) + row`; `decay` may differ per column."""
    scan_rows(list(values), decay)


def scan_rows(rows: Sequence[FloatArray], decay: float | FloatArray) -> None:
    """Do what `scan` does to an array given as its rows: who does it again and again keeps the list."""
    if not rows:
        return
    before = rows[0]
    carried = np.empty_like(before)
    multiply, add = np.multiply, np.add
    for row in rows[1:]:
        multiply(before, decay, carried)
        add(row, carried, row)
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
    ratchet_rows(list(bands), list(closes))


def ratchet_rows(bands: Sequence[FloatArray], closes: Sequence[FloatArray]) -> None:
    """Do what `ratchet` does to arrays given as their rows: who does it again and again keeps the lists."""
    if not bands:
        return
    before = bands[0]
    held, infinite = np.empty_like(before), np.full_like(before, np.inf)
    subtract, copysign, minimum, fmax = np.subtract, np.copysign, np.minimum, np.fmax
    for row, close_before in zip(bands[1:], closes[:-1], strict=True):
        # `held` becomes the row before, or -inf where it was broken: a masked maximum costs three times as much.
        subtract(close_before, before, held)
        copysign(infinite, held, held)
        minimum(before, held, out=held)
        fmax(row, held, out=row)
        before = row


def last_break_was_up(above: BoolArray, below: BoolArray) -> NDArray[np.int8]:
    """Return 1 in each row from a break upwards on, -1 from a break downwards on, and 1 before the first.

    Where a row breaks both ways, `above` counts. Marks reach twice as many rows further each round.
    """
    marks = np.subtract(above.view(np.int8), np.greater(below, above).view(np.int8))
    marks[:1] += marks[:1] == 0
    reach = 1
    while reach < len(marks):
        marks[reach:] += marks[:-reach] * (marks[reach:] == 0)
        reach *= 2
    return marks
