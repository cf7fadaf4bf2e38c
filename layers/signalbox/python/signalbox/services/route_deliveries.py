"""Decide who is told of an event, by which channel and when: on their tier's queue, or waiting until it is due."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from signalbox.domain.accounts.account import Tier
from signalbox.domain.delivery.delivery import Channel, Delivery, DeliveryState, Subscription
from signalbox.domain.delivery.devices import devices_recipient
from signalbox.domain.delivery.planning import plan_delivery
from signalbox.domain.delivery.topics import Feed, deliveries_topic
from signalbox.domain.instants import to_iso
from signalbox.domain.signals.events import EventKind, SignalEvent
from signalbox.domain.signals.signal import NULL_STRATEGY
from signalbox.ports.delivery import DeliveryRepository, SubscriptionRepository
from signalbox.ports.work import Queue
from signalbox.services.delivery_task import Task
from signalbox.services.parallel import in_parallel

TOGETHER = 50
"""Deliveries that one message asks for at most: as many as one bulk e-mail takes."""

UNCONFIRMED = "unconfirmed"
"""Why an address that did not answer for itself gets nothing; also stands for it in the record, which it is not in."""


@dataclass(frozen=True, slots=True)
class RoutingReport:
    """What one event led to. `duplicates` had been routed before and were queued again; a claim sends them once.

    `waiting` are those of both that are told later: with a digest, after quiet hours, or within a budget; `suppressed`
    those that are not told at all, as their address was not confirmed.
    """

    deliveries: int
    duplicates: int
    waiting: int = 0
    suppressed: int = 0


@dataclass(frozen=True, slots=True)
class _Told:
    """An event that is being routed, at `now` by the wall clock, and when it was published, by that clock too."""

    event: SignalEvent
    now: datetime
    published_at: datetime


def route_event(
    event: SignalEvent,
    *,
    subscriptions: SubscriptionRepository,
    deliveries: DeliveryRepository,
    queues: Mapping[Tier, Queue],
    now: datetime,
    system_now: datetime,
    feeds: Sequence[Feed] = (),
) -> RoutingReport:
    """Store and queue one delivery per matching subscriber and channel, and one per feed; the null strategy is told to
    nobody, nor is a fill.

    A delivery that was stored before is queued again, as the worker before may have died in between. One that waits for
    a later moment is stored only: `release_due` queues it. Of several subscriptions of one account that ask for the
    same event by the same channel, the one that is told soonest counts. `now` is the wall clock's; `system_now` the
    system clock's, by which tiers wait.
    """
    if event.strategy == NULL_STRATEGY or event.kind is EventKind.FILLED:
        return RoutingReport(0, 0)
    told = _Told(event, now, publication_of(event, now, system_now))
    wanted = {delivery.delivery_id: delivery for delivery in _feed_deliveries(told, feeds)}
    for subscription in subscriptions.matching(event.symbol):
        if subscription.wants(event):
            for delivery in _deliveries(told, subscription):
                known = wanted.get(delivery.delivery_id)
                if known is None or _sooner(delivery, known):
                    wanted[delivery.delivery_id] = delivery
    added = sum(in_parallel(deliveries.add, list(wanted.values())))
    by_tier: dict[Tier, list[Delivery]] = defaultdict(list)
    for delivery in wanted.values():
        if delivery.due_at is None and delivery.state is DeliveryState.QUEUED:
            by_tier[delivery.tier].append(delivery)
    for tier, batch in by_tier.items():
        messages = messages_of(batch, event.kind, event.as_of)
        queues[tier].send(messages, delay_seconds=seconds_to_wait(event, tier, system_now))
    waiting = sum(delivery.due_at is not None for delivery in wanted.values())
    suppressed = sum(delivery.state is DeliveryState.SUPPRESSED for delivery in wanted.values())
    return RoutingReport(deliveries=added, duplicates=len(wanted) - added, waiting=waiting, suppressed=suppressed)


def publication_of(event: SignalEvent, now: datetime, system_now: datetime) -> datetime:
    """Return when an event was published, by the wall clock: for a signal as long ago as the system clock says, else
    when its change was stored."""
    if event.kind is EventKind.PUBLISHED:
        return now - max(system_now - event.as_of, timedelta(0))
    return event.stored_at or now


def seconds_to_wait(event: SignalEvent, tier: Tier, system_now: datetime) -> int:
    """Return the whole seconds until a tier may know of the event: what is routed late, or again, waits for what is
    left of the delay, not for all of it once more."""
    if event.kind is not EventKind.PUBLISHED:
        return 0
    left = event.as_of + tier.delay - system_now
    return ceil(min(max(left, timedelta(0)), tier.delay).total_seconds())


def recipient_of(subscription: Subscription, channel: Channel) -> str | None:
    """Return where `channel` reaches a subscriber, or None: an address that was not confirmed is none."""
    if channel is Channel.WEBSOCKET:
        return deliveries_topic(subscription.account_id)
    if channel is Channel.PUSH:
        return devices_recipient(subscription.account_id)
    return subscription.email if channel is Channel.EMAIL and subscription.confirmed else None


def _deliveries(told: _Told, subscription: Subscription) -> Iterator[Delivery]:
    event = told.event
    # A tier that was changed may not give every channel that was asked for under the one before.
    for channel in sorted(subscription.channels & subscription.tier.terms.channels):
        recipient = recipient_of(subscription, channel)
        delivery = Delivery(
            event_id=event.event_id,
            signal_id=event.signal_id,
            account_id=subscription.account_id,
            channel=channel,
            tier=subscription.tier,
            recipient=recipient or UNCONFIRMED,
            queued_at=told.now,
            published_at=told.published_at,
            subscription_id=subscription.subscription_id,
            quality_score=event.quality_score,
        )
        if recipient:
            plan = plan_delivery(event, subscription, channel)
            yield replace(delivery, due_at=plan.at, wait=plan.wait)
        elif subscription.email:
            yield replace(delivery, state=DeliveryState.SUPPRESSED, reason=UNCONFIRMED)


def _sooner(one: Delivery, other: Delivery) -> bool:
    if one.state is not other.state:
        return one.state is DeliveryState.QUEUED
    return other.due_at is not None and (one.due_at is None or one.due_at < other.due_at)


def messages_of(batch: Sequence[Delivery], kind: EventKind, as_of: datetime) -> list[dict[str, Any]]:
    """Return the messages that have deliveries of one event sent: those of one channel together, as they can be sent
    together."""
    by_channel: dict[Channel, list[Delivery]] = defaultdict(list)
    for delivery in batch:
        by_channel[delivery.channel].append(delivery)
    return [
        Task(group[0].signal_id, _ids(group[start : start + TOGETHER]), kind, group[0].tier).to_message()
        | {"as_of": to_iso(as_of)}
        for group in by_channel.values()
        for start in range(0, len(group), TOGETHER)
    ]


def _feed_deliveries(told: _Told, feeds: Sequence[Feed]) -> Iterator[Delivery]:
    event = told.event
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
            queued_at=told.now,
            published_at=told.published_at,
            quality_score=event.quality_score,
        )


def _ids(deliveries: Sequence[Delivery]) -> tuple[str, ...]:
    return tuple(delivery.delivery_id for delivery in deliveries)
