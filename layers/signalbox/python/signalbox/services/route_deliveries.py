"""Decide who is told of an event, by which channel and when: on their tier's queue, or waiting until it is due."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from signalbox.domain.accounts.account import Tier
from signalbox.domain.delivery.delivery import Channel, Delivery, Subscription
from signalbox.domain.delivery.planning import plan_delivery
from signalbox.domain.delivery.topics import Feed, deliveries_topic
from signalbox.domain.instants import to_iso
from signalbox.domain.signals.events import EventKind, SignalEvent
from signalbox.domain.signals.signal import NULL_STRATEGY
from signalbox.ports.delivery import DeliveryRepository, SubscriptionRepository
from signalbox.ports.work import Queue
from signalbox.services.deliver_signals import Task
from signalbox.services.parallel import in_parallel

TOGETHER = 50
"""Deliveries that one message asks for at most: as many as one bulk e-mail takes."""


@dataclass(frozen=True, slots=True)
class RoutingReport:
    """What one event led to. `duplicates` had been routed before and were queued again; a claim sends them once.

    `waiting` are those of both that are told later: with a digest, after quiet hours, or within a budget.
    """

    deliveries: int
    duplicates: int
    waiting: int = 0


def route_event(
    event: SignalEvent,
    *,
    subscriptions: SubscriptionRepository,
    deliveries: DeliveryRepository,
    queues: Mapping[Tier, Queue],
    now: datetime,
    feeds: Sequence[Feed] = (),
) -> RoutingReport:
    """Store and queue one delivery per matching subscriber and channel, and one per feed; the null strategy is told to
    nobody, nor is a fill.

    A delivery that was stored before is queued again, as the worker before may have died in between. One that waits for
    a later moment is stored only: `release_due` queues it. Of several subscriptions of one account that ask for the
    same event by the same channel, the one that is told soonest counts.
    """
    if event.strategy == NULL_STRATEGY or event.kind is EventKind.FILLED:
        return RoutingReport(0, 0)
    wanted = {delivery.delivery_id: delivery for delivery in _feed_deliveries(event, feeds, now)}
    for subscription in subscriptions.matching(event.symbol):
        if subscription.wants(event):
            for delivery in _deliveries(event, subscription, now):
                known = wanted.get(delivery.delivery_id)
                if known is None or _sooner(delivery, known):
                    wanted[delivery.delivery_id] = delivery
    added = sum(in_parallel(deliveries.add, list(wanted.values())))
    by_tier: dict[Tier, list[Delivery]] = defaultdict(list)
    for delivery in wanted.values():
        if delivery.due_at is None:
            by_tier[delivery.tier].append(delivery)
    for tier, batch in by_tier.items():
        delay = tier.delay.total_seconds() if event.kind is EventKind.PUBLISHED else 0
        queues[tier].send(messages_of(batch, event.kind, event.as_of), delay_seconds=int(delay))
    waiting = sum(delivery.due_at is not None for delivery in wanted.values())
    return RoutingReport(deliveries=added, duplicates=len(wanted) - added, waiting=waiting)


def recipient_of(subscription: Subscription, channel: Channel) -> str | None:
    """Return where `channel` reaches a subscriber, or None: an address that was not confirmed is none."""
    if channel is Channel.WEBSOCKET:
        return deliveries_topic(subscription.account_id)
    return subscription.email if channel is Channel.EMAIL and subscription.confirmed else None


def _deliveries(event: SignalEvent, subscription: Subscription, now: datetime) -> Iterator[Delivery]:
    for channel in sorted(subscription.channels):
        recipient = recipient_of(subscription, channel)
        if recipient:
            plan = plan_delivery(event, subscription, channel)
            yield Delivery(
                event_id=event.event_id,
                signal_id=event.signal_id,
                account_id=subscription.account_id,
                channel=channel,
                tier=subscription.tier,
                recipient=recipient,
                queued_at=now,
                subscription_id=subscription.subscription_id,
                quality_score=event.quality_score,
                due_at=plan.at,
                wait=plan.wait,
            )


def _sooner(one: Delivery, other: Delivery) -> bool:
    return other.due_at is not None and (one.due_at is None or one.due_at < other.due_at)


def messages_of(batch: Sequence[Delivery], kind: EventKind, as_of: datetime) -> list[dict[str, Any]]:
    """Return the messages that have deliveries of one event sent: those of one channel together, as they can be sent
    together."""
    by_channel: dict[Channel, list[Delivery]] = defaultdict(list)
    for delivery in batch:
        by_channel[delivery.channel].append(delivery)
    return [
        Task(kind=kind, signal_id=group[0].signal_id, delivery_ids=_ids(group[start : start + TOGETHER])).to_message()
        | {"as_of": to_iso(as_of)}
        for group in by_channel.values()
        for start in range(0, len(group), TOGETHER)
    ]


def _feed_deliveries(event: SignalEvent, feeds: Sequence[Feed], now: datetime) -> Iterator[Delivery]:
    if event.kind not in {EventKind.PUBLISHED, EventKind.ENDED}:
        return
    for feed in feeds:
        yield Delivery(
            event_id=event.event_id,
            signal_id=event.signal_id,
            account_id=feed.account_id,
            channel=feed.channel,
            tier=feed.tier,
            recipient=feed.recipient,
            queued_at=now,
            quality_score=event.quality_score,
        )


def _ids(deliveries: Sequence[Delivery]) -> tuple[str, ...]:
    return tuple(delivery.delivery_id for delivery in deliveries)
