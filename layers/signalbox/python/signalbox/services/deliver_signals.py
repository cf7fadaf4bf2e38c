"""Send deliveries: claim them, read their signals again, send in the largest batches there are, record each outcome."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Lock
from typing import Any

from signalbox.domain.accounts.account import Tier
from signalbox.domain.delivery.delivery import Channel, Delivery, DeliveryState
from signalbox.domain.delivery.message import Envelope, Message, Outcome
from signalbox.domain.delivery.retrying import may_be_tried_again, wait_before_next
from signalbox.domain.errors import (
    ChannelUnavailableError,
    InvalidValueError,
    RecipientRejectedError,
    RecipientSuppressedError,
    SignalboxError,
)
from signalbox.domain.signals.events import EventKind
from signalbox.ports.alerts import TopicLog
from signalbox.ports.delivery import DeliveryRepository
from signalbox.ports.signals import SignalRepository
from signalbox.ports.topics import BatchSender
from signalbox.ports.work import Queue
from signalbox.services.compose_message import compose
from signalbox.services.parallel import in_parallel


def no_link(_delivery: Delivery) -> None:
    """Return no link to unsubscribe by."""


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What became of deliveries; `skipped` were finished or held by another worker, `retried` are tried again later.

    `latencies` are the seconds from queueing to acceptance of what was accepted, by channel and tier.
    """

    accepted: int = 0
    suppressed: int = 0
    failed: int = 0
    skipped: int = 0
    retried: int = 0
    latencies: Mapping[tuple[str, str], Sequence[float]] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Task:
    """Deliveries of one event that one message asks to send. For an alert, `signal_id` names the firing."""

    signal_id: str
    delivery_ids: tuple[str, ...]
    kind: EventKind

    @classmethod
    def from_message(cls, body: Mapping[str, Any]) -> "Task":
        """Read a message's body; raise InvalidValueError if it asks for something else."""
        try:
            ids = [str(delivery_id) for delivery_id in body["delivery_ids"]]
            return cls(str(body["signal_id"]), tuple(ids), EventKind(body["kind"]))
        except (KeyError, TypeError, ValueError) as e:
            raise InvalidValueError(f"message must ask for deliveries, was {str(body)[:200]}") from e

    def to_message(self) -> dict[str, Any]:
        """Return the JSON body of the message that asks for this."""
        return {"signal_id": self.signal_id, "delivery_ids": list(self.delivery_ids), "kind": str(self.kind)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What sending works with.

    `now` is the system clock, by which a signal is still valid or not; `wall_now` the wall clock, by which leases run.
    `unsubscribe_url` returns the link to end such mail by. `log` is where firings of alerts are read. `dead_letters`
    keeps what was tried to its end.
    """

    signals: SignalRepository
    deliveries: DeliveryRepository
    senders: Mapping[Channel, BatchSender]
    queues: Mapping[Tier, Queue]
    dead_letters: Queue
    page_url: str
    now: datetime
    wall_now: datetime
    unsubscribe_url: Callable[[Delivery], str | None] = no_link
    log: TopicLog | None = None


@dataclass(slots=True)
class _Letter:
    """A delivery that this worker holds, and the task that asked for it."""

    task: int
    delivery: Delivery
    message: Message | None = None


@dataclass(slots=True)
class _Tally:
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    latencies: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    failures: dict[int, SignalboxError] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)


def deliver_all(tasks: Sequence[Task], office: Office) -> tuple[DeliveryReport, dict[int, SignalboxError]]:
    """Send what several messages ask for, once each; return what became of it, and why some messages must come back.

    A message comes back only for faults of our own storage and queues. A service that fails for a while has the
    delivery queued again, later each time, up to the limit of its channel; then it has failed and is a dead letter.
    """
    tally = _Tally()
    letters = _compose(_claim(tasks, office, tally), tasks, office, tally)
    by_channel: dict[Channel, list[_Letter]] = defaultdict(list)
    for letter in letters:
        by_channel[letter.delivery.channel].append(letter)
    for channel, group in by_channel.items():
        envelopes = [_envelope(letter, office) for letter in group]
        outcomes = office.senders[channel].send_all(envelopes)
        _record(list(zip(group, outcomes, strict=True)), tasks, office, tally)
    return DeliveryReport(**tally.counts, latencies=dict(tally.latencies)), tally.failures


def _claim(tasks: Sequence[Task], office: Office, tally: _Tally) -> list[_Letter]:
    wanted = [(number, delivery_id) for number, task in enumerate(tasks) for delivery_id in task.delivery_ids]

    def claim(each: tuple[int, str]) -> Delivery | SignalboxError | None:
        try:
            return office.deliveries.claim(tasks[each[0]].signal_id, each[1], office.wall_now)
        except SignalboxError as e:
            return e

    letters = []
    for (number, _), found in zip(wanted, in_parallel(claim, wanted), strict=True):
        if isinstance(found, SignalboxError):
            tally.failures[number] = found
        elif found is None:
            tally.counts["skipped"] += 1
        else:
            letters.append(_Letter(number, found))
    return letters


def _compose(letters: list[_Letter], tasks: Sequence[Task], office: Office, tally: _Tally) -> list[_Letter]:
    told: dict[tuple[str, EventKind], Message | str | SignalboxError] = {}
    ready = []
    for letter in letters:
        task = tasks[letter.task]
        name = (task.signal_id, task.kind)
        if name not in told:
            told[name] = _read_again(task, office)
        found = told[name]
        if isinstance(found, SignalboxError):
            tally.failures[letter.task] = found
        elif isinstance(found, str):
            _finish(letter, DeliveryState.SUPPRESSED, office, tally, reason=found)
        else:
            letter.message = found
            ready.append(letter)
    return ready


def _read_again(task: Task, office: Office) -> Message | str | SignalboxError:
    try:
        return compose(
            task.signal_id, task.kind, signals=office.signals, log=office.log, page_url=office.page_url, now=office.now
        )
    except SignalboxError as e:
        return e


def _envelope(letter: _Letter, office: Office) -> Envelope:
    delivery = letter.delivery
    message = replace(letter.message or _NOTHING, unsubscribe_url=office.unsubscribe_url(delivery))
    return Envelope(message, delivery.recipient, delivery.delivery_id)


_NOTHING = Message(subject="", text="", html="")


def _record(pairs: Sequence[tuple[_Letter, Outcome]], tasks: Sequence[Task], office: Office, tally: _Tally) -> None:
    def record(pair: tuple[_Letter, Outcome]) -> None:
        letter, outcome = pair
        if isinstance(outcome, str):
            _finish(letter, DeliveryState.ACCEPTED, office, tally, service_id=outcome)
        elif isinstance(outcome, RecipientSuppressedError):
            _finish(letter, DeliveryState.SUPPRESSED, office, tally, reason=str(outcome))
        elif isinstance(outcome, RecipientRejectedError):
            _finish(letter, DeliveryState.FAILED, office, tally, reason=str(outcome))
        else:
            _try_later(letter, outcome, tasks[letter.task], office, tally)

    in_parallel(record, pairs)


def _try_later(letter: _Letter, why: ChannelUnavailableError, task: Task, office: Office, tally: _Tally) -> None:
    """Queue the delivery first, then give the claim back: a worker that dies in between leaves both its message and the
    lease, of which the later one counts."""
    delivery = letter.delivery
    again = replace(task, delivery_ids=(delivery.delivery_id,)).to_message()
    go_on = may_be_tried_again(delivery.channel, delivery.attempts)
    try:
        if go_on:
            wait = wait_before_next(delivery.attempts, delivery.delivery_id)
            office.queues[delivery.tier].send([again], delay_seconds=wait)
        else:
            office.dead_letters.send([again | {"reason": str(why)}])
    except SignalboxError as e:
        tally.failures[letter.task] = e
    state = DeliveryState.QUEUED if go_on else DeliveryState.FAILED
    _finish(letter, state, office, tally, reason=str(why))


_COUNTED = {
    DeliveryState.ACCEPTED: "accepted",
    DeliveryState.SUPPRESSED: "suppressed",
    DeliveryState.FAILED: "failed",
    DeliveryState.QUEUED: "retried",
}


def _finish(letter: _Letter, state: DeliveryState, office: Office, tally: _Tally, **changes: str) -> None:
    """Record an outcome; if that fails, the message comes back, and the lease says when the delivery may be sent again:
    once more at most, under the same id."""
    delivery = letter.delivery
    try:
        office.deliveries.finish(delivery, state, office.wall_now, **changes)
    except SignalboxError as e:
        tally.failures[letter.task] = e
        return
    with tally.lock:
        tally.counts[_COUNTED[state]] += 1
        if state is DeliveryState.ACCEPTED:
            latency = (office.wall_now - delivery.queued_at).total_seconds()
            tally.latencies[delivery.channel, delivery.tier].append(latency)
