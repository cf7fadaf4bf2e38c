"""Send several deliveries of one subscriber in one mail: claim each, read its signal again, send, record each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from signalbox.domain.delivery.delivery import Channel, Delivery, DeliveryState
from signalbox.domain.delivery.digest_rendering import Item, render_digest
from signalbox.domain.errors import ChannelUnavailableError, RecipientRejectedError, TransientError
from signalbox.ports.delivery import ChannelSender, DeliveryRepository
from signalbox.ports.signals import SignalRepository
from signalbox.services.compose_message import reason_not_to_send
from signalbox.services.deliver_signals import DeliveryReport


def deliver_digest(
    items: Sequence[tuple[str, str]],
    *,
    signals: SignalRepository,
    deliveries: DeliveryRepository,
    senders: Mapping[Channel, ChannelSender],
    page_url: str,
    unsubscribe_url: Callable[[Delivery], str | None],
    now: datetime,
    wall_now: datetime,
) -> DeliveryReport:
    """Send one mail with those of `items` (signal_id, delivery_id) that were not sent before, in their order.

    `now` is the system clock, by which a signal is still valid or not; `wall_now` the wall clock, by which leases run.

    Raises
    ------
    TransientError
        If another worker holds one of them, or the service is unavailable: all claims are given back and the message
        must come back. One digest is then never split between two workers.
    """
    claimed = _claim_all(items, deliveries, wall_now)
    shown: list[tuple[Delivery, Item]] = []
    for delivery in claimed:
        signal = signals.get(delivery.signal_id)
        reason = reason_not_to_send(signal, delivery.kind, now)
        if signal is None or reason is not None:
            deliveries.finish(delivery, DeliveryState.SUPPRESSED, wall_now, reason=reason)
        else:
            shown.append((delivery, Item(signal, delivery.kind)))
    suppressed, skipped = len(claimed) - len(shown), len(items) - len(claimed)
    if not shown:
        return DeliveryReport(suppressed=suppressed, skipped=skipped)
    first = shown[0][0]
    message = replace(render_digest([item for _, item in shown], page_url), unsubscribe_url=unsubscribe_url(first))
    told = [delivery for delivery, _ in shown]
    try:
        service_id = senders[first.channel].send(message, first.recipient, first.delivery_id)
    except RecipientRejectedError as e:
        _finish(told, DeliveryState.FAILED, deliveries, wall_now, reason=str(e))
        return DeliveryReport(suppressed=suppressed, skipped=skipped, failed=len(told))
    except ChannelUnavailableError as e:
        _finish(told, DeliveryState.QUEUED, deliveries, wall_now, reason=str(e))
        raise TransientError(f"a digest of {len(told)} must be tried again: {e}") from e
    _finish(told, DeliveryState.ACCEPTED, deliveries, wall_now, service_id=service_id)
    return DeliveryReport(accepted=len(told), suppressed=suppressed, skipped=skipped)


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
