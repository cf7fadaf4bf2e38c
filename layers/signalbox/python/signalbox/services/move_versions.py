"""Tell readers that data changed: the counters that their kept answers rest on move."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from signalbox.domain.accounts.account import Tier
from signalbox.domain.caching.versions import moves_of
from signalbox.domain.instants import to_iso
from signalbox.domain.signals.events import EventKind, SignalEvent
from signalbox.ports.caching import AnswerStore, VersionRepository
from signalbox.ports.work import Queue

WARMING = "warming"
"""How the keys of the leases begin."""
WARM_AFTER_SECONDS = 6
"""When to warm after a write: by then the indexes have it, so that what is read is good until the next one."""
LONGEST_DELAY_SECONDS = 900
"""What SQS holds a message back at most: as long as the longest tier delay."""


@dataclass(frozen=True, slots=True)
class Warming:
    """Who is told to warm the cache; and leases, so that a burst of writes tells it every few seconds only."""

    queue: Queue
    leases: AnswerStore


def move_versions(
    events: Sequence[SignalEvent], *, versions: VersionRepository, warming: Warming | None = None, now: datetime
) -> int:
    """Move the counters that `events` touch; return how many, and have the cache warmed.

    An event that comes again moves its counters again: readers then look once more, and find what they had. That no
    event is ever passed over matters more than the odd second look. `now` is the wall clock's.
    """
    moves = moves_of(events)
    if moves:
        versions.move(moves, now)
    if warming:
        for delay in sorted(_warm_after(events)):
            if warming.leases.claim(f"{WARMING} {delay}", now, now + timedelta(seconds=WARM_AFTER_SECONDS)):
                warming.queue.send([{"job": "warm_cache", "scheduled_time": to_iso(now)}], delay)
    return len(moves)


def _warm_after(events: Sequence[SignalEvent]) -> set[int]:
    """Return in how many seconds to warm: what ended changes answers now, what was published those of each tier when
    it may be seen there."""
    delays = {WARM_AFTER_SECONDS} if events else set()
    if any(event.kind is EventKind.PUBLISHED for event in events):
        shown = (int(tier.delay.total_seconds()) + WARM_AFTER_SECONDS for tier in Tier)
        delays |= {min(delay, LONGEST_DELAY_SECONDS) for delay in shown}
    return delays
