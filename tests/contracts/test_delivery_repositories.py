"""Subscriptions and deliveries."""

from dataclasses import replace
from datetime import timedelta

import pytest

from signalbox.adapters.storage.deliveries import DynamoDeliveryRepository
from signalbox.adapters.storage.subscriptions import DynamoSubscriptionRepository
from signalbox.domain.delivery.delivery import LEASE, Channel, DeliveryState
from signalbox.domain.errors import InvalidValueError
from signalbox.ports.delivery import DeliveryRepository, SubscriptionRepository
from tests.builders import NOW, make_delivery, make_subscription
from tests.contracts.implementations import either
from tests.fakes.delivery import InMemoryDeliveries, InMemorySubscriptions

subscriptions = either(InMemorySubscriptions, DynamoSubscriptionRepository)
deliveries = either(InMemoryDeliveries, DynamoDeliveryRepository)

DELIVERY = make_delivery()
KEY = (DELIVERY.signal_id, DELIVERY.delivery_id)


def test_subscriptions_match_by_symbol_or_for_all(subscriptions: SubscriptionRepository):
    everything = make_subscription(subscription_id="a", email=None)
    some = make_subscription(
        subscription_id="b",
        symbols=frozenset({"BTC/USDT", "ETH/USDT"}),
        strategies=frozenset({"breakout"}),
        timeframes=frozenset({"1h"}),
        signal_types=frozenset({"BUY"}),
        channels=frozenset({Channel.EMAIL, Channel.WEBSOCKET}),
        minimum_quality=55.5,
        endings=False,
    )
    other = make_subscription(subscription_id="c", symbols=frozenset({"ADA/USDT"}))
    for subscription in (other, some, everything):
        subscriptions.put(subscription)

    assert subscriptions.matching("ETH/USDT") == [everything, some]
    assert subscriptions.matching("XRP/USDT") == [everything]


def test_a_replaced_subscription_is_found_under_its_new_symbols_only(subscriptions: SubscriptionRepository):
    first = make_subscription(symbols=frozenset({"BTC/USDT", "ETH/USDT"}))
    second = replace(first, symbols=frozenset({"ETH/USDT", "ADA/USDT"}), minimum_quality=70.0)
    subscriptions.put(first)
    subscriptions.put(second)

    assert subscriptions.matching("BTC/USDT") == []
    assert subscriptions.matching("ETH/USDT") == subscriptions.matching("ADA/USDT") == [second]

    subscriptions.put(replace(second, symbols=frozenset()))
    subscriptions.put(second)

    assert subscriptions.matching("BTC/USDT") == []


def test_a_delivery_is_added_once(deliveries: DeliveryRepository):
    assert deliveries.add(DELIVERY) is True
    assert deliveries.add(replace(DELIVERY, recipient="eve@example.com")) is False
    assert deliveries.of_signal(DELIVERY.signal_id) == [DELIVERY]


def test_the_deliveries_of_a_signal_come_in_order_of_their_ids(deliveries: DeliveryRepository):
    several = [make_delivery(account_id=f"acc-{number}") for number in range(5)]
    for delivery in several:
        deliveries.add(delivery)

    assert deliveries.of_signal(DELIVERY.signal_id) == sorted(several, key=lambda each: each.delivery_id)
    assert deliveries.of_signal("other") == []


def test_a_claim_takes_the_delivery_for_its_lease(deliveries: DeliveryRepository):
    deliveries.add(DELIVERY)

    claimed = deliveries.claim(*KEY, NOW)

    assert claimed == replace(DELIVERY, state=DeliveryState.CLAIMED, attempts=1, lease_until=NOW + LEASE)
    assert deliveries.of_signal(DELIVERY.signal_id) == [claimed]
    assert deliveries.claim(*KEY, NOW + LEASE - timedelta(milliseconds=1)) is None


def test_a_lapsed_claim_is_taken_over_and_its_holder_can_finish_no_more(deliveries: DeliveryRepository):
    deliveries.add(DELIVERY)
    first = deliveries.claim(*KEY, NOW)
    second = deliveries.claim(*KEY, NOW + LEASE)

    assert (second.attempts, second.interrupted) == (2, 1)
    assert deliveries.finish(first, DeliveryState.FAILED, NOW + LEASE, reason="late") is False
    assert deliveries.of_signal(DELIVERY.signal_id) == [second]
    assert deliveries.finish(second, DeliveryState.ACCEPTED, NOW + LEASE, service_id="m-1") is True


