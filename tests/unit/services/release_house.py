"""Routing, releasing and sending on fakes, wired as the functions wire them."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from signalbox.domain.accounts.account import Tier
from signalbox.domain.delivery.delivery import Channel, DeliveryState, Subscription
from signalbox.domain.errors import StorageUnavailableError
from signalbox.domain.signals.events import EventKind
from signalbox.domain.signals.signal import Signal
from signalbox.services.deliver_messages import deliver_messages
from signalbox.services.deliver_signals import Office
from signalbox.services.release_due import Desk, ReleaseReport, release_due
from signalbox.services.route_deliveries import route_event
from tests.builders import NOW, make_event, make_signal, make_subscription
from tests.fakes.access import InMemoryQuotas
from tests.fakes.delivery import InMemoryDeliveries, InMemorySubscriptions, RecordingSender
from tests.fakes.signals import InMemorySignals
from tests.fakes.work import InMemoryQueue

HOUR = timedelta(hours=1)


class House:
    """Routing, releasing and sending on fakes, wired as the functions wire them."""

    def __init__(self, *subscriptions: Subscription) -> None:
        self.signals, self.subscriptions = InMemorySignals(), InMemorySubscriptions(*subscriptions)
        self.deliveries, self.quotas = InMemoryDeliveries(), InMemoryQuotas()
        self.queues: Mapping[Tier, InMemoryQueue] = {tier: InMemoryQueue() for tier in Tier}
        self.sender = RecordingSender()
        self.dead_letters = InMemoryQueue()

    def publish(self, *qualities: float, at: datetime = NOW) -> list[Signal]:
        """Publish one signal of each quality, all at once, and route them."""
        found = [
            make_signal(symbol=f"S{number}/USDT", quality_score=quality, published_at=at)
            for number, quality in enumerate(qualities)
        ]
        for signal in found:
            self.signals.add(signal)
            self.route(signal)
        return found

    def route(self, signal: Signal, kind: EventKind = EventKind.PUBLISHED) -> None:
        route_event(
            make_event(signal, kind),
            subscriptions=self.subscriptions,
            deliveries=self.deliveries,
            queues=self.queues,
            now=NOW,
            system_now=NOW,
        )

    def release(self, now: datetime) -> ReleaseReport:
        desk = Desk(self.deliveries, self.subscriptions, self.signals, self.quotas, self.queues, now, now)
        return release_due(desk)

    def send(self, now: datetime) -> None:
        """Send what lies on the queues; bodies stay, as in a queue that delivers twice."""
        for queue in self.queues.values():
            for body in list(queue.bodies):
                self.handle(body, now)

    def handle(self, body: Mapping[str, Any], now: datetime) -> None:
        office = Office(
            signals=self.signals,
            deliveries=self.deliveries,
            senders={Channel.EMAIL: self.sender},
            queues=self.queues,
            dead_letters=self.dead_letters,
            page_url="",
            now=now,
            wall_now=now,
            unsubscribe_url=lambda delivery: f"https://u.example/{delivery.account_id}",
        )
        _, failures = deliver_messages([json.dumps(body)], office, office.unsubscribe_url)
        for failure in failures.values():
            raise failure

    @property
    def subjects(self) -> list[str]:
        return [message.subject for message, _, _ in self.sender.sent]

    @property
    def states(self) -> list[DeliveryState]:
        return [delivery.state for delivery in self.deliveries.stored.values()]


def hiccup(fake: object, call: str, after: int) -> None:
    """Let a method of a fake fail once, after as many calls that do not."""
    calls, method = count(), getattr(fake, call)

    def stumble(*arguments: Any, **named: Any) -> Any:
        if next(calls) == after:
            raise StorageUnavailableError("throttled")
        return method(*arguments, **named)

    setattr(fake, call, stumble)


def wanting(**overrides: Any) -> Subscription:
    return make_subscription(tier=Tier.PREMIUM, **overrides)
