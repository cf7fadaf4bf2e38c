"""All recursions of the eleven indicators side by side, so that one loop over time serves every one of every symbol.

A lane is one recursion, `value = decay * value before + weight * input`, of all symbols: `n_symbols` columns of a wide
array. What TA-Lib calls seeding is an edit of the inputs: zeros up to the seed's row, and the seed in it.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from signalbox.domain.indicators._recursion import scan, sum_of_rows
from signalbox.domain.market.candles import FloatArray, IntArray

PERIOD = 14
FAST, SLOW, SIGNAL = 12, 26, 9
AVERAGE_PERIOD = 20
SUPERTREND_PERIOD = 10
BLOCK = 32


class Lane(NamedTuple):
    """One recursion: its factors, and the seed: `seed_scale` x the sum of inputs from row `first` to `seed_row`."""

    weight: float
    decay: float
    first: int
    seed_row: int
    seed_scale: float


def _mean(period: int, weight: float, first: int) -> Lane:
    return Lane(weight, 1.0 - weight, first, first + period - 1, 1.0 / (weight * period))


def _wilder_sum(period: int) -> Lane:
    return Lane(1.0, 1.0 - 1.0 / period, 1, period - 1, 1.0)


FIRST_STAGE = {
    "average": _mean(AVERAGE_PERIOD, 2.0 / (AVERAGE_PERIOD + 1), 0),
    "fast": _mean(FAST, 2.0 / (FAST + 1), SLOW - FAST),
    "slow": _mean(SLOW, 2.0 / (SLOW + 1), 0),
    "gain": _mean(PERIOD, 1.0 / PERIOD, 1),
    "loss": _mean(PERIOD, 1.0 / PERIOD, 1),
    "range": _mean(PERIOD, 1.0 / PERIOD, 1),
    "supertrend_range": _mean(SUPERTREND_PERIOD, 1.0 / SUPERTREND_PERIOD, 1),
    "range_sum": _wilder_sum(PERIOD),
    "plus": _wilder_sum(PERIOD),
    "minus": _wilder_sum(PERIOD),
    "on_balance": Lane(1.0, 1.0, 0, 0, 1.0),
}
# These need lines of the first stage as inputs.
SECOND_STAGE = {
    "signal": _mean(SIGNAL, 2.0 / (SIGNAL + 1), SLOW - 1),
    "index": _mean(PERIOD, 1.0 / PERIOD, PERIOD),
}


class Stage:
    """The lanes that run in one loop: `(n_lanes, n_candles, n_symbols)`, kept from shard to shard.

    Whole lanes are written and read one after the other, rows of all lanes run together; each wants its own layout.
    Copying blocks of rows, small enough for the processor's cache, from one to the other and back costs less than a few
    sums over strided lanes.
    """

    def __init__(self, lanes: Mapping[str, Lane], shape: tuple[int, int]) -> None:
        n_candles, n_symbols = shape
        self.lanes = lanes
        self._values = np.empty((len(lanes), n_candles, n_symbols))
        self._rows = np.empty((BLOCK + 1, len(lanes) * n_symbols))
        self._decays = np.repeat([lane.decay for lane in lanes.values()], n_symbols)
        self._views = dict(zip(lanes, self._values, strict=True))

    def __getitem__(self, name: str) -> FloatArray:
        """Return one lane, (n_candles, n_symbols): its weighted inputs before `run`, its values after."""
        return self._views[name]

    def run(self) -> None:
        """Seed every lane, and turn inputs into values; what stands before a seed is 0."""
        for name, lane in self.lanes.items():
            view = self._views[name]
            if len(view) > lane.seed_row:
                view[lane.seed_row] = sum_of_rows(view[lane.first : lane.seed_row + 1]) * lane.seed_scale
            view[: lane.seed_row] = 0.0
        self._rows[0] = 0.0
        for start in range(0, self._values.shape[1], BLOCK):
            block = self._values[:, start : start + BLOCK]
            rows = self._rows[: block.shape[1] + 1]
            side_by_side(block, rows[1:])
            scan(rows, self._decays)
            one_after_another(rows[1:], block)
            self._rows[0] = rows[-1]

    def at(self, rows: IntArray) -> FloatArray:
        """Return the lanes' values in row `rows[s]` of each symbol s; (n_lanes, n_symbols)."""
        return self._values[:, rows, np.arange(len(rows))]


def side_by_side(lanes: FloatArray, rows: FloatArray) -> None:
    """Copy lanes, (n_lanes, n_candles, n_symbols), into rows, (n_candles, n_lanes * n_symbols)."""
    n_lanes, n_candles, n_symbols = lanes.shape
    np.copyto(rows.reshape(n_candles, n_lanes, n_symbols), lanes.transpose(1, 0, 2))


def one_after_another(rows: FloatArray, lanes: FloatArray) -> None:
    """Copy rows, (n_candles, n_lanes * n_symbols), into lanes, (n_lanes, n_candles, n_symbols)."""
    n_lanes, n_candles, n_symbols = lanes.shape
    np.copyto(lanes, rows.reshape(n_candles, n_lanes, n_symbols).transpose(1, 0, 2))
