"""Carried state as bytes, and back exactly: for a worker's store between turns."""

import json
import struct

import numpy as np

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.indicators._step import N_COLUMNS, N_LANES, WINDOW
from signalbox.domain.indicators.carried import GROWN, CarriedState
from signalbox.domain.market.candles import FloatArray

_MARK = b"SBCS"
# Rises with every change of what is carried; a state of another version is computed anew from candles.
VERSION = 3
_HEAD = struct.Struct("<4sHI")


def to_bytes(state: CarriedState) -> bytes:
    """Return the state as bytes: mark, version, the symbols' JSON and its length, the arrays (little-endian).

    The first candles of grown symbols, which nothing needs, are left out.
    """
    symbols = json.dumps(list(state.symbols)).encode()
    young = state.counts < GROWN
    arrays = (state.lanes, state.window, state.beginnings[..., young])
    return b"".join(
        [
            _HEAD.pack(_MARK, VERSION, len(symbols)),
            symbols,
            state.counts.astype("<i8").tobytes(),
            *(array.astype("<f8").tobytes() for array in arrays),
        ]
    )


def from_bytes(data: bytes) -> CarriedState:
    """Return the state that `to_bytes` wrote.

    Raises
    ------
    InvalidValueError
        If the bytes are not a carried state, are of another version, or are cut short or too long.
    """
    if len(data) < _HEAD.size or data[:4] != _MARK:
        raise InvalidValueError(f"carried state must begin with {_MARK!r}, began with {data[:4]!r}")
    _, version, length = _HEAD.unpack_from(data)
    if version != VERSION:
        raise InvalidValueError(f"carried state must have version {VERSION}, had {version}")
    try:
        symbols = tuple(json.loads(data[_HEAD.size : _HEAD.size + length]))
        counts = np.frombuffer(data, "<i8", len(symbols), _HEAD.size + length).astype(np.int64)
    except ValueError as error:
        raise InvalidValueError(f"carried state must name its symbols, {len(data)} bytes did not: {error}") from error
    return _with_arrays(symbols, counts, data[_HEAD.size + length + 8 * len(symbols) :])


def _with_arrays(symbols: tuple[str, ...], counts: np.ndarray, data: bytes) -> CarriedState:
    n_symbols, young = len(symbols), counts < GROWN
    shapes = [(N_LANES, n_symbols), (WINDOW, N_COLUMNS, n_symbols), (GROWN, 4, int(young.sum()))]
    sizes = [int(np.prod(shape)) for shape in shapes]
    if len(data) != 8 * sum(sizes):
        raise InvalidValueError(f"arrays of {n_symbols} symbols must take {8 * sum(sizes)} bytes, took {len(data)}")
    values = np.frombuffer(data, "<f8").astype(np.float64)
    parts = np.split(values, np.cumsum(sizes)[:-1])
    lanes, window, early = (part.reshape(shape) for part, shape in zip(parts, shapes, strict=True))
    beginnings: FloatArray = np.full((GROWN, 4, n_symbols), np.nan)
    beginnings[..., young] = early
    return CarriedState(symbols, counts, lanes, window, beginnings)
