"""Reads real candles from parquet or CSV files into arrays, and says what is wrong with a file that holds none."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from infra.local.exchange.candles import DAY, MINUTE, Candles, IntArray
from signalbox.domain.errors import InvalidValueError

COLUMNS = ("date", "open", "high", "low", "close", "volume", "symbol")
_PARQUET = (".parquet", ".pq")
_CSV = (".csv", ".csv.gz")


@dataclass(frozen=True, eq=False, slots=True)
class Recording:
    """Real candles of many symbols (`BTC/USDT`, in the file's order), all of `step_ms`."""

    step_ms: int
    series: dict[str, Candles]


def read_recording(source: str) -> Recording:
    """Return the candles of a parquet, CSV or CSV.gz file, or of all such files in a folder.

    Columns: `date` (open time: a timestamp, ISO 8601 text, or epoch ms), `open, high, low, close, volume`, `symbol`
    (`BTC_USDT` or `BTC/USDT`). Raises InvalidValueError naming the file and what is wrong with it.
    """
    tables = [(path, _table(path)) for path in _files(Path(source))]
    series: dict[str, Candles] = {}
    for path, table in tables:
        for symbol, candles in _series(path, table).items():
            if symbol in series:
                raise InvalidValueError(f"{source}: each symbol must be in one file, {symbol} is also in {path.name}")
            series[symbol] = candles
    steps = {name: _step(candles.times) for name, candles in series.items() if len(candles) > 1}
    found = sorted({step // MINUTE for step in steps.values()})
    if len(found) != 1:
        raise InvalidValueError(f"{source}: candles must all be of one timeframe, found (in minutes) {found}")
    step = found[0] * MINUTE
    for symbol, candles in series.items():
        if DAY % step or (candles.times % step).any():
            raise InvalidValueError(f"{source}: dates must lie on a grid that divides a day, those of {symbol} do not")
    return Recording(step, series)


def _files(source: Path) -> list[Path]:
    if not source.exists():
        raise InvalidValueError(f"market must be `simulated` or a file or folder of candles, {source} does not exist")
    if source.is_file():
        return [source]
    found = sorted(path for path in source.iterdir() if path.name.lower().endswith((*_PARQUET, *_CSV)))
    if not found:
        raise InvalidValueError(f"{source}: a folder of candles must hold .parquet, .csv or .csv.gz files, holds none")
    return found


def _table(path: Path) -> pa.Table:
    name = path.name.lower()
    try:
        if name.endswith(_PARQUET):
            table = parquet.read_table(path)
        elif name.endswith(_CSV):
            table = csv.read_csv(path)
        else:
            raise InvalidValueError(f"{path}: a file of candles must end in {', '.join((*_PARQUET, *_CSV))}")
    except (pa.ArrowException, OSError) as e:
        raise InvalidValueError(f"{path}: must be readable as candles, is not: {e}") from e
    missing = [column for column in COLUMNS if column not in table.column_names]
    if missing:
        raise InvalidValueError(f"{path}: columns must be {', '.join(COLUMNS)}; missing {', '.join(missing)}")
    if table.num_rows == 0:
        raise InvalidValueError(f"{path}: must hold candles, is empty")
    return table


def _series(path: Path, table: pa.Table) -> dict[str, Candles]:
    try:
        times = _epoch_ms(table["date"])
        values = np.column_stack(
            [pc.cast(table[column], pa.float64()).to_numpy() for column in ("open", "high", "low", "close", "volume")]
        )
        names = pc.dictionary_encode(pc.cast(table["symbol"], pa.string())).combine_chunks()
    except pa.ArrowException as e:
        raise InvalidValueError(f"{path}: columns must hold dates, numbers and symbols, do not: {e}") from e
    if not (np.isfinite(values).all() and (values[:, :4] > 0).all() and (values[:, 4] >= 0).all()):
        raise InvalidValueError(f"{path}: prices must be positive numbers and volumes not negative, some are not")
    codes = np.asarray(names.indices)
    series = {}
    for code, name in enumerate(names.dictionary.to_pylist()):
        rows = np.flatnonzero(codes == code)
        rows = rows[np.argsort(times[rows], kind="stable")]
        if (np.diff(times[rows]) == 0).any():
            raise InvalidValueError(f"{path}: each candle must be there once, {name} has a date twice")
        series[str(name).replace("_", "/")] = Candles(times[rows], values[rows])
    return series


def _epoch_ms(column: pa.ChunkedArray) -> IntArray:
    if pa.types.is_string(column.type):
        column = pc.cast(column, pa.timestamp("ms", tz="UTC"))
    if pa.types.is_timestamp(column.type):
        column = pc.cast(column, pa.timestamp("ms", tz=column.type.tz))
    times = pc.cast(column, pa.int64())
    if times.null_count:
        raise pa.ArrowInvalid(f"{times.null_count} dates are missing")
    return np.asarray(times.to_numpy(), dtype=np.int64)


def _step(times: IntArray) -> int:
    return int(np.diff(times).min())
