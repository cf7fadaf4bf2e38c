"""Whose is what waits: the subscription that planned it, or, where that wants it no more, another of its account."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from signalbox.domain.accounts.channel import Channel
from signalbox.domain.delivery.delivery import Delivery, Subscription
from signalbox.domain.delivery.planning import plan_delivery
from signalbox.domain.signals.events import event_of
from signalbox.ports.delivery import SubscriptionRepository
from signalbox.ports.signals import SignalRepository
from signalbox.services.route_deliveries import recipient_of


@dataclass(frozen=True, slots=True)
class Wanted:
    """A delivery as it is wanted now, and the subscription that wants it."""

    delivery: Delivery
    subscription: Subscription


@dataclass(frozen=True, slots=True)
class Owners:
    """Finds who wants what is due; whose subscriptions it read once it does not read again."""

    subscriptions: SubscriptionRepository
    signals: SignalRepository
    now: datetime
    _known: dict[tuple[str, str], Subscription | None] = field(default_factory=dict, init=False)
    _of_account: dict[str, list[Subscription]] = field(default_factory=dict, init=False)

    def wanted(self, delivery: Delivery) -> Wanted | None:
        """Return a delivery that is due as it is wanted now; None if nobody of its account wants it any more.

        It goes along where its subscription moves to another confirmed address. Where that is gone, or has its channel
        no more, another one that asks for the event takes it over with its own plan: of several, the soonest.
        """
        own = self._own(delivery)
        recipient = own and _reached_at(own, delivery.channel)
        if own and recipient:
            return Wanted(replace(delivery, recipient=recipient), own)
        return min(self._takers(delivery), key=self._soonness, default=None)

    def _own(self, delivery: Delivery) -> Subscription | None:
        if delivery.subscription_id is None:
            return None
        name = (delivery.account_id, delivery.subscription_id)
        if name not in self._known:
            self._known[name] = self.subscriptions.one(*name)
        return self._known[name]

    def _takers(self, delivery: Delivery) -> Iterator[Wanted]:
        account_id = delivery.account_id
        if account_id not in self._of_account:
            self._of_account[account_id] = self.subscriptions.of_account(account_id)
        others = [(each, _reached_at(each, delivery.channel)) for each in self._of_account[account_id]]
        signal = self.signals.get(delivery.signal_id) if any(recipient for _, recipient in others) else None
        if signal is None:
            return
        event = event_of(delivery.kind, signal)
        for each, recipient in others:
            if recipient and each.wants(event):
                plan = plan_delivery(event, each, delivery.channel)
                at, wait = plan.at or delivery.due_at, plan.wait or delivery.wait
                name = each.subscription_id
                yield Wanted(replace(delivery, subscription_id=name, recipient=recipient, due_at=at, wait=wait), each)

    def _soonness(self, taker: Wanted) -> tuple[datetime, str]:
        return taker.delivery.due_at or self.now, taker.subscription.subscription_id


def _reached_at(subscription: Subscription, channel: Channel) -> str | None:
    return recipient_of(subscription, channel) if channel in subscription.channels else None
