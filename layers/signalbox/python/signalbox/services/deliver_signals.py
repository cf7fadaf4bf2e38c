"""Send one delivery: claim it, read the signal again, send, record the outcome."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from signalbox.domain.delivery.delivery import Channel, DeliveryState
from signalbox.domain.delivery.rendering import render
from signalbox.domain.errors import ChannelUnavailableError, RecipientRejectedError, TransientError
from signalbox.domain.signals.events import EventKind
from signalbox.domain.signals.signal import Signal, Status
from signalbox.ports.delivery import ChannelSender, DeliveryRepository
from signalbox.ports.signals import SignalRepository


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What became of one delivery; `skipped` were finished or held by another worker."""

    accepted: int = 0
    suppressed: int = 0
    failed: int = 0
    skipped: int = 0


def deliver(
    signal_id: str,
    delivery_id: str,
    kind: EventKind,
    *,
    signals: SignalRepository,
    deliveries: DeliveryRepository,
    senders: Mapping[Channel, ChannelSender],
    page_url: str,
    now: datetime,
    wall_now: datetime,
) -> DeliveryReport:
    """Send one delivery once.

    `now` is the system clock, by which a signal is still valid or not; `wall_now` the wall clock, by which leases run.

    Raises
    ------
    TransientError
        If the channel's service is unavailable: the delivery is queued again and its message must come back.
    """
    delivery = deliveries.claim(signal_id, delivery_id, wall_now)
    if delivery is None:
        return DeliveryReport(skipped=1)
    signal = signals.get(signal_id)
    reason = _reason_not_to_send(signal, kind, now)
    if signal is None or reason is not None:
        deliveries.finish(delivery, DeliveryState.SUPPRESSED, wall_now, reason=reason)
        return DeliveryReport(suppressed=1)
    sender = senders[delivery.channel]
    message = render(signal, kind, page_url)
    try:
        service_id = sender.send(message, delivery.recipient, delivery.delivery_id)
    except RecipientRejectedError as e:
        deliveries.finish(delivery, DeliveryState.FAILED, wall_now, reason=str(e))
        return DeliveryReport(failed=1)
    except ChannelUnavailableError as e:
        deliveries.finish(delivery, DeliveryState.QUEUED, wall_now, reason=str(e))
        raise TransientError(f"delivery {delivery.delivery_id} must be tried again: {e}") from e
    deliveries.finish(delivery, DeliveryState.ACCEPTED, wall_now, service_id=service_id)
    return DeliveryReport(accepted=1)


def _reason_not_to_send(signal: Signal | None, kind: EventKind, now: datetime) -> str | None:
    if signal is None:
        return "gone"
    if kind is EventKind.PUBLISHED and signal.status is not Status.OPEN:
        return "ended"
    if kind is EventKind.PUBLISHED and not signal.is_valid(now):
        return "no longer valid"
    return None
