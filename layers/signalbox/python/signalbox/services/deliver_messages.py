"""Send what a batch of messages asks for: the digests one by one, everything else together, some hundred at a time.

A worker that runs out of time leaves what it holds interrupted: sent or not, nobody knows. So it takes no more than it
can send, and gives back what it has no time for.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from signalbox.domain.delivery.delivery import Delivery
from signalbox.domain.errors import InvalidValueError, SignalboxError
from signalbox.services.deliver_digest import deliver_digest
from signalbox.services.deliver_signals import DeliveryReport, Office, deliver_all
from signalbox.services.delivery_task import Task
from signalbox.services.worker_time import ENOUGH_TO_BEGIN, no_time

MOST_TOGETHER = 100
"""Deliveries that are claimed, sent and recorded at a time, unless one message asks for more."""


def deliver_messages(
    bodies: Sequence[str], office: Office, digest_unsubscribe_url: Callable[[Delivery], str | None]
) -> tuple[DeliveryReport, dict[int, Exception]]:
    """Send what the messages with these bodies (JSON) ask for; return what became of it, and why some of them, by their
    places, must come back. A message that cannot be read comes back until it is a dead letter; what a worker has no
    time for is queued again at once."""
    failures: dict[int, Exception] = {}
    tasks: dict[int, Task] = {}
    reports: list[DeliveryReport] = []
    for place, text in enumerate(bodies):
        try:
            body = _read(text)
            if "digest" in body and office.time_left() >= ENOUGH_TO_BEGIN:
                reports.append(_send_digest(body["digest"], office, digest_unsubscribe_url))
            elif "digest" in body:
                failures[place] = no_time()
            else:
                tasks[place] = Task.from_message(body)
        except SignalboxError as e:
            failures[place] = e
    for places in _groups(tasks):
        if office.time_left() < ENOUGH_TO_BEGIN:
            failures |= _put_back({place: tasks[place] for place in places}, office)
            continue
        report, failed = deliver_all([tasks[place] for place in places], office)
        failures |= {places[number]: error for number, error in failed.items()}
        reports.append(report)
    return _sum(reports), failures


def _put_back(tasks: Mapping[int, Task], office: Office) -> dict[int, SignalboxError]:
    """Queue at once again what there was no time to begin; return why some messages must come back by themselves."""
    failures: dict[int, SignalboxError] = {}
    for place, task in tasks.items():
        if task.tier is None:
            failures[place] = no_time()
            continue
        try:
            office.queues[task.tier].send([task.to_message()])
        except SignalboxError as e:
            failures[place] = e
    return failures


def _groups(tasks: Mapping[int, Task]) -> Iterator[list[int]]:
    """Yield the places of tasks, as many together as ask for `MOST_TOGETHER` deliveries at most."""
    group: list[int] = []
    deliveries = 0
    for place, task in tasks.items():
        if group and deliveries + len(task.delivery_ids) > MOST_TOGETHER:
            yield group
            group, deliveries = [], 0
        group.append(place)
        deliveries += len(task.delivery_ids)
    if group:
        yield group


def _read(text: str) -> dict[str, object]:
    try:
        body = json.loads(text)
    except ValueError as e:
        raise InvalidValueError(f"message must be JSON, was {text[:200]!r}") from e
    if not isinstance(body, dict):
        raise InvalidValueError(f"message must be a JSON object, was {text[:200]!r}")
    return body


def _send_digest(items: object, office: Office, unsubscribe_url: Callable[[Delivery], str | None]) -> DeliveryReport:
    if not isinstance(items, list):
        raise InvalidValueError(f"digest must be a list of pairs, was {str(items)[:200]}")
    pairs = [(str(signal_id), str(delivery_id)) for signal_id, delivery_id in items]
    return deliver_digest(pairs, office, unsubscribe_url)


def _sum(reports: Sequence[DeliveryReport]) -> DeliveryReport:
    latencies: dict[tuple[str, str], list[float]] = defaultdict(list)
    for report in reports:
        for name, seconds in report.latencies.items():
            latencies[name] += seconds
    return DeliveryReport(
        accepted=sum(each.accepted for each in reports),
        suppressed=sum(each.suppressed for each in reports),
        failed=sum(each.failed for each in reports),
        skipped=sum(each.skipped for each in reports),
        retried=sum(each.retried for each in reports),
        repeated=sum(each.repeated for each in reports),
        latencies=dict(latencies),
    )
