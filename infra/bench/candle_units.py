"""Capacity units of the candle store against one item per candle, counted from the requests that the store makes.

The store runs against a table in memory that knows the calls and expressions it uses and keeps the account, so that
items and keys are the real ones, whatever the store becomes. Both sides read consistently.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from infra.bench.dynamo_units import Item, batch_get_units, query_units, write_units
from signalbox.adapters import aws
from signalbox.adapters.storage.candle_table import FrameItem
from signalbox.adapters.storage.candles import DynamoCandleStore
from signalbox.adapters.storage.compaction import DynamoCandleCompactor
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.market.candles import COLUMNS, CandleGrid

BUCKET = 0


@dataclass(frozen=True, slots=True)
class Saving:
    """Units of one item per candle and of the store, for the same candles."""

    one_item_per_candle: float
    store: float

    @property
    def ratio(self) -> float:
        """How many times fewer the store takes."""
        return self.one_item_per_candle / self.store


@dataclass(slots=True)
class UnitTable:
    """The candles table in memory, as a client of DynamoDB; `read` and `written` are the units so far."""

    items: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    read: int = 0
    written: int = 0
    lock: Any = field(default_factory=Lock)

    def query(self, **request: Any) -> dict[str, Any]:
        """Return a series' items of a span of times; one page, however long."""
        values = request["ExpressionAttributeValues"]
        series, first, last = values[":series"]["S"], int(values[":first"]["N"]), int(values[":last"]["N"])
        found = [self.items[key] for key in sorted(self.items) if key[0] == series and first <= key[1] <= last]
        self.read += query_units(found)
        return {"Items": found}

    def get_item(self, **request: Any) -> dict[str, Any]:
        """Return one item."""
        found = self.items.get(_key(request["Key"]))
        self.read += batch_get_units([found] if found else [], absent=not found)
        return {"Item": found} if found else {}

    def batch_get_item(self, **request: Any) -> dict[str, Any]:
        """Return the items of up to a hundred keys."""
        ((table, asked),) = request["RequestItems"].items()
        found = [self.items[_key(key)] for key in asked["Keys"] if _key(key) in self.items]
        self.read += batch_get_units(found, absent=len(asked["Keys"]) - len(found))
        return {"Responses": {table: found}}

    def update_item(self, **request: Any) -> dict[str, Any]:
        """Set attributes, and append to a list; conditions hold."""
        values = request["ExpressionAttributeValues"]
        with self.lock:
            item = self.items.setdefault(_key(request["Key"]), dict(request["Key"]))
            for name, value in re.findall(r"(\w+) = (:\w+)", request["UpdateExpression"]):
                item[name] = values[value]
            for name, value in re.findall(r"(\w+) = list_append\(.*, (:\w+)\)", request["UpdateExpression"]):
                item[name] = {"L": [*item.get(name, {"L": []})["L"], *values[value]["L"]]}
            self.written += write_units(item)
        return {}

    def put_item(self, **request: Any) -> dict[str, Any]:
        """Put an item; conditions hold."""
        with self.lock:
            self.items[_key(request["Item"])] = request["Item"]
            self.written += write_units(request["Item"])
        return {}

    def delete_item(self, **request: Any) -> dict[str, Any]:
        """Delete an item; conditions hold."""
        with self.lock:
            self.written += write_units(self.items.pop(_key(request["Key"])))
        return {}


def candle_item(symbol: str, time: int, values: tuple[float, ...]) -> Item:
    """Return the item of one candle in a table that keeps one item per candle, as frugally as one would write it: the
    same key as a chunk's, short names, a number per column. About 61 bytes for real candles."""
    columns = {name[0]: {"N": repr(value)} for name, value in zip(COLUMNS, values, strict=True)}
    return {"pk": {"S": f"binance#{symbol}#1h"}, "sk": {"N": str(time)}, **columns}


def read_units_saved(grid: CandleGrid, *, window: int, hot: int) -> Saving:
    """Return the units of loading the last `window` candles of every symbol, of which `hot` are not packed yet.

    Raises InvalidValueError if the grid has fewer candles, or the store does not return them.
    """
    if len(grid.times) < window or not 0 < hot < window:
        raise InvalidValueError(f"grid must have {window} candles, was {len(grid.times)}; {hot} of them hot")
    with unit_table() as table:
        DynamoCandleStore().save(grid, BUCKET)
        packed = DynamoCandleCompactor()
        packed.compact(grid.exchange, grid.timeframe, BUCKET, grid.symbols, int(grid.times[-hot - 1]))
        table.read = 0
        span = int(grid.times[-window]), int(grid.times[-1])
        found = DynamoCandleStore().load(grid.exchange, grid.timeframe, BUCKET, grid.symbols, *span)
        store = table.read
    wanted = grid.since(span[0])
    if found.close.tobytes() != wanted.close.tobytes():
        raise InvalidValueError("store must return what was stored, did not")
    single = sum(query_units(_single_items(wanted, symbol)) for symbol in grid.symbols)
    return Saving(single, store)


def write_units_saved(grid: CandleGrid) -> Saving:
    """Return the units of storing the closed candles of all symbols, one row of the grid after the other."""
    with unit_table() as table:
        for row in range(len(grid.times)):
            DynamoCandleStore().save(grid.rows(row, row + 1), BUCKET)
        store = table.written
    single = sum(write_units(item) for symbol in grid.symbols for item in _single_items(grid, symbol))
    return Saving(single, store)


@contextmanager
def unit_table() -> Iterator[UnitTable]:
    """Let the store use a table in memory, and give it back its own client afterwards."""
    table, before = UnitTable(), aws.client

    def client(*_service: str, **_options: Any) -> UnitTable:
        return table

    swap: Callable[[str, Any], None] = aws.__dict__.__setitem__
    swap("client", client)
    FrameItem.name = classmethod(lambda _: "candles")  # type: ignore[method-assign, assignment]
    try:
        yield table
    finally:
        swap("client", before)
        del FrameItem.name


def _single_items(grid: CandleGrid, symbol: str) -> list[Item]:
    return [candle_item(symbol, candle.time, tuple(candle[1:])) for candle in grid.column(symbol)]


def _key(item: Item) -> tuple[str, int]:
    return item["frame_series"]["S"], int(item["time"]["N"])
