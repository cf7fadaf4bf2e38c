"""Candles for the tests of the engine: real ones, hand-made ones, and their futures bent."""

import os
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from signalbox.domain.market.candles import CandleGrid, FloatArray
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.strategies.base import Decisions
from signalbox.domain.strategies.view import MarketView

HOUR = Timeframe.H1.milliseconds
START = 1_704_067_200_000
"""2024-01-01T00:00:00Z."""

Bend = Literal["removed", "changed", "shuffled"]


@cache
def real_grid(name: str = "candles-1h-2024H1-74-symbols") -> CandleGrid:
    """The hourly candles of one file of SIGNALBOX_DATA; skips the test where it is unset."""
    folder = os.environ.get("SIGNALBOX_DATA")
    if not folder:
        pytest.skip("SIGNALBOX_DATA names no folder of real candles")
    from pyarrow import parquet

    table = parquet.read_table(Path(folder) / f"{name}.parquet")
    times = table["date"].cast("int64").to_numpy()
    symbols, columns = np.unique(table["symbol"].cast("string").to_numpy(zero_copy_only=False), return_inverse=True)
    axis = np.arange(times.min(), times.max() + 1, HOUR)
    cells = np.full((5, len(axis), len(symbols)), np.nan)
    for at, field in enumerate(("open", "high", "low", "close", "volume")):
        cells[at, (times - axis[0]) // HOUR, columns] = table[field].to_numpy()
    return CandleGrid("binance", Timeframe.H1, tuple(str(s).replace("_", "/") for s in symbols), axis, *cells)


def price_steps(grid: CandleGrid) -> dict[str, Decimal]:
    """The coarsest power of ten that every close is a multiple of, by symbol."""
    return {symbol: _step(grid.close[:, at]) for at, symbol in enumerate(grid.symbols)}


def _step(closes: FloatArray) -> Decimal:
    known = closes[np.isfinite(closes)]
    digits = next((d for d in range(12) if np.allclose(known.round(d), known, rtol=0, atol=1e-13)), 12)
    return Decimal(1).scaleb(-digits)


def columns_of(grid: CandleGrid, at: Sequence[int]) -> CandleGrid:
    """The grid's columns numbered `at`, in that order."""
    values = (v[:, list(at)] for v in (grid.open, grid.high, grid.low, grid.close, grid.volume))
    return CandleGrid(grid.exchange, grid.timeframe, tuple(grid.symbols[i] for i in at), grid.times, *values)


def hand_made(closes: Sequence[float], volumes: Sequence[float] | None = None, wick: float = 0.2) -> CandleGrid:
    """One symbol's hourly candles that open at the close before and reach `wick` beyond their bodies."""
    close = np.array(closes, dtype=np.float64)[:, None]
    opened = np.concatenate([close[:1], close[:-1]])
    volume = np.full(close.shape, 10.0) if volumes is None else np.array(volumes, dtype=np.float64)[:, None]
    times = START + HOUR * np.arange(len(close), dtype=np.int64)
    high, low = np.maximum(opened, close) + wick, np.minimum(opened, close) - wick
    return CandleGrid("binance", Timeframe.H1, ("BTC/USDT",), times, opened, high, low, close, volume)


def upside_down(grid: CandleGrid) -> CandleGrid:
    """The same candles mirrored about their first open, so that every rise is a fall."""
    axis = 2 * grid.open[0]
    mirrored = (axis - grid.open, axis - grid.low, axis - grid.high, axis - grid.close, grid.volume)
    return CandleGrid(grid.exchange, grid.timeframe, grid.symbols, grid.times, *mirrored)


def bent_after(grid: CandleGrid, row: int, bend: Bend) -> CandleGrid:
    """The grid with the candles after `row` removed, multiplied by noise, or put in another order."""
    if bend == "removed":
        return grid.rows(0, row + 1)
    noise = np.random.default_rng(row)
    later = slice(row + 1, None)
    values = [v.copy() for v in (grid.open, grid.high, grid.low, grid.close, grid.volume)]
    order = noise.permutation(len(grid.times) - row - 1)
    factors = noise.uniform(0.3, 3.0, values[0][later].shape)
    for column in values:
        column[later] = column[later] * factors if bend == "changed" else column[later][order]
    return CandleGrid(grid.exchange, grid.timeframe, grid.symbols, grid.times, *values)


def assert_same_up_to(decide: Callable[[MarketView], Decisions], grid: CandleGrid, row: int, bend: Bend) -> None:
    """Fail if any decision up to `row` differs once what follows it is bent."""
    before, after = decide(MarketView(grid)), decide(MarketView(bent_after(grid, row, bend)))
    until = slice(0, row + 1)
    np.testing.assert_array_equal(before.side[until], after.side[until])
    np.testing.assert_allclose(before.strength[until], after.strength[until], rtol=0, atol=1e-12)
    assert before.reasons.keys() == after.reasons.keys()
    for name, values in before.reasons.items():
        fired = before.side[until] != 0
        np.testing.assert_allclose(values[until][fired], after.reasons[name][until][fired], rtol=1e-12, err_msg=name)


def show(*words: object) -> None:
    """Write a line of figures into the test's output."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
