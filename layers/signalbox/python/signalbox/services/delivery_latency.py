"""How long deliveries take from publication to acceptance, by channel and tier: counted, and shown as percentiles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from signalbox.domain.accounts.account import Tier
from signalbox.domain.accounts.channel import Channel
from signalbox.domain.delivery.latency import counted, percentile, total
from signalbox.ports.topics import DeliveryLatencies

HOUR = timedelta(hours=1)
Latencies = Mapping[tuple[str, str], Sequence[float]]
"""Seconds by channel and tier."""


@dataclass(frozen=True, slots=True)
class LatencyFigures:
    """What deliveries by one channel to one tier took, in seconds from publication. Those to `FREE` and `PRO` include
    the delay of the tier, `delay_seconds`, which all wait out that announce a signal."""

    channel: Channel
    tier: Tier
    count: int
    p50_seconds: float
    p95_seconds: float
    delay_seconds: float


def until(done: datetime, latencies: Latencies, *, since: datetime) -> Latencies:
    """Return latencies that were taken up to `since`, when a batch was begun, up to when it was `done`: what the
    services took is in them, and rather too much of it than too little."""
    more = max((done - since).total_seconds(), 0.0)
    return {place: [each + more for each in seconds] for place, seconds in latencies.items()}


def count_latencies(latencies: Latencies, *, repository: DeliveryLatencies, now: datetime) -> None:
    """Add what was accepted until `now`, the wall clock's, to its hour: one write for each channel and tier.

    A worker that dies before this leaves some uncounted: they are figures of how things go, and no record.
    """
    for (channel, tier), seconds in latencies.items():
        repository.add(_hour(now), Channel(channel), Tier(tier), counted(seconds))


def told_to_all(now: datetime) -> datetime:
    """Return a moment of the newest hour in which nothing was delivered that a tier may not know of at `now`."""
    return now - max(tier.delay for tier in Tier) - HOUR


def show_latencies(*, repository: DeliveryLatencies, until: datetime) -> tuple[datetime, list[LatencyFigures]]:
    """Return since when, and what deliveries took in the hour of `until` and the one before, by channel and tier; those
    of which there were none are left out."""
    since = _hour(until) - HOUR
    found = repository.of_hours([since, since + HOUR])
    figures = []
    for channel in Channel:
        for tier in Tier:
            bins = total(each for (c, t), each in found if (c, t) == (channel, tier))
            middle, high = percentile(bins, 0.5), percentile(bins, 0.95)
            if middle is not None and high is not None:
                delay = tier.delay.total_seconds()
                figures.append(LatencyFigures(channel, tier, sum(bins.values()), middle, high, delay))
    return since, figures


def _hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0)
