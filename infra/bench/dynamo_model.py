"""DynamoDB's Query and BatchGetItem as a cost model: what is read, by the documented rules, without a database.

A table is a function from a partition to its rows in order, so that a million items need not exist: a row is a number
until it is read. The model stands where the low-level client stands, below the repositories, whose code runs unchanged.
"""

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from infra.bench.dynamo_units import READ_UNIT, item_size
from signalbox.domain.errors import InvalidValueError

Item = dict[str, dict[str, Any]]

PAGE_BYTES = 1024 * 1024
"""What one Query reads at most before it answers with a key to go on from."""

_CONDITION = re.compile(r"#(\w+) = :(\w+)(?: AND #(\w+) BETWEEN :(\w+) AND :(\w+))?")


@dataclass(slots=True)
class Cost:
    """What was read: `items` by table, `units` eventually consistent, half a read unit for every started 4 KB."""

    queries: int = 0
    items: Counter[str] = field(default_factory=Counter)
    units: float = 0.0


class Rows(Protocol):
    """One modelled table."""

    def partition(self, index: str | None, value: str) -> Sequence[int]:
        """Return the rows of a partition in the order of their range keys; `index` None is the table itself."""
        ...

    def range_key(self, index: str | None, row: int) -> str:
        """Return the range key of a row."""
        ...

    def item(self, row: int) -> Item:
        """Return a row's item."""
        ...

    def find(self, key: Item) -> int | None:
        """Return the row with a table key, or None."""
        ...


class ModelledDynamo:
    """Implements what the repositories call of the low-level client to read, and counts what it costs.

    Parameters
    ----------
    tables : mapping of str to Rows
        By name.
    """

    def __init__(self, tables: Mapping[str, Rows]) -> None:
        self._tables = tables
        self.cost = Cost()

    def query(self, **request: Any) -> dict[str, Any]:
        """Answer one Query on an equal hash key and, if asked, a BETWEEN on the range key; nothing else is modelled."""
        found = _CONDITION.fullmatch(request["KeyConditionExpression"])
        if found is None:
            raise InvalidValueError(f"no model of the condition {request['KeyConditionExpression']!r}")
        values = {name[1:]: value["S"] for name, value in request["ExpressionAttributeValues"].items()}
        table, index = self._tables[request["TableName"]], request.get("IndexName")
        rows = table.partition(index, values[found[2]])

        def key(row: int) -> str:
            return table.range_key(index, row)

        first = bisect_left(rows, values[found[4]], key=key) if found[3] else 0
        last = bisect_right(rows, values[found[5]], key=key) if found[3] else len(rows)
        forward = request.get("ScanIndexForward", True)
        if "ExclusiveStartKey" in request:
            start = request["ExclusiveStartKey"]["row"]["N"]
            at = bisect_left(rows, key(int(start)), key=key)
            first, last = (at + 1, last) if forward else (first, at)
        order = range(first, last) if forward else range(last - 1, first - 1, -1)
        return self._page(request["TableName"], [rows[at] for at in order[: request["Limit"]]], request["Limit"])

    def _page(self, name: str, rows: Sequence[int], limit: int) -> dict[str, Any]:
        items: list[Item] = []
        size = 0
        for row in rows:
            items.append(self._tables[name].item(row))
            size += item_size(items[-1])
            if size >= PAGE_BYTES:
                break
        self.cost.queries += 1
        self.cost.items[name] += len(items)
        self.cost.units += max(-(-size // READ_UNIT), 1) / 2
        ended = len(items) < min(limit, len(rows)) or len(items) == limit
        return {
            "Items": items,
            "Count": len(items),
            **({"LastEvaluatedKey": {"row": {"N": str(rows[len(items) - 1])}}} if ended and items else {}),
        }

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N803 - the client's own name
        """Answer one BatchGetItem; each item is rounded up by itself."""
        responses: dict[str, list[Item]] = {}
        for name, asked in RequestItems.items():
            table = self._tables[name]
            rows = [table.find(key) for key in asked["Keys"]]
            responses[name] = [table.item(row) for row in rows if row is not None]
            self.cost.items[name] += len(responses[name])
            self.cost.units += sum(max(-(-item_size(item) // READ_UNIT), 1) / 2 for item in responses[name])
            self.cost.units += sum(row is None for row in rows) / 2
        self.cost.queries += 1
        return {"Responses": responses, "UnprocessedKeys": {}}
