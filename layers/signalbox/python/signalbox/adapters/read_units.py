"""The read units that DynamoDB says it took while something was read, by the thread that reads it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

_READS = frozenset({"GetItem", "BatchGetItem", "Query", "Scan"})


@dataclass
class Tally:
    """What was taken so far; None before DynamoDB said anything."""

    units: float | None = None


_tally: ContextVar[Tally | None] = ContextVar("what is being read takes so many read units", default=None)


@contextmanager
def tallied() -> Iterator[Tally]:
    """Add up what everything read within takes."""
    tally = Tally()
    before = _tally.set(tally)
    try:
        yield tally
    finally:
        _tally.reset(before)


def asking_units(operation: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the arguments of a call, which asks what it takes if somebody adds that up."""
    asks = _tally.get() is not None and operation in _READS
    return {**arguments, "ReturnConsumedCapacity": "TOTAL"} if asks else arguments


def note_units(reply: Mapping[str, Any]) -> None:
    """Add what a reply says it took."""
    tally, taken = _tally.get(), reply.get("ConsumedCapacity")
    if tally is not None and taken:
        each = taken if isinstance(taken, list) else [taken]  # a batch may read several tables
        tally.units = (tally.units or 0.0) + sum(one["CapacityUnits"] for one in each)
