"""Send what a batch of messages asks for: the digests one by one, everything else together."""

import json
from collections.abc import Callable, Mapping, Sequence

from signalbox.domain.delivery.delivery import Channel, Delivery
from signalbox.domain.errors import InvalidValueError, SignalboxError
from signalbox.ports.delivery import ChannelSender
from signalbox.services.deliver_digest import deliver_digest
from signalbox.services.deliver_signals import DeliveryReport, Office, Task, deliver_all


def deliver_messages(
    bodies: Sequence[str],
    office: Office,
    digest_senders: Mapping[Channel, ChannelSender],
    digest_unsubscribe_url: Callable[[Delivery], str | None],
) -> tuple[DeliveryReport, dict[int, Exception]]:
    """Send what the messages with these bodies (JSON) ask for; return what became of it, and why some of them, by their
    places, must come back. A message that cannot be read comes back until it is a dead letter."""
    failures: dict[int, Exception] = {}
    tasks: dict[int, Task] = {}
    reports: list[DeliveryReport] = []
    for place, text in enumerate(bodies):
        try:
            body = _read(text)
            if "digest" in body:
                reports.append(_send_digest(body["digest"], office, digest_senders, digest_unsubscribe_url))
            else:
                tasks[place] = Task.from_message(body)
        except SignalboxError as e:
            failures[place] = e
    report, failed = deliver_all(list(tasks.values()), office)
    places = list(tasks)
    failures |= {places[number]: error for number, error in failed.items()}
    return _sum([*reports, report], report), failures


def _read(text: str) -> dict[str, object]:
    try:
        body = json.loads(text)
    except ValueError as e:
        raise InvalidValueError(f"message must be JSON, was {text[:200]!r}") from e
    if not isinstance(body, dict):
        raise InvalidValueError(f"message must be a JSON object, was {text[:200]!r}")
    return body


def _send_digest(
    items: object,
    office: Office,
    senders: Mapping[Channel, ChannelSender],
    unsubscribe_url: Callable[[Delivery], str | None],
) -> DeliveryReport:
    if not isinstance(items, list):
        raise InvalidValueError(f"digest must be a list of pairs, was {str(items)[:200]}")
    return deliver_digest(
        [(str(signal_id), str(delivery_id)) for signal_id, delivery_id in items],
        signals=office.signals,
        deliveries=office.deliveries,
        senders=senders,
        page_url=office.page_url,
        unsubscribe_url=unsubscribe_url,
        now=office.now,
        wall_now=office.wall_now,
    )


def _sum(reports: Sequence[DeliveryReport], with_latencies: DeliveryReport) -> DeliveryReport:
    return DeliveryReport(
        accepted=sum(each.accepted for each in reports),
        suppressed=sum(each.suppressed for each in reports),
        failed=sum(each.failed for each in reports),
        skipped=sum(each.skipped for each in reports),
        retried=sum(each.retried for each in reports),
        latencies=with_latencies.latencies,
    )
