"""The shard plan: every symbol of the universe in exactly one shard. A pure function of its inputs."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from math import ceil

from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.universe.shards import Job, Shard
from signalbox.domain.universe.universe import Member


def plan(
    members: Iterable[Member], *, job: Job, timeframe: Timeframe, as_of: datetime, shard_symbols: int
) -> list[Shard]:
    """Return a turn's shards: at most `shard_symbols` symbols each, of one exchange and bucket, evenly filled."""
    groups: dict[tuple[str, int], list[str]] = defaultdict(list)
    for member in members:
        groups[member.exchange, member.bucket].append(member.symbol)
    parts = [
        (exchange, bucket, part)
        for (exchange, bucket), symbols in sorted(groups.items())
        for part in _even_parts(sorted(symbols), shard_symbols)
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
    return [symbols[number::count] for number in range(count)]
