"""What DynamoDB would charge: sizes of items and units of requests, by its documented rules.

Capacity is counted from items, so that a figure is the same on every machine. Strongly consistent reads of 4 KB and
writes of 1 KB are one unit each, as of a started unit; a Query adds up its items before it rounds, a BatchGetItem
rounds each item; reading or deleting what is not there costs one unit.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

READ_UNIT = 4096
WRITE_UNIT = 1024

Item = Mapping[str, Mapping[str, Any]]
"""An item as DynamoDB spells it: `{"time": {"N": "17"}}`."""


def item_size(item: Item) -> int:
    """Return the bytes that an item counts for: its names in UTF-8, and its values."""
    return sum(len(name.encode()) + value_size(value) for name, value in item.items())


def value_size(value: Mapping[str, Any]) -> int:
    """Return the bytes of one typed value: a number takes a byte per two digits and one more, containers take three
    and one per element."""
    ((kind, content),) = value.items()
    sizes: dict[str, Callable[[Any], int]] = {
        "S": lambda text: len(text.encode()),
        "B": len,
        "N": _number_size,
        "BOOL": lambda _: 1,
        "NULL": lambda _: 1,
        "L": lambda elements: 3 + sum(1 + value_size(each) for each in elements),
        "M": lambda fields: 3 + sum(1 + len(name.encode()) + value_size(each) for name, each in fields.items()),
    }
    if kind in sizes:
        return sizes[kind](content)
    # Sets: SS, NS, BS.
    return sum(value_size({kind[0]: each}) for each in content)


def query_units(items: Iterable[Item]) -> int:
    """Return the read units of one strongly consistent Query that finds `items`."""
    return read_units(sum(map(item_size, items)))


def batch_get_units(items: Iterable[Item], absent: int = 0) -> int:
    """Return the read units of getting `items` one by one or in batches, and of asking for `absent` others."""
    return sum(read_units(item_size(item)) for item in items) + absent


def read_units(size: int) -> int:
    """Return the strongly consistent read units of `size` bytes; twice what an eventually consistent read takes."""
    return max(-(-size // READ_UNIT), 1)


def write_units(item: Item) -> int:
    """Return the write units of putting, updating or deleting an item of this size in a table without indexes."""
    return max(-(-item_size(item) // WRITE_UNIT), 1)


def _number_size(digits: str) -> int:
    significant = digits.lstrip("-").replace(".", "").strip("0")
    negative = digits.startswith("-")
    return (len(significant) + 1) // 2 + 1 + negative
