"""Eleven indicators of a shard at once, against TA-Lib called per symbol, and one candle more against the batch."""

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from infra.bench.findings import Figure, Findings, Skip, Table
from infra.bench.material import shard
from infra.bench.registry import subject
from infra.bench.report import as_milliseconds
from infra.bench.timing import interleaved
from signalbox.domain.indicators.batch import IndicatorBatch
from signalbox.domain.indicators.carried import start, step
from signalbox.domain.indicators.trend import supertrend
from signalbox.domain.market.candles import FloatArray

N_CANDLES = 500
SIZES = {3: 30, 10: 30, 100: 60, 300: 20}
"""Symbols, and in how many rounds they are measured; the figures are those of 100."""

STEPS, FIRST_STEPS = 100, 10
"""Candles one after the other, as when a worker catches up or replays; and only the first of them, with cold caches."""

LIBRARY = "talib"
AGAINST_LIBRARY = 1.6
"""How many times as fast as TA-Lib's loop the batch must be."""

N_LIBRARY_LINES = 17
"""TA-Lib has no Supertrend, whose two lines are ours on both sides."""

_VOLATILITY_FACTOR = (20 / 19) ** 0.5
"""TA-Lib's deviation is that of the population."""


class Columns(NamedTuple):
    """High, low, close and volume, each (n_candles, n_symbols)."""

    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray


def library_lines(talib: Any, high: FloatArray, low: FloatArray, close: FloatArray, volume: FloatArray) -> list[Any]:
    """Return ten of the eleven indicators of one symbol, (n_candles,) each, as a user of TA-Lib would call for them."""
    money = (high + low + close) / 3.0 * volume
    returns = np.empty_like(close)
    returns[0], returns[1:] = np.nan, np.diff(np.log(close))
    return [
        talib.EMA(close, 20),
        talib.RSI(close, 14),
        *talib.MACD(close, 12, 26, 9),
        talib.ATR(high, low, close, 14),
        *talib.BBANDS(close, 20, 2.0, 2.0),
        talib.ADX(high, low, close, 14),
        talib.PLUS_DI(high, low, close, 14),
        talib.MINUS_DI(high, low, close, 14),
        talib.SUM(money, 24) / talib.SUM(volume, 24),
        talib.OBV(close, volume),
        talib.MAX(high, 20),
        talib.MIN(low, 20),
        talib.STDDEV(returns, 20) * _VOLATILITY_FACTOR,
    ]


def library_loop(talib: Any, columns: Columns, kept: FloatArray) -> None:
    """Fill `kept`, (17, n_symbols, n_candles), symbol by symbol, and compute the Supertrend of all symbols at once."""
    by_symbol = [np.ascontiguousarray(values.T) for values in columns]
    for at, symbol in enumerate(zip(*by_symbol, strict=True)):
        for line, values in enumerate(library_lines(talib, *symbol)):
            kept[line, at] = values
    supertrend(columns.high, columns.low, columns.close)


def library_loop_unkept(talib: Any, columns: Columns) -> list[list[Any]]:
    """Return TA-Lib's lines as lists of small arrays, which no code over a shard could use."""
    by_symbol = [np.ascontiguousarray(values.T) for values in columns]
    supertrend(columns.high, columns.low, columns.close)
    return [library_lines(talib, *symbol) for symbol in zip(*by_symbol, strict=True)]


def carried_steps(columns: Columns, count: int) -> Callable[[], None]:
    """Return a case of `count` candles through carried state, each as the last of `columns`."""
    before = Columns(*(values[:-1] for values in columns))
    state = start([str(at) for at in range(columns.close.shape[1])], *before)
    candle = [values[-1] for values in columns]

    def run() -> None:
        moved = state
        for _ in range(count):
            moved, _ = step(moved, *candle)

    return run


