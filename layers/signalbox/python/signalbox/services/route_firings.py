"""Decide how the owner of an alert that fired is told, and put the deliveries on their tier's queue."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from signalbox.domain.accounts.account import Account, Tier
from signalbox.domain.accounts.channel import Channel
from signalbox.domain.alerts.firing import FiringEvent, subject_of
from signalbox.domain.delivery.delivery import Delivery, DeliveryState
from signalbox.domain.delivery.devices import devices_recipient
from signalbox.domain.signals.events import EventKind
from signalbox.ports.delivery import AccountRepository, DeliveryRepository
from signalbox.ports.work import Queue
from signalbox.services.route_deliveries import RoutingReport, messages_of

NO_ADDRESS = "no address"
"""Why an account that never gave an address gets no mail."""
MAIL_OFF = "mail switched off"
"""Why an account whose address bounced or complained gets no mail."""


def route_firing(
    event: FiringEvent,
    *,
    accounts: AccountRepository,
    deliveries: DeliveryRepository,
    queues: Mapping[Tier, Queue],
    now: datetime,
    system_now: datetime,
) -> RoutingReport:
    """Store and queue one delivery per channel that the alert names and the account's tier gives.

    Nobody is told of a signal before their tier may know of it, whatever it was when the alert was made. An account
    without an address, or whose address was switched off, gets no mail, which is recorded.

    A delivery that was stored before is queued again, as the worker before may have died in between.
    """
    firing = event.firing
    account = accounts.account(firing.account_id)
    if account is None:
        return RoutingReport(0, 0)
    fired_at = now - max(system_now - firing.at, timedelta(0))
    found = [
        replace(_delivery(event, account, channel, now), published_at=fired_at)
        for channel in map(Channel, firing.channels)
        if channel in account.tier.terms.channels
    ]
    added = sum([deliveries.add(delivery) for delivery in found])
    delay = firing.held_back(account.tier.delay, firing.at)
    queued = [delivery for delivery in found if delivery.state is DeliveryState.QUEUED]
    if queued:
        bodies = messages_of(queued, EventKind.ALERT, firing.at)
        queues[account.tier].send(bodies, delay_seconds=int(delay.total_seconds()))
    return RoutingReport(deliveries=added, duplicates=len(found) - added, suppressed=len(found) - len(queued))


def _delivery(event: FiringEvent, account: Account, channel: Channel, now: datetime) -> Delivery:
    recipient = _recipient(account, channel, event)
    missing = MAIL_OFF if account.mail_off else NO_ADDRESS
    return Delivery(
        event_id=event.firing.event_id,
        signal_id=subject_of(event.firing.account_id, event.sequence),
        account_id=account.account_id,
        channel=channel,
        tier=account.tier,
        recipient=recipient or missing,
        queued_at=now,
        # What the link in its mail ends.
        subscription_id=event.firing.alert_id,
        state=DeliveryState.QUEUED if recipient else DeliveryState.SUPPRESSED,
        reason=None if recipient else missing,
    )


def _recipient(account: Account, channel: Channel, event: FiringEvent) -> str | None:
    """Return where a channel reaches the account: the firing's place in the account's own topic, its devices, or its
    mail."""
    if channel is Channel.WEBSOCKET:
        return subject_of(account.account_id, event.sequence)
    return devices_recipient(account.account_id) if channel is Channel.PUSH else account.mail_address
