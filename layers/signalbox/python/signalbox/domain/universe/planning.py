"""The shard plan: every symbol of the universe in exactly one shard. A pure function of its inputs."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise
from math import ceil
from zlib import crc32

from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.universe.shards import Job, Shard
from signalbox.domain.universe.universe import Member

OPEN_PARTITIONS = 64
"""Partitions of the open signals. Only cost depends on it here: whatever it is, a plan holds every symbol once."""


def plan(
    members: Iterable[Member], *, job: Job, timeframe: Timeframe, as_of: datetime, shard_symbols: int
) -> list[Shard]:
    """Return a turn's shards: at most `shard_symbols` symbols each, of one exchange and bucket, evenly filled.

    Symbols follow one another by `_place`, so that a shard reads few pages of what is stored by checksum, and those
    whole.
    """
    groups: dict[tuple[str, int], list[str]] = defaultdict(list)
    for member in members:
        groups[member.exchange, member.bucket].append(member.symbol)
    parts = [
        (exchange, bucket, part)
        for (exchange, bucket), symbols in sorted(groups.items())
        for part in _even_parts(sorted(symbols, key=_place), shard_symbols)
    ]
    return [
        Shard(
            job=job,
            number=number,
            count=len(parts),
            exchange=exchange,
            bucket=bucket,
            timeframe=timeframe,
            symbols=tuple(part),
            as_of=as_of,
        )
        for number, (exchange, bucket, part) in enumerate(parts)
    ]


def _even_parts(symbols: list[str], most: int) -> list[list[str]]:
    count = ceil(len(symbols) / most)
    ends = [len(symbols) * number // count for number in range(count + 1)]
    return [symbols[first:last] for first, last in pairwise(ends)]


def _place(symbol: str) -> tuple[int, str]:
    """Where a symbol's open signals lie: by checksum, as the index of open signals is partitioned, then by name."""
    return crc32(symbol.encode()) % OPEN_PARTITIONS, symbol
