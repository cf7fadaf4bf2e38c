"""Send several deliveries of one subscriber in one mail: claim each, read its signal again, send, record each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from signalbox.domain.delivery.delivery import Channel, Delivery, DeliveryState
from signalbox.domain.delivery.digest_rendering import Item, render_digest
from signalbox.domain.delivery.retrying import may_be_sent_again
from signalbox.domain.errors import (
    ChannelUnavailableError,
    RecipientRejectedError,
    TransientError,
    UnclearOutcomeError,
)
from signalbox.ports.delivery import ChannelSender, DeliveryRepository
from signalbox.ports.signals import SignalRepository
from signalbox.ports.work import Queue
from signalbox.services.compose_message import reason_not_to_send
from signalbox.services.deliver_signals import INTERRUPTED, DeliveryReport
from signalbox.services.delivery_task import Task


def deliver_digest(
    items: Sequence[tuple[str, str]],
    *,
    signals: SignalRepository,
    deliveries: DeliveryRepository,
    senders: Mapping[Channel, ChannelSender],
    page_url: str,
    unsubscribe_url: Callable[[Delivery], str | None],
    dead_letters: Queue,
    now: datetime,
    wall_now: datetime,
) -> DeliveryReport:
    """Send one mail with those of `items` (signal_id, delivery_id) that were not sent before, in their order.

    `now` is the system clock, by which a signal is still valid or not; `wall_now` the wall clock, by which leases run.

    Raises
    ------
    TransientError
        If another worker holds one of them, or the service is unavailable: all claims are given back and the message
        must come back. One digest is then never split between two workers. Where the service may have taken it, the
        claims are left to lapse.
    """
    claimed = _claim_all(items, deliveries, wall_now)
    lost = [each for each in claimed if not may_be_sent_again(each.channel, each.interrupted)]
    _give_up(lost, dead_letters, deliveries, wall_now)
    claimed = [each for each in claimed if each not in lost]
    shown = _still_to_be_told(claimed, signals, deliveries, now, wall_now)
    suppressed, skipped = len(claimed) - len(shown), len(items) - len(claimed) - len(lost)
    if not shown:
        return DeliveryReport(suppressed=suppressed, skipped=skipped, failed=len(lost))
    first = shown[0][0]
    message = replace(render_digest([item for _, item in shown], page_url), unsubscribe_url=unsubscribe_url(first))
    told = [delivery for delivery, _ in shown]
    try:
        service_id = senders[first.channel].send(message, first.recipient, first.delivery_id)
    except RecipientRejectedError as e:
        _finish(told, DeliveryState.FAILED, deliveries, wall_now, reason=str(e))
        return DeliveryReport(suppressed=suppressed, skipped=skipped, failed=len(told) + len(lost))
    except UnclearOutcomeError:  # it may have arrived: the claims are left to lapse
        raise
    except ChannelUnavailableError as e:
        _finish(told, DeliveryState.QUEUED, deliveries, wall_now, reason=str(e))
        raise TransientError(f"a digest of {len(told)} must be tried again: {e}") from e
    _finish(told, DeliveryState.ACCEPTED, deliveries, wall_now, service_id=service_id)
    repeated = sum(delivery.interrupted > 0 for delivery in told)
    return DeliveryReport(len(told), suppressed, len(lost), skipped, repeated=repeated)


def _still_to_be_told(
    claimed: Sequence[Delivery],
    signals: SignalRepository,
    deliveries: DeliveryRepository,
    now: datetime,
    wall_now: datetime,
) -> list[tuple[Delivery, Item]]:
    """Return what the digest says of each delivery, and suppress those of which there is nothing to say any more."""
    told = []
    for delivery in claimed:
        found = _read_again(delivery, signals, now)
        if isinstance(found, Item):
            told.append((delivery, found))
        else:
            deliveries.finish(delivery, DeliveryState.SUPPRESSED, wall_now, reason=found)
    return told


def _read_again(delivery: Delivery, signals: SignalRepository, now: datetime) -> Item | str:
    """Return what the digest says of a delivery, or why it says nothing any more."""
    signal = signals.get(delivery.signal_id)
    reason = reason_not_to_send(signal, delivery.kind, now)
    return Item(signal, delivery.kind) if signal is not None and reason is None else reason or "gone"


def _give_up(lost: Sequence[Delivery], dead_letters: Queue, deliveries: DeliveryRepository, wall_now: datetime) -> None:
    tasks = [Task(delivery.signal_id, (delivery.delivery_id,), delivery.kind) for delivery in lost]
    if tasks:
        dead_letters.send([task.to_message() | {"reason": INTERRUPTED} for task in tasks])
    _finish(lost, DeliveryState.FAILED, deliveries, wall_now, reason=INTERRUPTED)


def _claim_all(items: Sequence[tuple[str, str]], deliveries: DeliveryRepository, wall_now: datetime) -> list[Delivery]:
    claimed: list[Delivery] = []
    for signal_id, delivery_id in items:
        taken = deliveries.claim(signal_id, delivery_id, wall_now)
        if taken is not None:
            claimed.append(taken)
            continue
        found = deliveries.one(signal_id, delivery_id)
        if found is not None and found.state is DeliveryState.CLAIMED:
            _finish(claimed, DeliveryState.QUEUED, deliveries, wall_now, reason=None)
            raise TransientError(f"delivery {delivery_id} of a digest is held by another worker")
    return claimed


def _finish(
    several: Sequence[Delivery],
    state: DeliveryState,
    deliveries: DeliveryRepository,
    wall_now: datetime,
    **changes: str | None,
) -> None:
    for delivery in several:
        deliveries.finish(delivery, state, wall_now, **changes)
