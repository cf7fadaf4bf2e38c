"""Sums, extremes and deviations over the last `period` rows, by doubling.

A window of 2n rows is two windows of n rows side by side, so a window of any length takes about log2(length) additions
of whole arrays. Unlike differences of a running total, nothing that has left the window leaves an error behind: one
spike, or one NaN, is forgotten when its last window is.

Arrays are `(n_rows, n_columns)`; the first `period - 1` rows of a result are NaN. `out` and `scratch` let a caller that
computes again and again keep its memory.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from signalbox.domain.market.candles import FloatArray

Extreme = Callable[..., FloatArray]


class Span(NamedTuple):
    """Windows of `rows` rows: their sums, and the sums of squared deviations from their means."""

    sums: FloatArray
    squares: FloatArray
    rows: int


def rolling_sum(
    values: FloatArray, period: int, out: FloatArray | None = None, scratch: Sequence[FloatArray] = ()
) -> FloatArray:
    """Return the sum of the last `period` rows; `scratch` is three arrays shaped like `values`."""
    out = np.empty_like(values) if out is None else out
    out[: period - 1] = np.nan
    n_windows = len(values) - period + 1
    if n_windows <= 0:
        return out
    spares = scratch or [np.empty_like(values) for _ in range(3)]
    total, covered = np.broadcast_to(0.0, 0), 0
    doubled, width, turn = values, 1, 0
    while True:
        if period & width:
            part = doubled[covered : covered + n_windows]
            # The first part stays where it is until there is another to add it to: three spares take turns.
            total = np.add(total, part, out=out[period - 1 :]) if covered else part
            covered += width
        if covered == period:
            if covered == width:
                np.copyto(out[period - 1 :], total)
            return out
        length = len(doubled) - width
        doubled = np.add(doubled[:length], doubled[width:], out=spares[turn][:length])
        width, turn = 2 * width, (turn + 1) % 3


def rolling_maximum(
    values: FloatArray, period: int, out: FloatArray | None = None, scratch: Sequence[FloatArray] = ()
) -> FloatArray:
    """Return the largest of the last `period` rows; `scratch` is two arrays shaped like `values`."""
    return _rolling_extreme(np.maximum, values, period, out, scratch)


def rolling_minimum(
    values: FloatArray, period: int, out: FloatArray | None = None, scratch: Sequence[FloatArray] = ()
) -> FloatArray:
    """Return the smallest of the last `period` rows; `scratch` is two arrays shaped like `values`."""
    return _rolling_extreme(np.minimum, values, period, out, scratch)


def _rolling_extreme(
    extreme: Extreme, values: FloatArray, period: int, out: FloatArray | None, scratch: Sequence[FloatArray]
) -> FloatArray:
    out = np.empty_like(values) if out is None else out
    out[: period - 1] = np.nan
    n_windows = len(values) - period + 1
    if n_windows <= 0:
        return out
    spares = scratch or (np.empty_like(values), np.empty_like(values))
    doubled, width, turn = values, 1, 0
    while 2 * width <= period:
        length = len(doubled) - width
        doubled = extreme(doubled[:length], doubled[width:], out=spares[turn][:length])
        width, turn = 2 * width, 1 - turn
    # Windows may overlap: an extreme counted twice is the same extreme.
    extreme(doubled[:n_windows], doubled[period - width :], out=out[period - 1 :])
    return out


def rolling_moments(
    values: FloatArray,
    period: int,
    out: tuple[FloatArray, FloatArray] | None = None,
    scratch: Sequence[FloatArray] = (),
) -> tuple[FloatArray, FloatArray]:
    """Return the sum of the last `period` rows and the sum of their squared deviations from their mean.

    Windows are joined by their means (Chan, Golub and LeVeque, 1983), so that no two large numbers are subtracted: the
    deviations of a price that hardly moves keep their digits. `scratch` is five arrays shaped like `values`.
    """
    sums, squares = out or (np.empty_like(values), np.empty_like(values))
    sums[: period - 1] = squares[: period - 1] = np.nan
    n_windows = len(values) - period + 1
    if n_windows <= 0:
        return sums, squares
    spares = scratch or [np.empty_like(values) for _ in range(5)]
    gap = spares[4]
    whole = Span(sums[period - 1 :], squares[period - 1 :], 0)
    doubled, turn = Span(values, np.broadcast_to(0.0, values.shape), 1), 0
    while True:
        width = doubled.rows
        if period & width:
            here = slice(whole.rows, whole.rows + n_windows)
            whole = _joined(whole, Span(doubled.sums[here], doubled.squares[here], width), gap[:n_windows])
        if whole.rows == period:
            return sums, squares
        length = len(doubled.sums) - width
        twice = Span(spares[turn][:length], spares[2 + turn][:length], 2 * width)
        np.subtract(doubled.sums[:length], doubled.sums[width:], out=gap[:length])
        np.multiply(gap[:length], gap[:length], out=twice.squares)
        np.multiply(twice.squares, 0.5 / width, out=twice.squares)
        if width > 1:
            np.add(twice.squares, doubled.squares[:length], out=twice.squares)
            np.add(twice.squares, doubled.squares[width:], out=twice.squares)
        np.add(doubled.sums[:length], doubled.sums[width:], out=twice.sums)
        doubled, turn = twice, 1 - turn


def _joined(whole: Span, part: Span, gap: FloatArray) -> Span:
    """Return `whole` with the rows of `part` that follow it, in the memory of `whole`; `gap` is scratch."""
    if not whole.rows:
        np.copyto(whole.sums, part.sums)
        np.copyto(whole.squares, part.squares)
        return whole._replace(rows=part.rows)
    rows = whole.rows + part.rows
    np.multiply(whole.sums, part.rows / whole.rows, out=gap)
    np.subtract(gap, part.sums, out=gap)
    np.multiply(gap, gap, out=gap)
    np.multiply(gap, whole.rows / (part.rows * rows), out=gap)
    np.add(whole.squares, gap, out=whole.squares)
    np.add(whole.squares, part.squares, out=whole.squares)
    np.add(whole.sums, part.sums, out=whole.sums)
    return whole._replace(rows=rows)


def quick_moments(
    values: FloatArray, period: int, out: tuple[FloatArray, FloatArray], scratch: Sequence[FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """Return `rolling_moments` with half its work, from sums of squares, for values that stand around 0.

    `out` holds the sums already. Where the window's mean is so far from 0 that digits would cancel, it is left to
    `rolling_moments`. `scratch` is six arrays shaped like `values`.
    """
    sums, squares = out
    rolling_sum(np.multiply(values, values, out=scratch[5]), period, squares, scratch)
    negligible = np.multiply(squares, 1e-6, out=scratch[0])
    apart = np.multiply(sums, sums, out=scratch[1])
    np.multiply(apart, 1.0 / period, out=apart)
    np.subtract(squares, apart, out=squares)
    if np.less(squares, negligible).any():
        rolling_moments(values, period, out, scratch)
    return sums, squares
