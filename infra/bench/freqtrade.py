"""The same eleven indicators through freqtrade's own strategy interface, in an environment of its own."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from infra.bench.findings import Figure, Findings, Table
from infra.bench.machine import THREADS
from infra.bench.material import Material, shard
from infra.bench.registry import SkippedError, subject
from infra.bench.report import as_milliseconds
from infra.bench.timing import interleaved
from signalbox.domain.indicators.batch import IndicatorBatch
from signalbox.domain.market.candles import COLUMNS

N_CANDLES, N_SYMBOLS = 500, 100
TURNS = 9
INTERPRETER = Path("build/rivals/freqtrade/bin/python")
"""Where `make rivals` puts it."""

_WORKER = Path(__file__).with_name("rivals") / "freqtrade_worker.py"


class Rival:
    """freqtrade in a process of its own, which computes only when asked to."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def turn(self) -> float:
        """Return the processor seconds of one turn over all symbols."""
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the rival must be started with pipes")
        self._process.stdin.write("turn\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"freqtrade ended with {self._process.wait()}")
        return float(answer)


@subject("Indicators: a shard at once against freqtrade's analyze_ticker")
def measure() -> Findings:
    """Measure `indicators.batch_vs_freqtrade`."""
    if not INTERPRETER.exists():
        raise SkippedError("freqtrade is not installed here: `make rivals` does it, in an environment of its own")
    material = shard(N_CANDLES, N_SYMBOLS)
    grid, batch = material.grid, IndicatorBatch()
    ours, theirs = [], []
    with _rival(material) as rival:
        rival.turn()
        for _ in range(TURNS):
            case = {"batch": lambda: batch.compute(grid.high, grid.low, grid.close, grid.volume)}
            ours.append(interleaved(case, rounds=5)["batch"])
            theirs.append(rival.turn())
    ratio = median(theirs) / median(ours)
    figure = Figure(
        "indicators.batch_vs_freqtrade",
        ratio,
        "higher",
        100,
        f"time of freqtrade {_version()}'s IStrategy.analyze_ticker with the same 11 indicators (talib.abstract, "
        "qtpylib, and the Supertrend of its `technical` package) and one entry and exit rule, for each of "
        f"{N_SYMBOLS} symbols of {N_CANDLES} candles, over the time of the batch, in turns; {material.source}",
    )
    rows = (("batch", as_milliseconds(median(ours))), ("freqtrade", as_milliseconds(median(theirs))))
    return Findings((figure,), tables=(Table(f"{N_SYMBOLS} symbols x {N_CANDLES} candles", ("", "median"), rows),))


def _version() -> str:
    code = "from importlib.metadata import version; print(version('freqtrade'))"
    return subprocess.run([str(INTERPRETER), "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@contextmanager
def _rival(material: Material) -> Iterator[Rival]:
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    with TemporaryDirectory() as folder:
        candles = Path(folder) / "candles.npz"
        grid = material.grid
        np.savez(candles, times=grid.times, **{name: getattr(grid, name) for name in COLUMNS})
        command = [str(INTERPRETER), str(_WORKER), str(candles)]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=surroundings | THREADS) as process:
            try:
                yield Rival(process)
            finally:
                if process.stdin is not None:
                    process.stdin.close()
                process.wait(timeout=30)
