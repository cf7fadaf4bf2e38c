"""Copy what happened to signals to the queues of everything that reacts to it. All or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from signalbox.domain.signals.events import SignalEvent
from signalbox.ports.work import Queue


@dataclass(frozen=True, slots=True)
class RelayReport:
    """What was relayed."""

    events: int


def relay_events(events: Sequence[SignalEvent], *, queues: Sequence[Queue]) -> RelayReport:
    """Send every event to every queue; raise if any was not taken, so that the stream gives the batch again.

    Those who react count an event once by its id, so a batch relayed twice does no harm.
    """
    for queue in queues:
        queue.send([event.to_message() for event in events])
    return RelayReport(events=len(events))
