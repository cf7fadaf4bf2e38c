"""All recursions of the eleven indicators side by side, so that one loop over time serves every one of every symbol.

A lane is one recursion, `value = decay * value before + weight * input`, of all symbols: `n_symbols` columns of a wide
array. What TA-Lib calls seeding is an edit of the inputs: zeros up to the seed's row, and the seed in it.

Wilder's means are kept as sums (`weight` 1): their inputs need no factor, and their ratios none either.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from signalbox.domain.indicators._recursion import scan_rows, sum_of_rows
from signalbox.domain.market.candles import FloatArray, IntArray

PERIOD = 14
FAST, SLOW, SIGNAL = 12, 26, 9
AVERAGE_PERIOD = 20
SUPERTREND_PERIOD = 10
BLOCK = 64
"""Rows that run at a time: enough for every seed, and few enough for the processor's cache."""


class Lane(NamedTuple):
    """One recursion: its factors, and the seed: `seed_scale` x the sum of inputs from row `first` to `seed_row`."""

    weight: float
    decay: float
    first: int
    seed_row: int
    seed_scale: float


def _mean(period: int, first: int) -> Lane:
    weight = 2.0 / (period + 1)
    return Lane(weight, 1.0 - weight, first, first + period - 1, 1.0 / (weight * period))


def _wilder(period: int, first: int, seed_row: int) -> Lane:
    return Lane(1.0, 1.0 - 1.0 / period, first, seed_row, 1.0)


FIRST_STAGE = {
    "average": _mean(AVERAGE_PERIOD, 0),
    "fast": _mean(FAST, SLOW - FAST),
    "slow": _mean(SLOW, 0),
    "plus": _wilder(PERIOD, 1, PERIOD - 1),
    "minus": _wilder(PERIOD, 1, PERIOD - 1),
    "gain": _wilder(PERIOD, 1, PERIOD),
    "change": _wilder(PERIOD, 1, PERIOD),
    "range": _wilder(PERIOD, 1, PERIOD),
    "supertrend_range": _wilder(SUPERTREND_PERIOD, 1, SUPERTREND_PERIOD),
    "directional_range": _wilder(PERIOD, 1, PERIOD - 1),
    "on_balance": Lane(1.0, 1.0, 0, 0, 1.0),
}
# These need lines of the first stage as inputs.
SECOND_STAGE = {
    "signal": _mean(SIGNAL, SLOW - 1),
    "index": _wilder(PERIOD, PERIOD, 2 * PERIOD - 1),
}
LANES = FIRST_STAGE | SECOND_STAGE


class Lanes:
    """The lanes of both stages: `(n_lanes, n_candles, n_symbols)`, kept from shard to shard.

    Whole lanes are written and read one after the other, rows of all lanes run together; each wants its own layout.
    Copying blocks of rows, small enough for the processor's cache, from one to the other and back costs less than a few
    sums over strided lanes. The second stage runs one block behind the first, in the same loop.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        n_candles, n_symbols = shape
        n_first = len(FIRST_STAGE)
        self._lanes = np.zeros((len(LANES), n_candles, n_symbols))
        self._views = dict(zip(LANES, self._lanes, strict=True))
        # Row 0 is what the block before ended with.
        self._block = np.zeros((1 + BLOCK, len(LANES), n_symbols))
        by_lane = self._block[1:].transpose(1, 0, 2)
        self._first = _Stage(self._lanes[:n_first], by_lane[:n_first])
        self._second = _Stage(self._lanes[n_first:], by_lane[n_first:])
        decays = np.repeat([lane.decay for lane in LANES.values()], n_symbols)
        wide, first_width = self._block.reshape(1 + BLOCK, -1), n_first * n_symbols
        self._rows, self._decays = list(wide), decays
        self._second_rows, self._second_decays = list(wide[:, first_width:]), decays[first_width:]

    def __getitem__(self, name: str) -> FloatArray:
        """Return one lane, (n_candles, n_symbols): its weighted inputs before `run`, its values after."""
        return self._views[name]

    def run(self, write_second: Callable[[slice], None]) -> None:
        """Seed every lane, and turn inputs into values; what stands before a seed is 0.

        `write_second` writes the second stage's inputs in a block of rows, in which the first stage has values then.
        """
        n_candles = self._lanes.shape[1]
        self._block[:] = 0.0
        self._seed(FIRST_STAGE, n_candles)
        behind = slice(0, 0)
        for start in range(0, n_candles, BLOCK):
            block = slice(start, min(start + BLOCK, n_candles))
            self._first.enter(block)
            self._second.enter(behind)
            scan_rows(self._rows, self._decays)
            self._first.leave(block)
            self._second.leave(behind)
            self._block[0] = self._block[-1]
            write_second(block)
            if not start:
                self._seed(SECOND_STAGE, block.stop)
            behind = block
        self._second.enter(behind)
        scan_rows(self._second_rows, self._second_decays)
        self._second.leave(behind)

    def at(self, rows: IntArray) -> FloatArray:
        """Return the lanes' values in row `rows[s]` of each symbol s; (n_lanes, n_symbols)."""
        return self._lanes[:, rows, np.arange(len(rows))]

    def _seed(self, stage: Mapping[str, Lane], n_rows: int) -> None:
        for name, lane in stage.items():
            view = self._views[name]
            if n_rows > lane.seed_row:
                view[lane.seed_row] = _sum_of_rows(view[lane.first : lane.seed_row + 1]) * lane.seed_scale
            view[: lane.seed_row] = 0.0


def _sum_of_rows(values: FloatArray) -> FloatArray:
    """Return what `sum_of_rows` gives, faster: numpy adds whole rows in order, only a lone column it does not."""
    return np.add.reduce(values, axis=0) if values.shape[1] > 1 else sum_of_rows(values)


class _Stage(NamedTuple):
    """Some lanes, (n_lanes, n_candles, n_symbols), and their places in the block that runs, (n_lanes, BLOCK, ...)."""

    lanes: FloatArray
    block: FloatArray

    def enter(self, rows: slice) -> None:
        np.copyto(self.block[:, : rows.stop - rows.start], self.lanes[:, rows])

    def leave(self, rows: slice) -> None:
        np.copyto(self.lanes[:, rows], self.block[:, : rows.stop - rows.start])
