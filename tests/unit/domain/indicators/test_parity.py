"""The same numbers as TA-Lib, on real candles; the table is printed with `pytest -s`."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import talib

from tests.unit.domain.indicators.cases import CASES, Columns, FloatArray, real_candles

TOLERANCE = 1e-9
HOURS = "candles-1h-2024H1-74-symbols.parquet"
HOLES = "candles-1h-2020-2024H1-majors.parquet"


def log_returns(close: FloatArray) -> FloatArray:
    return np.concatenate([[np.nan], np.diff(np.log(close))])


def keltner(columns: Columns) -> tuple[FloatArray, ...]:
    middle = talib.EMA(columns.close, 20)
    reach = 2.0 * talib.ATR(columns.high, columns.low, columns.close, 10)
    return middle + reach, middle, middle - reach


LINES: dict[str, Callable[[Columns], Any]] = {
    "simple_moving_average": lambda c: talib.SMA(c.close, 20),
    "exponential_moving_average": lambda c: talib.EMA(c.close, 20),
    "weighted_moving_average": lambda c: talib.WMA(c.close, 20),
    "momentum": lambda c: talib.MOM(c.close, 10),
    "rate_of_change": lambda c: talib.ROC(c.close, 10),
    "relative_strength_index": lambda c: talib.RSI(c.close, 14),
    "moving_average_convergence_divergence": lambda c: talib.MACD(c.close, 12, 26, 9),
    "fast_stochastic": lambda c: talib.STOCHF(c.high, c.low, c.close, 5, 3),
    "stochastic": lambda c: talib.STOCH(c.high, c.low, c.close, 5, 3, 0, 3),
    "stochastic_relative_strength_index": lambda c: talib.STOCHRSI(c.close, 14, 5, 3),
    "williams_percent_range": lambda c: talib.WILLR(c.high, c.low, c.close, 14),
    "commodity_channel_index": lambda c: talib.CCI(c.high, c.low, c.close, 14),
    "average_directional_index": lambda c: (
        talib.ADX(c.high, c.low, c.close, 14),
        talib.PLUS_DI(c.high, c.low, c.close, 14),
        talib.MINUS_DI(c.high, c.low, c.close, 14),
    ),
    "aroon": lambda c: talib.AROON(c.high, c.low, 14)[::-1],
    "linear_regression_slope": lambda c: talib.LINEARREG_SLOPE(c.close, 14),
    "true_range": lambda c: talib.TRANGE(c.high, c.low, c.close),
    "average_true_range": lambda c: talib.ATR(c.high, c.low, c.close, 14),
    "bollinger_bands": lambda c: talib.BBANDS(c.close, 20, 2.0, 2.0),
    "donchian_channels": lambda c: (talib.MAX(c.high, 20), talib.MIN(c.low, 20)),
    "realised_volatility": lambda c: talib.STDDEV(log_returns(c.close), 20) * np.sqrt(20 / 19),
    "on_balance_volume": lambda c: talib.OBV(c.close, c.volume),
    "money_flow_index": lambda c: talib.MFI(c.high, c.low, c.close, c.volume, 14),
    "rolling_volume_weighted_average_price": lambda c: (
        talib.SUM((c.high + c.low + c.close) / 3.0 * c.volume, 24) / talib.SUM(c.volume, 24)
    ),
    "volume_ratio": lambda c: c.volume / np.concatenate([[np.nan], talib.SMA(c.volume, 20)[:-1]]),
    "highest": lambda c: talib.MAX(c.close, 20),
    "lowest": lambda c: talib.MIN(c.close, 20),
    "z_score": lambda c: (c.close - talib.SMA(c.close, 20)) / talib.STDDEV(c.close, 20),
    "keltner_channels": keltner,
}

# What a difference is measured against where the value itself is smaller. Lines in quote currency have a millionth of
# the price. The others have no price to be measured by, and near zero only what TA-Lib's running totals leave behind
# differs: a hundredth of their own unit.
MILLIONTH_OF_PRICE = 1e-6
FLOORS = {
    "relative_strength_index": 1.0,
    "fast_stochastic": 1.0,
    "stochastic": 1.0,
    "stochastic_relative_strength_index": 1.0,
    "williams_percent_range": 1.0,
    "commodity_channel_index": 1.0,
    "average_directional_index": 1.0,
    "aroon": 1.0,
    "money_flow_index": 1.0,
    "rate_of_change": 1e-2,
    "realised_volatility": 1e-4,
    "volume_ratio": 1e-2,
    "z_score": 1e-2,
}
BY_NAME = {case.name: case for case in CASES}


def without_rounding_noise(close: FloatArray, theirs: tuple[FloatArray, ...]) -> tuple[FloatArray, ...]:
    """Return TA-Lib's STOCHRSI with 0 where the index has not moved but in its last bits.

    While the close stands still so does the index, and TA-Lib divides one rounding error by another.
    """
    index = talib.RSI(close, 14)
    moved = talib.MAX(index, 5) - talib.MIN(index, 5)
    k = np.where(moved < 1e-9, 0.0, talib.STOCHF(index, index, index, 5, 1)[0])
    d = talib.SMA(k, 3)
    assert np.nanmax(np.abs(np.where(talib.MAX((moved < 1e-9).astype(float), 3) > 0, 0, d - theirs[1]))) < 1e-9
    return np.where(np.isnan(d), np.nan, k), d


def without_cancellation(close: FloatArray, theirs: FloatArray) -> FloatArray:
    """Return the slope in extended precision, after checking that TA-Lib's is as near to it as its sums allow.

    TA-Lib subtracts sums of some thousand prices from each other, and keeps only 1e-13 of the price.
    """
    centred = np.arange(14, dtype=np.longdouble) - 6.5
    windows = np.lib.stride_tricks.sliding_window_view(close.astype(np.longdouble), 14)
    exact = ((windows * centred).sum(axis=1) / (centred * centred).sum()).astype(np.float64)
    assert (np.abs(theirs[13:] - exact) < 1e-13 * close[13:]).all()
    return np.concatenate([np.full(13, np.nan), exact])


@dataclass
class Comparison:
    """The largest difference found so far, and whether NaN was always in the same places."""

    largest: float = 0.0
    same_warm_up: bool = True
    values: int = 0
    worst: str = ""

    def add(self, ours: FloatArray, theirs: FloatArray, floor: FloatArray, symbol: str) -> None:
        self.same_warm_up &= bool((np.isnan(ours) == np.isnan(theirs)).all())
        here = ~np.isnan(ours) & ~np.isnan(theirs)
        scale = np.maximum(np.abs(theirs[here]), floor[here])
        largest = float((np.abs(ours[here] - theirs[here]) / scale).max(initial=0.0))
        self.values += int(here.sum())
        if largest > self.largest:
            self.largest, self.worst = largest, symbol


def compare(name: str, symbols: tuple[str, ...], columns: Columns) -> Comparison:
    comparison = Comparison()
    ours = BY_NAME[name].lines(columns)
    for at, symbol in enumerate(symbols):
        present = ~np.isnan(columns.close[:, at])
        alone = columns.each(lambda values, at=at, present=present: np.ascontiguousarray(values[present, at]))
        theirs = LINES[name](alone)
        if name == "stochastic_relative_strength_index":
            theirs = without_rounding_noise(alone.close, theirs)
        elif name == "linear_regression_slope":
            theirs = without_cancellation(alone.close, theirs)
        floor = np.full_like(alone.close, FLOORS[name]) if name in FLOORS else MILLIONTH_OF_PRICE * alone.close
        for our_line, their_line in zip(ours, theirs if isinstance(theirs, tuple) else (theirs,), strict=True):
            assert np.isnan(our_line[~present, at]).all()
            comparison.add(our_line[present, at], their_line, floor, symbol)
    return comparison


def table(title: str, comparisons: dict[str, Comparison]) -> str:
    head = f"{'indicator':<42}{'largest difference':>20}  {'NaN equal':<10}{'values':>10}  worst at"
    rows = [
        f"{name:<42}{found.largest:>20.1e}  {found.same_warm_up!s:<10}{found.values:>10}  {found.worst}"
        for name, found in comparisons.items()
    ]
    return "\n".join(["", title, head, *rows, ""])


@pytest.mark.data
@pytest.mark.parametrize(("file", "n_candles"), [(HOURS, None), (HOLES, 6000)], ids=["clean", "holes"])
def test_every_indicator_equals_talib_on_real_candles(
    file: str, n_candles: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    symbols, columns = real_candles(file)
    columns = columns.each(lambda values: values[:n_candles])
    if file == HOLES:
        assert np.isnan(columns.close).any(), "the candles for the hole test have no hole"
    comparisons = {name: compare(name, symbols, columns) for name in LINES}

    with capsys.disabled():
        sys.stdout.write(table(f"{len(symbols)} symbols of {file}", comparisons))
    assert all(found.same_warm_up and found.values for found in comparisons.values())
    assert {name: found.largest for name, found in comparisons.items() if found.largest > TOLERANCE} == {}
