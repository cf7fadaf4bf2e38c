"""Tell those who are connected what topics say that no delivery tells: changes of regime, and each cycle's prices.

Whoever was away finds the same entries by their numbers, in the log or in the price frames; a post repeated under its
number is kept once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from signalbox.domain.delivery.entries import CyclePrices, TopicEntry
from signalbox.domain.delivery.topics import price_group
from signalbox.domain.market.consensus import ConsensusPrice
from signalbox.ports.delivery import ConnectionPoster
from signalbox.ports.topics import FollowerRepository
from signalbox.ports.work import Queue
from signalbox.services.topics import Posted, fan_out, fan_out_group


@dataclass(frozen=True, slots=True)
class PostingReport:
    """What was told: `entries` of the log, `cycles` of prices, and what became of the posts (`topics.Posted`)."""

    entries: int
    cycles: int
    posted: int
    gone: int
    missed: int


def tell_prices(bucket: int, as_of: datetime, prices: Mapping[str, ConsensusPrice], *, queue: Queue) -> None:
    """Have the followers of these symbols told: one message for a shard's cycle, whether anybody follows or not."""
    if prices:
        queue.send([CyclePrices.of(bucket, as_of, prices).to_message()])


def post_topics(
    told: Sequence[TopicEntry | CyclePrices], *, followers: FollowerRepository, poster: ConnectionPoster
) -> PostingReport:
    """Post entries to everybody who follows their topics, each topic's in the order of their numbers."""
    logged: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}
    cycles = [each for each in told if isinstance(each, CyclePrices)]
    for each in told:
        if isinstance(each, TopicEntry):
            logged.setdefault(each.topic, []).append((each.sequence, each.record))
    in_order = {topic: sorted(entries, key=lambda entry: entry[0]) for topic, entries in logged.items()}
    done: list[Posted] = [fan_out(in_order, followers=followers, poster=poster)]
    done += [
        fan_out_group(price_group(cycle.bucket), cycle.entries, followers=followers, poster=poster)
        for cycle in sorted(cycles, key=lambda each: each.as_of)
    ]
    return PostingReport(
        entries=len(told) - len(cycles),
        cycles=len(cycles),
        posted=sum(each.posted for each in done),
        gone=sum(each.gone for each in done),
        missed=sum(each.missed for each in done),
    )
