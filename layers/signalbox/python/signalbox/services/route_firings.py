"""Decide how the owner of an alert that fired is told, and put the deliveries on their tier's queue."""

from collections.abc import Mapping
from datetime import datetime

from signalbox.domain.accounts.account import Account, Tier
from signalbox.domain.accounts.channel import Channel
from signalbox.domain.alerts.firing import FiringEvent, subject_of
from signalbox.domain.delivery.delivery import Delivery
from signalbox.domain.signals.events import EventKind
from signalbox.ports.delivery import AccountRepository, DeliveryRepository
from signalbox.ports.work import Queue
from signalbox.services.route_deliveries import RoutingReport, messages_of


def route_firing(
    event: FiringEvent,
    *,
    accounts: AccountRepository,
    deliveries: DeliveryRepository,
    queues: Mapping[Tier, Queue],
    now: datetime,
) -> RoutingReport:
    """Store and queue one delivery per channel that the alert names and its account has; nobody is told of a signal
    before their tier may know of it, whatever it was when the alert was made.

    A delivery that was stored before is queued again, as the worker before may have died in between.
    """
    firing = event.firing
    account = accounts.account(firing.account_id)
    if account is None:
        return RoutingReport(0, 0)
    found = [
        Delivery(
            event_id=firing.event_id,
            signal_id=subject_of(firing.account_id, event.sequence),
            account_id=account.account_id,
            channel=channel,
            tier=account.tier,
            recipient=recipient,
            queued_at=now,
            # What the link in its mail ends.
            subscription_id=firing.alert_id,
        )
        for channel in map(Channel, firing.channels)
        if (recipient := _recipient(account, channel, event))
    ]
    added = sum([deliveries.add(delivery) for delivery in found])
    delay = firing.held_back(account.tier.delay, firing.at)
    if found:
        bodies = messages_of(found, EventKind.ALERT, firing.at)
        queues[account.tier].send(bodies, delay_seconds=int(delay.total_seconds()))
    return RoutingReport(deliveries=added, duplicates=len(found) - added)


def _recipient(account: Account, channel: Channel, event: FiringEvent) -> str | None:
    """Return where a channel reaches the account: the firing's place in the account's own topic, or its mail."""
    if channel is Channel.WEBSOCKET:
        return subject_of(account.account_id, event.sequence)
    return account.email if channel is Channel.EMAIL else None
