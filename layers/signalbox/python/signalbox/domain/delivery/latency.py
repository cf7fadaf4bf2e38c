"""How long deliveries took, kept as counts in bins: any two counts add up, and percentiles of the sum stay within 5 %.

A bin holds the seconds from one power of `GROWTH` to the next, so that its bounds are 10 % apart wherever it lies, and
its middle (the geometric one) is at most 5 % from whatever is in it. Two days of deliveries fill some dozen bins.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from math import ceil, floor, log

from signalbox.domain.errors import InvalidValueError

GROWTH = 1.1
SHORTEST, LONGEST = 0.001, 1e7
"""Seconds. What is shorter or longer counts as this."""
_LOG = log(GROWTH)

Bins = Mapping[int, int]
"""How many deliveries took as long as each bin says."""


def bin_of(seconds: float) -> int:
    """Return the bin of a number of seconds; one below `SHORTEST`, as clocks differ, counts as that."""
    return floor(log(min(max(seconds, SHORTEST), LONGEST)) / _LOG)


def seconds_of(number: int) -> float:
    """Return the middle of a bin, seconds."""
    return float(GROWTH ** (number + 0.5))


def counted(seconds: Iterable[float]) -> dict[int, int]:
    """Return these latencies as counts by bin."""
    return dict(Counter(map(bin_of, seconds)))


def total(several: Iterable[Bins]) -> dict[int, int]:
    """Return the counts of all of them together."""
    found: Counter[int] = Counter()
    for each in several:
        found.update(each)
    return dict(found)


def percentile(bins: Bins, share: float) -> float | None:
    """Return the seconds within which the fastest `share` (0 to 1) of the deliveries were accepted, None without any.

    The value is that of the delivery with this rank (nearest rank), known to 5 %.
    """
    if not 0 < share <= 1:
        raise InvalidValueError(f"share must be above 0 and at most 1, was {share}")
    rank, seen = ceil(share * sum(bins.values())), 0
    for number in sorted(bins):
        seen += bins[number]
        if seen >= rank > 0:
            return seconds_of(number)
    return None
