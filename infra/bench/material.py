"""The candles that are measured on: real ones where SIGNALBOX_DATA names them, else the simulated market's."""

import os
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np

from infra.backtest.candles import SIMULATED, load, open_tape
from infra.bench.registry import SkippedError
from signalbox.domain.market.candles import COLUMNS, CandleGrid
from signalbox.domain.market.timeframe import Timeframe

HOURLY = "candles-1h-2024H1-74-symbols.parquet"
MAJORS = "candles-1h-2020-2024H1-majors.parquet"
SEED = 7
START = 1000
"""Rows left out at the beginning: the first of a file are not its usual ones."""


@dataclass(frozen=True, eq=False, slots=True)
class Material:
    """Candles, each symbol's price step, and where they come from, in words for a report."""

    grid: CandleGrid
    price_steps: dict[str, Decimal]
    source: str


def data_file(name: str) -> Path:
    """Return a file of SIGNALBOX_DATA; raise SkippedError if it is not there."""
    folder = os.environ.get("SIGNALBOX_DATA")
    if not folder:
        raise SkippedError("SIGNALBOX_DATA names no folder of real candles")
    path = Path(folder) / name
    if not path.is_file():
        raise SkippedError(f"SIGNALBOX_DATA must hold {name}, it does not")
    return path


def shard(n_candles: int, n_symbols: int) -> Material:
    """Return a clean shard of hourly candles: no holes, so that every rival may have it too.

    Where the source has fewer symbols, they come round again under other names.
    """
    try:
        name, wanted = str(data_file(HOURLY)), "real hourly candles of the first half of 2024"
    except SkippedError:
        name, wanted = SIMULATED, "hourly candles of the simulated market (no SIGNALBOX_DATA)"
    found = load(open_tape(name, SEED), timeframe=Timeframe.H1, since=None, until=None, warm_up_candles=0)
    grid = found.grid.rows(START, START + n_candles)
    whole = np.flatnonzero(grid.present.all(axis=0) & (grid.volume > 0).any(axis=0))
    at = whole[np.arange(n_symbols) % len(whole)]
    names = [_name(grid.symbols[column], number // len(whole)) for number, column in enumerate(at)]
    columns = (np.ascontiguousarray(getattr(grid, column)[:, at]) for column in COLUMNS)
    steps = {name: found.price_steps[grid.symbols[column]] for name, column in zip(names, at, strict=True)}
    source = f"{wanted}, {min(len(whole), n_symbols)} symbols" + (
        f" repeated to {n_symbols}" if n_symbols > len(whole) else ""
    )
    return Material(CandleGrid(grid.exchange, grid.timeframe, tuple(names), grid.times, *columns), steps, source)


def recorded(name: str) -> CandleGrid:
    """Return all hourly candles of one file of SIGNALBOX_DATA; raise SkippedError if it is not there."""
    tape = open_tape(str(data_file(name)), SEED)
    return load(tape, timeframe=Timeframe.H1, since=None, until=None, warm_up_candles=0).grid


def _name(symbol: str, round_: int) -> str:
    base, _, quote = symbol.partition("/")
    return f"{base}{round_ + 1}/{quote}" if round_ else symbol
