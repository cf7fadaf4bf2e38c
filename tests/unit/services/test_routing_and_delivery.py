from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from signalbox.domain.accounts.account import Tier
from signalbox.domain.delivery.delivery import LEASE, Channel, DeliveryState
from signalbox.domain.errors import ChannelUnavailableError, RecipientRejectedError, TransientError
from signalbox.domain.signals.events import EventKind, SignalEvent
from signalbox.domain.signals.signal import NULL_STRATEGY, Signal, Status
from signalbox.services.deliver_signals import DeliveryReport, deliver
from signalbox.services.relay_events import relay_events
from signalbox.services.route_deliveries import RoutingReport, route_event
from tests.builders import NOW, ended, make_event, make_signal, make_subscription
from tests.fakes import InMemoryDeliveries, InMemoryQueue, InMemorySignals, InMemorySubscriptions, RecordingSender


class House:
    """Routing and delivery on fakes, wired as the functions wire them."""

    def __init__(self, *subscriptions: Any, signal: Signal | None = None) -> None:
        self.signals = InMemorySignals()
        self.signals.add(signal or make_signal())
        self.subscriptions = InMemorySubscriptions(*subscriptions)
        self.deliveries = InMemoryDeliveries()
        self.queues: Mapping[Tier, InMemoryQueue] = {tier: InMemoryQueue() for tier in Tier}
        self.sender = RecordingSender()

    def route(self, event: SignalEvent) -> RoutingReport:
        return route_event(
            event, subscriptions=self.subscriptions, deliveries=self.deliveries, queues=self.queues, now=NOW
        )

    def deliver(self, body: Mapping[str, Any], later: timedelta = timedelta(seconds=20)) -> DeliveryReport:
        return deliver(
            body["signal_id"],
            body["delivery_id"],
            EventKind(body["kind"]),
            signals=self.signals,
            deliveries=self.deliveries,
            senders={Channel.EMAIL: self.sender},
            page_url="https://pages.example",
            now=NOW + later,
            wall_now=NOW + later,
        )

    def state(self) -> DeliveryState:
        (delivery,) = self.deliveries.of_signal(make_signal().signal_id)
        return delivery.state


PREMIUM = make_subscription(tier=Tier.PREMIUM)


def routed(house: House, event: SignalEvent | None = None) -> Mapping[str, Any]:
    house.route(event or make_event())
    (body,) = house.queues[Tier.PREMIUM].bodies
    return body


def test_every_event_goes_to_every_queue_and_can_be_read_back() -> None:
    queues = [InMemoryQueue(), InMemoryQueue()]
    assert relay_events([make_event()], queues=queues).events == 1
    assert [SignalEvent.from_message(queue.bodies[0]) for queue in queues] == [make_event()] * 2


def test_a_matching_subscriber_gets_one_delivery_on_their_tiers_queue() -> None:
    house = House(PREMIUM)
    assert house.route(make_event()) == RoutingReport(deliveries=1, duplicates=0)
    assert len(house.queues[Tier.PREMIUM].bodies) == 1
    assert not house.queues[Tier.FREE].bodies


def test_an_event_routed_ten_times_is_one_delivery_and_one_mail() -> None:
    house = House(PREMIUM)
    for _ in range(10):
        house.route(make_event())
    for body in house.queues[Tier.PREMIUM].bodies:
        house.deliver(body)
    assert len(house.sender.sent) == 1


def test_a_free_subscriber_waits_out_the_tier_delay_for_an_open_signal_and_not_for_its_ending() -> None:
    house = House(make_subscription(tier=Tier.FREE))
    house.route(make_event())
    house.route(make_event(kind=EventKind.ENDED))
    assert house.queues[Tier.FREE].delays == [900, 0]


@pytest.mark.parametrize(
    "subscription",
    [
        make_subscription(symbols=frozenset({"ETH/USDT"})),
        make_subscription(minimum_quality=99.0),
        make_subscription(strategies=frozenset({"momentum"})),
        make_subscription(signal_types=frozenset({"SELL"})),
        make_subscription(timeframes=frozenset({"4h"})),
        make_subscription(email=None),
    ],
)
def test_what_was_not_asked_for_is_not_delivered(subscription: Any) -> None:
    house = House(subscription)
    assert house.route(make_event()).deliveries == 0


def test_the_null_strategy_is_told_to_nobody() -> None:
    assert House(PREMIUM).route(make_event(strategy=NULL_STRATEGY)).deliveries == 0


def test_a_revision_is_no_news() -> None:
    assert House(PREMIUM).route(make_event(kind=EventKind.REVISED)).deliveries == 0


def test_a_delivery_is_sent_and_accepted() -> None:
    house = House(PREMIUM)
    assert house.deliver(routed(house)) == DeliveryReport(accepted=1)
    (message, recipient, _) = house.sender.sent[0]
    assert recipient == "ada@example.com"
    assert "BUY BTC/USDT" in message.subject
    assert house.state() is DeliveryState.ACCEPTED


def test_an_ended_signal_is_not_announced_any_more() -> None:
    house = House(PREMIUM)
    body = routed(house)
    house.signals.update(make_signal(), ended(make_signal(), Status.STOP_HIT))
    assert house.deliver(body) == DeliveryReport(suppressed=1)
    assert house.state() is DeliveryState.SUPPRESSED
    assert not house.sender.sent


def test_an_expired_signal_that_is_still_open_is_not_announced() -> None:
    house = House(PREMIUM)
    assert house.deliver(routed(house), later=timedelta(hours=25)) == DeliveryReport(suppressed=1)


def test_the_ending_of_a_signal_is_announced_with_its_result() -> None:
    house = House(PREMIUM)
    over = ended(make_signal(), Status.TARGET_HIT)
    house.signals.update(make_signal(), over)
    house.deliver(routed(house, make_event(over, kind=EventKind.ENDED)))
    assert "TARGET_HIT (+1.95 R)" in house.sender.sent[0][0].subject


def test_a_service_that_is_down_leaves_the_delivery_queued_and_the_message_to_come_back() -> None:
    house = House(PREMIUM)
    body = routed(house)
    house.sender.errors.append(ChannelUnavailableError("throttled"))
    with pytest.raises(TransientError, match="throttled"):
        house.deliver(body)
    assert house.state() is DeliveryState.QUEUED
    assert house.deliver(body) == DeliveryReport(accepted=1)


def test_a_recipient_that_is_gone_is_recorded_as_failed_and_not_tried_again() -> None:
    house = House(PREMIUM)
    body = routed(house)
    house.sender.errors.append(RecipientRejectedError("no such mailbox"))
    assert house.deliver(body) == DeliveryReport(failed=1)
    assert house.deliver(body) == DeliveryReport(skipped=1)


def test_a_worker_that_died_with_a_claim_is_followed_after_its_lease() -> None:
    house = House(PREMIUM)
    body = routed(house)
    house.deliveries.claim(body["signal_id"], body["delivery_id"], NOW)
    assert house.deliver(body, later=timedelta(seconds=1)) == DeliveryReport(skipped=1)
    assert house.deliver(body, later=LEASE + timedelta(seconds=1)) == DeliveryReport(accepted=1)


def test_a_signal_that_is_gone_is_suppressed() -> None:
    house = House(PREMIUM)
    body = routed(house)
    house.signals = InMemorySignals()
    assert house.deliver(body) == DeliveryReport(suppressed=1)


def test_two_accounts_get_a_delivery_each() -> None:
    house = House(PREMIUM, replace(PREMIUM, subscription_id="sub-2", account_id="acc-2"))
    assert house.route(make_event()).deliveries == 2
