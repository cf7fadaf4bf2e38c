"""Copy what happened to signals and alerts to the queues of everything that reacts to it. All or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from signalbox.ports.work import Queue


class Event(Protocol):
    """What happened, as a message can tell it."""

    def to_message(self) -> dict[str, Any]:
        """Return the JSON body of this event's message."""
        ...


@dataclass(frozen=True, slots=True)
class RelayReport:
    """What was relayed."""

    events: int


def relay_events(events: Sequence[Event], *, queues: Sequence[Queue]) -> RelayReport:
    """Send every event to every queue; raise if any was not taken, so that the stream gives the batch again.

    Those who react count an event once by its id, so a batch relayed twice does no harm.
    """
    for queue in queues:
        queue.send([event.to_message() for event in events])
    return RelayReport(events=len(events))
