"""What one event adds to the statistics, and under which keys: the same however often and whenever it is asked."""

from dataclasses import dataclass

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.signals.events import EventKind
from signalbox.domain.signals.signal import Signal, Status
from signalbox.domain.statistics.daily import DailyStatistics, ending, published
from signalbox.domain.statistics.keys import StatisticsKey, keys_of


@dataclass(frozen=True, slots=True)
class Contribution:
    """`numbers` are added once to each of `keys`; `event` (`<signal_id>!<kind>`) says whether they were already.

    A signal is published once and ends once, so its revision is no part of `event`.
    """

    event: str
    keys: tuple[StatisticsKey, ...]
    numbers: DailyStatistics


def contribution(signal: Signal, kind: EventKind) -> Contribution | None:
    """Return what the publication or the ending of a signal adds, None for an event that is not counted.

    Raises InvalidValueError for the ending of a signal that is open: counted as nothing, it could never be counted.
    """
    if kind is EventKind.PUBLISHED:
        numbers = published(signal)
    elif kind is EventKind.ENDED:
        if signal.status is Status.OPEN:
            raise InvalidValueError(f"signal {signal.signal_id} must have ended to be counted so, was {signal.status}")
        numbers = ending(signal)
    else:
        return None
    return Contribution(f"{signal.signal_id}!{kind}", keys_of(signal), numbers)


def contributions_of(signal: Signal) -> list[Contribution]:
    """Return everything that a signal, as it stands, has added so far."""
    kinds = [EventKind.PUBLISHED] if signal.status is Status.OPEN else [EventKind.PUBLISHED, EventKind.ENDED]
    return [found for kind in kinds if (found := contribution(signal, kind))]
