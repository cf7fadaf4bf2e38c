"""Send deliveries: claim them, read their signals again, send in the largest batches there are, record each outcome."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import ceil
from threading import Lock
from typing import Any

from signalbox.domain.accounts.account import Tier
from signalbox.domain.delivery.delivery import LEASE, Channel, Delivery, DeliveryState
from signalbox.domain.delivery.message import Envelope, Message, Outcome
from signalbox.domain.delivery.retrying import may_be_sent_again, may_be_tried_again, wait_before_next
from signalbox.domain.errors import (
    ChannelUnavailableError,
    RecipientRejectedError,
    RecipientSuppressedError,
    SignalboxError,
    UnclearOutcomeError,
)
from signalbox.domain.signals.events import EventKind
from signalbox.ports.alerts import TopicLog
from signalbox.ports.delivery import DeliveryRepository
from signalbox.ports.signals import SignalRepository
from signalbox.ports.topics import BatchSender
from signalbox.ports.work import Queue
from signalbox.services.compose_message import compose
from signalbox.services.delivery_task import Task
from signalbox.services.parallel import in_parallel
from signalbox.services.worker_time import ENOUGH_TO_SEND, no_limit

INTERRUPTED = "sending was interrupted twice: it may have arrived"
"""Why a delivery was given up whose workers died, or whose service did not answer, once too often."""
_OUTLASTS_THE_LEASE = ceil(LEASE.total_seconds()) + 1


def no_link(_delivery: Delivery) -> None:
    """Return no link to unsubscribe by."""


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What became of deliveries; `skipped` were finished or held by another worker, `retried` are tried again later.

    `repeated` are those of `accepted` whose sending had been interrupted before: they may have arrived twice, under
    one delivery id. `latencies` are the seconds from publication to acceptance of what was accepted, by channel and
    tier; what waited as its subscriber wished (for a digest, or the end of quiet hours) is not among them.
    """

    accepted: int = 0
    suppressed: int = 0
    failed: int = 0
    skipped: int = 0
    retried: int = 0
    repeated: int = 0
    latencies: Mapping[tuple[str, str], Sequence[float]] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What sending works with.

    `now` is the system clock, by which a signal is still valid or not; `wall_now` the wall clock, by which leases run.
    `page_url` is where signals are shown, below `/signals/`: by pages, or by the API where there are none.
    `unsubscribe_url` returns the link to end such mail by. `log` is where firings of alerts are read. `dead_letters`
    keeps what was tried to its end. `time_left` returns the seconds until the worker is stopped, wherever it is then.
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
    time_left: Callable[[], float] = no_limit


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

    def count(self, name: str) -> None:
        """Add one to a count; from any thread."""
        with self.lock:
            self.counts[name] += 1


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
        if office.time_left() < ENOUGH_TO_SEND:
            _put_back(group, tasks, office, tally)
            continue
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
        elif not may_be_sent_again(found.channel, found.interrupted):
            _give_up(_Letter(number, found), INTERRUPTED, tasks[number], office, tally)
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
            _give_back(letter, found, office, tally)
        elif isinstance(found, str):
            _finish(letter, DeliveryState.SUPPRESSED, office, tally, reason=found)
        else:
            letter.message = found
            ready.append(letter)
    return ready


def _give_back(letter: _Letter, why: SignalboxError, office: Office, tally: _Tally) -> None:
    """Let go of a delivery that nothing was sent for, so that it does not count as interrupted; its message returns."""
    _finish(letter, DeliveryState.QUEUED, office, tally)
    tally.failures[letter.task] = why


def _put_back(letters: Sequence[_Letter], tasks: Sequence[Task], office: Office, tally: _Tally) -> None:
    """Queue what there is no time for again, at once, then let go of it."""
    by_task: dict[int, list[_Letter]] = defaultdict(list)
    for letter in letters:
        by_task[letter.task].append(letter)
    for number, group in by_task.items():
        ids = tuple(letter.delivery.delivery_id for letter in group)
        try:
            office.queues[group[0].delivery.tier].send([replace(tasks[number], delivery_ids=ids).to_message()])
        except SignalboxError as e:
            tally.failures[number] = e
    in_parallel(lambda letter: _finish(letter, DeliveryState.QUEUED, office, tally), letters)


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
    lease, of which the later one counts.

    Where the service may have taken it, the claim is left to lapse, as if the worker had died: that counts.
    """
    delivery = letter.delivery
    if not may_be_tried_again(delivery.channel, delivery.attempts):
        _give_up(letter, str(why), task, office, tally)
        return
    wait = wait_after(why, delivery.attempts, delivery.delivery_id)
    try:
        office.queues[delivery.tier].send([_alone(delivery, task)], delay_seconds=wait)
    except SignalboxError as e:
        tally.failures[letter.task] = e
    if isinstance(why, UnclearOutcomeError):
        tally.count("retried")
    else:
        _finish(letter, DeliveryState.QUEUED, office, tally, reason=str(why))


def wait_after(why: ChannelUnavailableError, attempts: int, name: str) -> int:
    """Return the seconds until the next attempt: where claims are left to lapse, they have lapsed by then."""
    wait = wait_before_next(attempts, name)
    return max(wait, _OUTLASTS_THE_LEASE) if isinstance(why, UnclearOutcomeError) else wait


def _give_up(letter: _Letter, why: str, task: Task, office: Office, tally: _Tally) -> None:
    """Make it a dead letter, then record that it failed; without the first, the message comes back."""
    try:
        office.dead_letters.send([_alone(letter.delivery, task) | {"reason": why}])
    except SignalboxError as e:
        tally.failures[letter.task] = e
        return
    _finish(letter, DeliveryState.FAILED, office, tally, reason=why)


def _alone(delivery: Delivery, task: Task) -> dict[str, Any]:
    return replace(task, delivery_ids=(delivery.delivery_id,)).to_message()


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
    tally.count(_COUNTED[state])
    if state is DeliveryState.ACCEPTED:
        if delivery.interrupted:
            tally.count("repeated")
        if delivery.wait is None:
            with tally.lock:
                latency = delivery.latency(office.wall_now).total_seconds()
                tally.latencies[delivery.channel, delivery.tier].append(latency)
