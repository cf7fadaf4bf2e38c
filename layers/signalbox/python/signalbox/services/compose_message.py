"""What a delivery says: read again just before it is sent, as what was to be told may not be so any more."""

from datetime import datetime

from signalbox.domain.alerts.firing import Firing, read_subject
from signalbox.domain.alerts.rendering import render_firing
from signalbox.domain.delivery.message import Message
from signalbox.domain.delivery.rendering import render
from signalbox.domain.signals.events import EventKind
from signalbox.domain.signals.signal import Signal, Status
from signalbox.ports.alerts import TopicLog
from signalbox.ports.signals import SignalRepository


def compose(
    subject: str, kind: EventKind, *, signals: SignalRepository, log: TopicLog | None, page_url: str, now: datetime
) -> Message | str:
    """Return the message about `subject` (a signal's id, or a firing's place in its topic), or, as plain text, why
    nobody is to be told any more. `now` is the system clock, by which a signal is still valid or not."""
    if kind is EventKind.ALERT:
        firing = None if log is None else _firing(subject, log)
        return "gone" if firing is None else render_firing(firing, page_url)
    signal = signals.get(subject)
    reason = reason_not_to_send(signal, kind, now)
    return render(signal, kind, page_url) if signal is not None and reason is None else reason or "gone"


def reason_not_to_send(signal: Signal | None, kind: EventKind, now: datetime) -> str | None:
    """Return why nobody is to be told any more, or None: an announcement must still be good when it is sent."""
    if signal is None:
        return "gone"
    if kind is EventKind.PUBLISHED and signal.status is not Status.OPEN:
        return "ended"
    if kind is EventKind.PUBLISHED and not signal.is_valid(now):
        return "no longer valid"
    return None


def _firing(subject: str, log: TopicLog) -> Firing | None:
    record = log.entry(*read_subject(subject))
    return None if record is None else Firing.from_record(record)
