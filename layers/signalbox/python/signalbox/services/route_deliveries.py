"""Decide who is told of an event, by which channel, and put the deliveries on their tier's queue."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from signalbox.domain.accounts.account import Tier
from signalbox.domain.delivery.delivery import Channel, Delivery, Subscription
from signalbox.domain.instants import to_iso
from signalbox.domain.signals.events import EventKind, SignalEvent
from signalbox.domain.signals.signal import NULL_STRATEGY
from signalbox.ports.delivery import DeliveryRepository, SubscriptionRepository
from signalbox.ports.work import Queue


@dataclass(frozen=True, slots=True)
class RoutingReport:
    """What one event led to. `duplicates` had been routed before and were queued again; a claim sends them once."""

    deliveries: int
    duplicates: int


def route_event(
    event: SignalEvent,
    *,
    subscriptions: SubscriptionRepository,
    deliveries: DeliveryRepository,
    queues: Mapping[Tier, Queue],
    now: datetime,
) -> RoutingReport:
    """Store and queue one delivery per matching subscriber and channel; the null strategy is told to nobody.

    A delivery that was stored before is queued again, as the worker before may have died in between.
    """
    if event.strategy == NULL_STRATEGY:
        return RoutingReport(0, 0)
    added = 0
    wanted: dict[str, Delivery] = {}
    for subscription in subscriptions.matching(event.symbol):
        if subscription.wants(event):
            for delivery in _deliveries(event, subscription, now):
                wanted[delivery.delivery_id] = delivery
    by_tier: dict[Tier, list[Delivery]] = defaultdict(list)
    for delivery in wanted.values():
        added += deliveries.add(delivery)
        by_tier[delivery.tier].append(delivery)
    for tier, batch in by_tier.items():
        delay = tier.delay.total_seconds() if event.kind is EventKind.PUBLISHED else 0
        queues[tier].send([_message(delivery, event) for delivery in batch], delay_seconds=int(delay))
    return RoutingReport(deliveries=added, duplicates=len(wanted) - added)


def _deliveries(event: SignalEvent, subscription: Subscription, now: datetime) -> list[Delivery]:
    recipients = {Channel.EMAIL: subscription.email}
    return [
        Delivery(
            event_id=event.event_id,
            signal_id=event.signal_id,
            account_id=subscription.account_id,
            channel=channel,
            tier=subscription.tier,
            recipient=recipient,
            queued_at=now,
        )
        for channel in sorted(subscription.channels)
        if (recipient := recipients.get(channel))
    ]


def _message(delivery: Delivery, event: SignalEvent) -> dict[str, str]:
    return {
        "delivery_id": delivery.delivery_id,
        "signal_id": delivery.signal_id,
        "kind": str(event.kind),
        "as_of": to_iso(event.as_of),
    }
