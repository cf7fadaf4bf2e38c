"""Do the same thing to many, a bounded number at a time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

WORKERS = 12
"""Threads at most: fewer than the connections that a client of a service keeps open."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_parallel(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Return what `function` gives for each item, in their order; raise what it raised for the first that failed."""
    if len(items) < 2:
        return [function(item) for item in items]
    with ThreadPoolExecutor(max_workers=min(WORKERS, len(items)), thread_name_prefix="parallel") as pool:
        return list(pool.map(function, items))
