"""Every public indicator once, and candles to run them on. An indicator without a case here fails test_cases.py."""

import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from pyarrow import parquet

from signalbox.domain.indicators import averages, momentum, oscillators, trend, volatility, volume, windows

FloatArray = NDArray[np.float64]


class Columns(NamedTuple):
    """High, low, close and volume of a shard, each `(n_candles, n_symbols)`."""

    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray

    def each(self, change: Callable[[FloatArray], FloatArray]) -> "Columns":
        return Columns(*map(change, self))


@dataclass(frozen=True)
class Case:
    """One indicator with its default parameters; a generic one runs on the close."""

    function: Callable[..., Any]
    warm_up: tuple[int, ...]  # candles without a value, one number per line

    @property
    def name(self) -> str:
        return self.function.__name__

    @property
    def column_names(self) -> list[str]:
        parameters = inspect.signature(self.function).parameters.values()
        return [parameter.name for parameter in parameters if parameter.default is inspect.Parameter.empty]

    def lines(self, columns: Columns, **parameters: Any) -> tuple[FloatArray, ...]:
        chosen = [columns.close if name == "values" else getattr(columns, name) for name in self.column_names]
        result = self.function(*chosen, **parameters)
        return (result,) if isinstance(result, np.ndarray) else tuple(result)


CASES = (
    Case(averages.simple_moving_average, (19,)),
    Case(averages.exponential_moving_average, (19,)),
    Case(averages.weighted_moving_average, (19,)),
    Case(momentum.momentum, (10,)),
    Case(momentum.rate_of_change, (10,)),
    Case(momentum.relative_strength_index, (14,)),
    Case(momentum.moving_average_convergence_divergence, (33, 33, 33)),
    Case(oscillators.fast_stochastic, (6, 6)),
    Case(oscillators.stochastic, (8, 8)),
    Case(oscillators.stochastic_relative_strength_index, (20, 20)),
    Case(oscillators.williams_percent_range, (13,)),
    Case(oscillators.commodity_channel_index, (13,)),
    Case(trend.average_directional_index, (27, 14, 14)),
    Case(trend.supertrend, (10, 10)),
    Case(trend.ichimoku, (8, 25, 51, 77)),
    Case(trend.aroon, (14, 14)),
    Case(trend.linear_regression_slope, (13,)),
    Case(volatility.true_range, (1,)),
    Case(volatility.average_true_range, (14,)),
    Case(volatility.bollinger_bands, (19, 19, 19)),
    Case(volatility.keltner_channels, (19, 19, 19)),
    Case(volatility.donchian_channels, (19, 19)),
    Case(volatility.realised_volatility, (20,)),
    Case(volume.on_balance_volume, (0,)),
    Case(volume.money_flow_index, (14,)),
    Case(volume.rolling_volume_weighted_average_price, (23,)),
    Case(volume.volume_ratio, (20,)),
    Case(windows.highest, (19,)),
    Case(windows.lowest, (19,)),
    Case(windows.z_score, (19,)),
    Case(windows.percentile_rank, (99,)),
)

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def made_candles(n_candles: int = 160, n_symbols: int = 5, seed: int = 7) -> Columns:
    """Return candles of a seeded random walk, without holes."""
    random = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(random.normal(0.0, 0.01, (n_candles, n_symbols)), axis=0))
    opening = np.vstack([close[:1], close[:-1]])
    high = np.maximum(opening, close) * (1 + random.exponential(0.003, close.shape))
    low = np.minimum(opening, close) * (1 - random.exponential(0.003, close.shape))
    return Columns(high, low, close, random.exponential(1000.0, close.shape))


def with_holes(columns: Columns, seed: int = 11) -> Columns:
    """Return the candles with ragged starts and holes of each symbol's own; the first symbol keeps all."""
    random = np.random.default_rng(seed)
    missing = random.random(columns.close.shape) < 0.05
    for column in range(1, columns.close.shape[1]):
        missing[: 7 * column, column] = True
        missing[60 : 60 + 3 * column, column] = True
    missing[:, 0] = False
    return columns.each(lambda values: np.where(missing, np.nan, values))


@cache
def real_candles(file: str) -> tuple[tuple[str, ...], Columns]:
    """Return the symbols and candles of one file of real market data, holes as NaN; without data, skip the test."""
    folder = os.environ.get("SIGNALBOX_DATA")
    if not folder:
        pytest.skip("SIGNALBOX_DATA does not name a folder of real candles")
    table = parquet.read_table(Path(folder) / file)
    names = np.asarray(table["symbol"].to_pylist())
    symbols, column = np.unique(names, return_inverse=True)
    hour = table["date"].cast("int64").to_numpy() // 3_600_000
    row = hour - hour.min()
    cells = []
    for name in Columns._fields:
        values = np.full((int(row.max()) + 1, len(symbols)), np.nan)
        values[row, column] = table[name].to_numpy()
        cells.append(values)
    return tuple(map(str, symbols)), Columns(*cells)
