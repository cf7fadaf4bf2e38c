"""What loading and storing a shard's candles costs, in DynamoDB's units, against one item per candle."""

from infra.bench.candle_units import Saving, read_units_saved, write_units_saved
from infra.bench.findings import Figure, Findings, Table
from infra.bench.material import shard
from infra.bench.registry import subject

N_CANDLES, N_SYMBOLS = 500, 100
STORED_CANDLES = 600
HOT = 24
"""Candles since the nightly packing: the most that a day of hours leaves."""


@subject("Candle store: capacity units against one item per candle")
def measure() -> Findings:
    """Measure `candles.read_units_saved` and `candles.write_units_saved`."""
    material = shard(STORED_CANDLES, N_SYMBOLS)
    grid = material.grid
    read = read_units_saved(grid, window=N_CANDLES, hot=HOT)
    written = write_units_saved(grid.rows(STORED_CANDLES - HOT, STORED_CANDLES))
    figures = (
        Figure(
            "candles.read_units_saved",
            read.ratio,
            "higher",
            5,
            f"read units of {N_CANDLES} candles of {N_SYMBOLS} symbols from a table with one item per candle over "
            f"those of our store, both consistent, {HOT} candles not packed yet; {material.source}",
        ),
        Figure(
            "candles.write_units_saved",
            written.ratio,
            "higher",
            30,
            f"write units of one closed candle of {N_SYMBOLS} symbols as one item per candle over those of our store, "
            f"mean of {HOT} candles; {material.source}",
        ),
    )
    rows = (_row(f"load {N_CANDLES} candles", read), _row(f"store {HOT} candles", written))
    columns = ("", "one item per candle", "ours", "saved")
    return Findings(figures, tables=(Table(f"Units, {N_SYMBOLS} symbols", columns, rows),))


def _row(what: str, saving: Saving) -> tuple[str, ...]:
    return what, f"{saving.one_item_per_candle:g}", f"{saving.store:g}", f"{saving.ratio:.1f} x"
