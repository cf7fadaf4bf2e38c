"""Tell readers that signals changed: the counters that their kept answers rest on move."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from signalbox.domain.caching.versions import moves_of
from signalbox.domain.instants import to_iso
from signalbox.domain.signals.events import EventKind, SignalEvent
from signalbox.ports.caching import AnswerStore, VersionRepository
from signalbox.ports.work import Queue

WARMING = "warming"
"""The key of the lease."""
WARM_AFTER_SECONDS = 6
"""When to warm after a write: by then the indexes have it, so that what is read is good until the next one."""


@dataclass(frozen=True, slots=True)
class Warming:
    """Who is told to warm the cache; and a lease, so that a burst of writes tells it every few seconds only."""

    queue: Queue
    leases: AnswerStore


def move_versions(
    events: Sequence[SignalEvent], *, versions: VersionRepository, warming: Warming | None = None, now: datetime
) -> int:
    """Move the counters that `events` touch; return how many. Where signals were published, have the cache warmed.

    An event that comes again moves its counters again: readers then look once more, and find what they had. That no
    event is ever passed over matters more than the odd second look. `now` is the wall clock's.
    """
    moves = moves_of(events)
    if moves:
        versions.move(moves, now)
    is_due = warming is not None and any(event.kind is EventKind.PUBLISHED for event in events)
    if warming and is_due and warming.leases.claim(WARMING, now, now + timedelta(seconds=WARM_AFTER_SECONDS)):
        warming.queue.send([{"job": "warm_cache", "scheduled_time": to_iso(now)}], WARM_AFTER_SECONDS)
    return len(moves)