@subject("Indicators: a shard at once against TA-Lib per symbol, and one candle more against the batch")
def indicators() -> Findings:
    """Measure `indicators.batch_vs_talib` and `indicators.step_vs_batch`, and the same at other sizes."""
    material = shard(N_CANDLES, max(SIZES))
    rows, ratios = [], {}
    for n_symbols, rounds in SIZES.items():
        grid = material.grid
        chosen = (grid.high, grid.low, grid.close, grid.volume)
        columns = Columns(*(np.ascontiguousarray(values[:, :n_symbols]) for values in chosen))
        seconds = _measured(columns, rounds)
        ratios[n_symbols] = seconds
        rows.append((str(n_symbols), *map(as_milliseconds, seconds.values())))
    table = Table(f"{N_CANDLES} candles of 1h, medians", ("symbols", *ratios[100]), tuple(rows))
    return Findings(*_judged(ratios, material.source), tables=(table,), losses=_losses(ratios))


def _measured(columns: Columns, rounds: int) -> dict[str, float]:
    batch = IndicatorBatch()
    cases: dict[str, Callable[[], object]] = {"batch": partial(batch.compute, *columns)}
    if find_spec(LIBRARY):
        import talib

        kept = np.empty((N_LIBRARY_LINES, *reversed(columns.close.shape)))
        cases["TA-Lib, kept"] = partial(library_loop, talib, columns, kept)
        cases["TA-Lib, not kept"] = partial(library_loop_unkept, talib, columns)
    cases["Supertrend in both"] = partial(supertrend, columns.high, columns.low, columns.close)
    cases["first steps"], cases["step"] = carried_steps(columns, FIRST_STEPS), carried_steps(columns, STEPS)
    seconds = interleaved(cases, rounds)
    return seconds | {"first steps": seconds["first steps"] / FIRST_STEPS, "step": seconds["step"] / STEPS}


def _judged(seconds: dict[int, dict[str, float]], source: str) -> tuple[tuple[Figure, ...], tuple[Skip, ...]]:
    at = seconds[100]
    step_figure = Figure(
        "indicators.step_vs_batch",
        at["batch"] / at["step"],
        "higher",
        60,
        f"time of the batch of {N_CANDLES} candles over that of one candle through carried state, 100 symbols, mean of "
        f"{STEPS} candles one after the other (the first {FIRST_STEPS} alone, with cold caches: "
        f"{at['batch'] / at['first steps']:.0f}); {source}",
    )
    if "TA-Lib, kept" not in at:
        return (step_figure,), (Skip("indicators.batch_vs_talib", "TA-Lib cannot be imported here"),)
    against = Figure(
        "indicators.batch_vs_talib",
        at["TA-Lib, kept"] / at["batch"],
        "higher",
        AGAINST_LIBRARY,
        f"time of TA-Lib's functions called for each of 100 symbols on contiguous float64 columns of {N_CANDLES} "
        "candles, each line kept in one array per indicator, with our Supertrend of all symbols (TA-Lib has none), "
        f"over the time of the batch of the same 11 indicators (19 lines); {source}",
    )
    return (against, step_figure), ()


def _losses(seconds: dict[int, dict[str, float]]) -> tuple[str, ...]:
    plain = "TA-Lib, not kept"
    few = [
        f"{at['batch'] / at[plain]:.1f} times for {size}"
        for size, at in seconds.items()
        if at["batch"] > at.get(plain, np.inf)
    ]
    at = seconds[100]
    cold = at["batch"] / at["first steps"]
    losses = [f"A candle through carried state right after other work, with cold caches, is only {cold:.0f} x cheaper."]
    if plain in at and at[plain] / at["batch"] < AGAINST_LIBRARY:
        losses.append(
            "Against TA-Lib's plain loop, whose lines are not kept in arrays, the batch of 100 symbols is only "
            f"{at[plain] / at['batch']:.2f} times as fast, below the {AGAINST_LIBRARY:g} asked against lines kept."
        )
    if few:
        losses.append(
            "For few symbols TA-Lib's loop is faster where its lines need not be kept in arrays: the batch takes "
            f"{', '.join(few)}. Its loops over time cost the same for a few symbols as for a hundred."
        )
    return tuple(losses)