def test_an_unknown_delivery_cannot_be_claimed(deliveries: DeliveryRepository):
    assert deliveries.claim(*KEY, NOW) is None
    assert deliveries.of_signal(DELIVERY.signal_id) == []


@pytest.mark.parametrize(
    ("state", "changes", "accepted_at"),
    [
        (DeliveryState.ACCEPTED, {"service_id": "m-1"}, NOW),
        (DeliveryState.FAILED, {"reason": "no such mailbox"}, None),
        (DeliveryState.SUPPRESSED, {"reason": "ended"}, None),
    ],
)
def test_a_finished_delivery_keeps_its_outcome_and_is_claimed_no_more(
    deliveries: DeliveryRepository, state, changes, accepted_at
):
    deliveries.add(DELIVERY)
    claimed = deliveries.claim(*KEY, NOW)

    assert deliveries.finish(claimed, state, NOW, **changes) is True
    expected = replace(claimed, state=state, lease_until=None, accepted_at=accepted_at, **changes)
    assert deliveries.of_signal(DELIVERY.signal_id) == [expected]
    assert deliveries.claim(*KEY, NOW + timedelta(days=1)) is None


def test_a_claim_given_back_may_be_taken_again_at_once(deliveries: DeliveryRepository):
    deliveries.add(DELIVERY)
    deliveries.finish(deliveries.claim(*KEY, NOW), DeliveryState.QUEUED, NOW, reason="throttled")

    again = deliveries.claim(*KEY, NOW)

    assert again.attempts == 2
    assert again.reason == "throttled"
    deliveries.finish(again, DeliveryState.ACCEPTED, NOW, service_id="m-2")
    assert deliveries.of_signal(DELIVERY.signal_id)[0].reason is None


@pytest.mark.parametrize(
    ("state", "changes"), [(DeliveryState.CLAIMED, {}), (DeliveryState.FAILED, {"recipient": "eve@example.com"})]
)
def test_finish_records_outcomes_and_nothing_else(deliveries: DeliveryRepository, state, changes):
    deliveries.add(DELIVERY)
    claimed = deliveries.claim(*KEY, NOW)

    with pytest.raises(InvalidValueError, match="must"):
        deliveries.finish(claimed, state, NOW, **changes)
    assert deliveries.of_signal(DELIVERY.signal_id) == [claimed]


def test_what_a_service_took_is_found_by_its_id_and_settled_once(deliveries: DynamoDeliveryRepository) -> None:
    delivery = make_delivery()
    deliveries.add(delivery)
    assert not deliveries.settle(delivery, DeliveryState.DELIVERED)
    claimed = deliveries.claim(delivery.signal_id, delivery.delivery_id, NOW)
    assert claimed is not None
    deliveries.finish(claimed, DeliveryState.ACCEPTED, NOW, service_id="mail-1")

    (found,) = deliveries.of_service("mail-1")
    assert deliveries.of_service("mail-2") == []
    assert [deliveries.settle(found, DeliveryState.DELIVERED) for _ in range(2)] == [True, False]
    assert [deliveries.settle(found, DeliveryState.FAILED, "bounce") for _ in range(2)] == [True, False]
    assert not deliveries.settle(found, DeliveryState.DELIVERED)
    settled = deliveries.one(delivery.signal_id, delivery.delivery_id)
    assert settled is not None
    assert (settled.state, settled.reason, settled.accepted_at) == (DeliveryState.FAILED, "bounce", NOW)


def test_an_accounts_deliveries_come_newest_first_and_no_others(deliveries: DynamoDeliveryRepository) -> None:
    moments = [NOW + timedelta(milliseconds=n) for n in range(4)]
    mine = [make_delivery(event_id=f"{n}!published!0", queued_at=moment) for n, moment in enumerate(moments)]
    for delivery in [*mine, make_delivery(account_id="acc-2")]:
        deliveries.add(delivery)
    end = NOW + timedelta(days=1)
    assert list(deliveries.of_account("acc-1", moments[1], moments[3])) == [mine[2], mine[1]]
    assert list(deliveries.of_account("acc-1", moments[3], moments[0])) == []
    assert list(deliveries.of_account("acc-1", moments[0], end, signal_id="other")) == []
    assert len(list(deliveries.of_account("acc-1", NOW, end, signal_id=mine[0].signal_id))) == 4
