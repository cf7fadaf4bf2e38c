"""Floats as whole numbers: decimals become integers that compress, and come back to the last bit.

42283.58 is 4228358 with 2 decimal places. A value that is no short decimal keeps its float64 bits (places = `AS_BITS`).
"""

import numpy as np
from numpy.typing import NDArray

from signalbox.adapters.storage.candle_format import AS_BITS, MOST_PLACES
from signalbox.domain.market.candles import FloatArray, IntArray

_EXACT = 2.0**53
_DIVISORS = np.array([float(10**power) if power <= MOST_PLACES else 1.0 for power in range(AS_BITS + 1)])

UnsignedArray = NDArray[np.uint64]
PlacesArray = NDArray[np.uint8]


def to_whole(columns: FloatArray) -> tuple[IntArray, PlacesArray]:
    """Return columns as whole numbers, and the fewest decimal places per column that lose nothing.

    Parameters
    ----------
    columns : (n, n_columns) float64 array
        Any floats, NaN and infinities included.

    Returns
    -------
    tuple of ((n, n_columns) int64 array, (n_columns,) uint8 array)
        What `from_whole` gives the same bits for.
    """
    whole = np.ascontiguousarray(columns).view(np.int64).copy()
    places = np.full(columns.shape[1], AS_BITS, dtype=np.uint8)
    for power in range(MOST_PLACES + 1):
        left = np.flatnonzero(places == AS_BITS)
        if not left.size:
            break
        values = columns[:, left]
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = np.rint(values * _DIVISORS[power])
            exact = (scaled / _DIVISORS[power] == values) & (np.abs(scaled) < _EXACT)
        exact &= (values != 0) | ~np.signbit(values)  # a whole number has no -0.0
        fits = exact.all(axis=0)
        whole[:, left[fits]] = scaled[:, fits].astype(np.int64)
        places[left[fits]] = power
    return whole, places


def from_whole(whole: IntArray, places: PlacesArray) -> FloatArray:
    """Return the floats of whole numbers whose last axis, or last two, `places` fits; the inverse of `to_whole`."""
    as_bits = places == AS_BITS
    values: FloatArray = whole / _DIVISORS[places]
    if as_bits.any():
        values[..., as_bits] = whole.view(np.float64)[..., as_bits]
    return values


def zigzag(numbers: IntArray) -> IntArray:
    """Return numbers folded so that small ones of either sign have zeros for upper bytes: 0, -1, 1 -> 0, 1, 2."""
    return (numbers << 1) ^ (numbers >> 63)


def unzigzag(numbers: UnsignedArray) -> IntArray:
    """Return what `zigzag` folded."""
    return ((numbers >> np.uint64(1)) ^ (np.uint64(0) - (numbers & np.uint64(1)))).view(np.int64)
