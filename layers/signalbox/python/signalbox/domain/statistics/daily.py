"""Sufficient statistics of a day: numbers that add up, from whose sum every published figure can be computed.

A value is a flat vector of whole numbers. R is counted in units of 1e-12, so that sums are exact: whatever the order
and the grouping in which values are added, the result is the same to the last bit, and a store that can only add
numbers (one attribute per name) keeps them as they are. The names:

- `published`; `status:<status>`, one for each ending;
- over everything with an R (`booked`): `r`, `rr` (squares), `gain`, `loss` (positive), `cost`, `ambiguous`, and with
  every ambiguous signal taken as a target `optimistic_r`, `optimistic_gain`, `optimistic_loss`;
- `extreme`, `extreme_r`: those of them beyond 5 R either way, which the levels alone cannot give: they were filled so
  near their stop that the unit of R shrank;
- `day:<day of created_at>:n`, `:r` and `:b` (each R bounded at 5), for the intervals and tests by day;
- `end:<day of ended_at>:r`, for the equity curve;
- `quality:<tens>:targets`, `:stops`, and `quality:<tens>:<day of created_at>:n`, `:r`;
- `confidence:<bin>:n`, `:p`, `:pp`, `:hits`, `:p_hits`, in bins of 0.02, of signals that had one.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.signals.signal import Signal, Status

UNITS = 10**12
"""So many units make 1 R (or a probability of 1)."""

CONFIDENCE_BINS = 50

EXTREME_R = 5.0
"""The house's levels, 2 and 3 ATR from the entry, give -1 to +1.5 R before costs. What lies beyond 5 comes from a fill
right beside the stop: R counts in what is left of the risk there, which can be next to nothing."""

_NAME = re.compile(
    r"published|booked|r|rr|gain|loss|cost|ambiguous|extreme|extreme_r|optimistic_(r|gain|loss)|status:[A-Z_]+"
    r"|day:\d{4}-\d\d-\d\d:[nrb]|end:\d{4}-\d\d-\d\d:r|quality:\d0?:(\d{4}-\d\d-\d\d:[nr]|targets|stops)"
    r"|confidence:\d\d:(n|p|pp|hits|p_hits)",
    re.ASCII,
)
_WHOLE = re.compile(r"-?\d+", re.ASCII)
SETTLED = (Status.TARGET_HIT, Status.STOP_HIT, Status.EXPIRED)
"""Endings that say whether a confidence was right: the target was touched first, or it was not."""


class Booked(NamedTuple):
    """What some signals came to: how many were booked, and the sum of their net R."""

    n: int
    r: float


class Day(NamedTuple):
    """What the signals created on one day came to: how many were booked, the sum of their net R, and that sum with
    each R bounded to [-EXTREME_R, +EXTREME_R]."""

    n: int
    r: float
    bounded: float


class Bin(NamedTuple):
    """Signals of similar confidence: how many, the sums of p, p squared, outcomes, and p times outcome."""

    n: int
    p: float
    pp: float
    hits: int
    p_hits: float


@dataclass(frozen=True, slots=True)
class DailyStatistics:
    """The numbers of any set of signals, by name (see the module); zeros are left out.

    Values are added with `+` or `total`. Signals of different origins must not be put into one value.
    """

    numbers: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: "DailyStatistics") -> "DailyStatistics":
        return total((self, other))

    def count(self, name: str) -> int:
        """Return a count, 0 where there is none."""
        return self.numbers.get(name, 0)

    def amount(self, name: str) -> float:
        """Return a sum of R or of probabilities."""
        return self.numbers.get(name, 0) / UNITS

    def ended(self, *statuses: Status) -> int:
        """Return how many signals ended in one of `statuses`."""
        return sum(self.count(f"status:{status}") for status in statuses)

    @property
    def days(self) -> dict[date, Day]:
        """What each day's signals came to, in order, days without a booked signal left out."""
        names = sorted(name for name in self.numbers if name.startswith("day:") and name.endswith(":n"))
        return {
            date.fromisoformat(name[4:14]): Day(
                self.numbers[name], self.amount(f"{name[:-1]}r"), self.amount(f"{name[:-1]}b")
            )
            for name in names
        }

    def quality_days(self, least: int) -> dict[date, Booked]:
        """Return what each day's signals came to whose quality score is in the band from `least` on, in order."""
        band = f"quality:{least}:"
        names = sorted(name for name in self.numbers if name.startswith(band) and name.endswith(":n"))
        return {
            date.fromisoformat(name[len(band) : -2]): Booked(self.numbers[name], self.amount(f"{name[:-1]}r"))
            for name in names
        }

    @property
    def endings(self) -> dict[date, float]:
        """Net R by the day of the ending, in order."""
        names = sorted(name for name in self.numbers if name.startswith("end:"))
        return {date.fromisoformat(name[4:14]): self.amount(name) for name in names}

    @property
    def confidence_bins(self) -> list[Bin]:
        """The bins of confidence that hold a signal, lowest first."""
        bins = [f"confidence:{number:02}" for number in range(CONFIDENCE_BINS)]
        return [
            Bin(
                self.count(f"{name}:n"),
                self.amount(f"{name}:p"),
                self.amount(f"{name}:pp"),
                self.count(f"{name}:hits"),
                self.amount(f"{name}:p_hits"),
            )
            for name in bins
            if self.count(f"{name}:n")
        ]

    @classmethod
    def read(cls, numbers: Mapping[str, object]) -> "DailyStatistics":
        """Return the value that was stored as `numbers`, whole numbers of any type.

        Raises InvalidValueError for a name that is none of ours, or a number that is not whole.
        """
        found: dict[str, int] = {}
        for name, number in numbers.items():
            if not _is_ours(name):
                raise InvalidValueError(f"statistics must have the names of DailyStatistics, found {name!r}")
            if not _WHOLE.fullmatch(str(number)):
                raise InvalidValueError(f"{name} must be a whole number, was {number!r}")
            found[name] = int(str(number))
        return _value(found)


