"""Exchanges that stand still while others move: their quotes are sane one by one, and tell of a market that is gone."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import NamedTuple

from signalbox.domain.market.quote_checks import ConsensusLimits, Reading


class Sighting(NamedTuple):
    """An exchange's price, the time it gave with it (epoch ms), and what the other exchanges' median was when this
    price was first seen: what tells an exchange that stands still from a market that does."""

    price: float
    time: int | None
    others: float | None


def sightings_of(readings: Sequence[Reading], seen: Mapping[str, Sighting]) -> dict[str, Sighting]:
    """Return what each exchange shows; of a price that has not changed since `seen`, with what the others were then."""
    sightings = {}
    for reading in readings:
        before, others = seen.get(reading.exchange), _others(reading, readings)
        now = median(others) if others else None
        unmoved = before is not None and before.price == reading.price and before.others is not None
        sightings[reading.exchange] = Sighting(
            reading.price, reading.time, before.others if before and unmoved else now
        )
    return sightings


def is_frozen(
    reading: Reading, readings: Sequence[Reading], sightings: Mapping[str, Sighting], limits: ConsensusLimits
) -> bool:
    """Return whether an exchange stands still while the others move.

    At least two others, and more than half of them, must have moved the same way: of two exchanges, nobody knows which
    one stands still and which one is wrong.
    """
    then, others = sightings[reading.exchange].others, _others(reading, readings)
    if then is None:
        return False
    moves = [price / then - 1 for price in others]
    moved = max(sum(move > limits.frozen_move for move in moves), sum(move < -limits.frozen_move for move in moves))
    return moved >= 2 and moved > len(others) / 2


def time_stands_still(reading: Reading, seen: Mapping[str, Sighting]) -> bool:
    """Return whether an exchange gives the same time with its price as last time."""
    before = seen.get(reading.exchange)
    return before is not None and reading.time is not None and reading.time == before.time


def _others(reading: Reading, readings: Sequence[Reading]) -> list[float]:
    return [other.price for other in readings if other.exchange != reading.exchange]