@lru_cache(maxsize=10_000)
def _is_ours(name: str) -> bool:
    """Return whether a name is one of the module's: an answer reads the same few thousand a million times."""
    return _NAME.fullmatch(name) is not None


def total(values: Iterable[DailyStatistics]) -> DailyStatistics:
    """Return the sum of `values`."""
    sums: Counter[str] = Counter()
    for value in values:
        sums.update(value.numbers)
    return _value(sums)


def of(signal: Signal) -> DailyStatistics:
    """Return the statistics of one signal, as it stands."""
    return published(signal) + ending(signal)


def published(_signal: Signal) -> DailyStatistics:
    """Return what the publication of a signal adds."""
    return DailyStatistics({"published": 1})


def ending(signal: Signal) -> DailyStatistics:
    """Return what the ending of a signal adds, on top of its publication; nothing while it is open."""
    return _value(dict(_ending_numbers(signal)))


def bounded(r: float) -> float:
    """Return `r`, at most `EXTREME_R` either way."""
    return min(max(r, -EXTREME_R), EXTREME_R)


def units(amount: float) -> int:
    """Return `amount` in units."""
    return round(amount * UNITS)


def _value(numbers: Mapping[str, int]) -> DailyStatistics:
    return DailyStatistics({name: numbers[name] for name in sorted(numbers) if numbers[name]})


def _ending_numbers(signal: Signal) -> Iterator[tuple[str, int]]:
    end = signal.ending
    if end is None:
        return
    yield f"status:{end.status}", 1
    if end.r is not None:
        best = end.r if end.optimistic_r is None else end.optimistic_r
        net, optimistic = units(end.r), units(best)
        yield from (("booked", 1), ("r", net), ("rr", units(end.r**2)), ("cost", units(end.cost_r or 0.0)))
        yield from (("gain", max(net, 0)), ("loss", max(-net, 0)), ("ambiguous", int(end.ambiguous)))
        yield from (("optimistic_r", optimistic), ("optimistic_gain", max(optimistic, 0)))
        yield "optimistic_loss", max(-optimistic, 0)
        day = f"day:{signal.created_at:%Y-%m-%d}"
        yield from ((f"{day}:n", 1), (f"{day}:r", net), (f"{day}:b", units(bounded(end.r))))
        if abs(end.r) > EXTREME_R:
            yield from (("extreme", 1), ("extreme_r", net))
        yield f"end:{end.ended_at:%Y-%m-%d}:r", net
        band = f"quality:{min(int(signal.quality_score // 10), 9) * 10}"
        own = f"{band}:{signal.created_at:%Y-%m-%d}"
        yield from ((f"{own}:n", 1), (f"{own}:r", net))
        yield f"{band}:targets", int(end.status is Status.TARGET_HIT)
        yield f"{band}:stops", int(end.status is Status.STOP_HIT)
    if signal.confidence is not None and end.status in SETTLED:
        yield from _confidence_numbers(signal.confidence, hit=end.status is Status.TARGET_HIT)


def _confidence_numbers(confidence: float, *, hit: bool) -> Iterator[tuple[str, int]]:
    name = f"confidence:{min(int(confidence * CONFIDENCE_BINS), CONFIDENCE_BINS - 1):02}"
    yield from ((f"{name}:n", 1), (f"{name}:p", units(confidence)), (f"{name}:pp", units(confidence**2)))
    yield from ((f"{name}:hits", int(hit)), (f"{name}:p_hits", units(confidence) if hit else 0))
