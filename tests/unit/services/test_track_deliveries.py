from dataclasses import replace
from datetime import timedelta

import pytest

from signalbox.domain.accounts.account import Tier
from signalbox.domain.delivery.delivery import Channel, Delivery, DeliveryState
from signalbox.services import track_deliveries
from signalbox.services.track_deliveries import NumberRange, make_receipt, tell_deliveries
from tests.builders import NOW, make_delivery
from tests.fakes.delivery import InMemoryDeliveries

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def stored(*found: Delivery) -> InMemoryDeliveries:
    deliveries = InMemoryDeliveries()
    for delivery in found:
        deliveries.add(delivery)
    return deliveries


def taken(number: int, **overrides: object) -> Delivery:
    made = make_delivery(event_id=f"s{number}!published!0", channel=Channel.WEBSOCKET, **overrides)
    return replace(made, state=DeliveryState.ACCEPTED, service_id=f"deliveries:acc-1!{number}")


def test_a_delivery_of_a_signal_that_the_tier_may_not_know_of_yet_is_not_told() -> None:
    waiting = make_delivery(tier=Tier.FREE)
    deliveries = stored(waiting)
    for age, shown in ((0, 0), (899, 0), (900, 1)):
        now = waiting.queued_at + timedelta(seconds=age)
        found = tell_deliveries(
            "acc-1", Tier.FREE.delay, deliveries=deliveries, since=NOW - DAY, until=NOW + DAY, limit=10, now=now
        )
        assert len(found) == shown


def test_what_was_never_to_be_sent_tells_of_an_open_signal_as_little_as_what_waits() -> None:
    unconfirmed = make_delivery(tier=Tier.FREE, state=DeliveryState.SUPPRESSED, reason="unconfirmed")
    for age, shown in ((899, []), (900, ["unconfirmed"])):
        now = NOW + timedelta(seconds=age)
        span = {"since": NOW - DAY, "until": NOW + DAY, "now": now}
        found = tell_deliveries("acc-1", Tier.FREE.delay, deliveries=stored(unconfirmed), limit=10, **span)
        receipt = make_receipt("acc-1", Tier.FREE, deliveries=stored(unconfirmed), **span)
        assert [each.reason for each in found] == shown
        assert bool(receipt.states) == bool(shown)


def test_what_may_not_be_told_takes_no_place_from_what_may() -> None:
    old = replace(taken(1, queued_at=NOW - HOUR), tier=Tier.FREE)
    hidden = [make_delivery(event_id=f"h{number}!published!0", tier=Tier.FREE) for number in range(3)]
    span = {"since": NOW - DAY, "until": NOW + DAY, "now": NOW}
    for limit in (1, 2):
        found = tell_deliveries("acc-1", Tier.FREE.delay, deliveries=stored(old, *hidden), limit=limit, **span)
        assert found == [old]


def test_a_receipt_is_as_complete_with_what_may_not_be_told_as_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(track_deliveries, "MOST_IN_A_RECEIPT", 2)
    known = [
        *(taken(number, queued_at=NOW - HOUR) for number in (1, 2)),
        *(taken(number, queued_at=NOW - HOUR, account_id="feed:free") for number in (3, 4)),
    ]
    hidden = [make_delivery(account_id=name, event_id="h!published!0") for name in ("acc-1", "feed:free")]
    span = {"since": NOW - DAY, "until": NOW + DAY, "now": NOW}
    without = make_receipt("acc-1", Tier.FREE, deliveries=stored(*known), **span)
    assert without.complete
    assert make_receipt("acc-1", Tier.FREE, deliveries=stored(*known, *hidden), **span) == without
    assert not make_receipt("acc-1", Tier.FREE, deliveries=stored(*known, taken(5)), **span).complete


def test_an_accounts_deliveries_are_its_own() -> None:
    deliveries = stored(make_delivery(account_id="acc-2"))
    found = tell_deliveries(
        "acc-1", timedelta(0), deliveries=deliveries, since=NOW - DAY, until=NOW + DAY, limit=10, now=NOW + DAY
    )
    assert found == []


def test_a_receipt_counts_what_was_taken_and_names_the_numbers_one_must_have() -> None:
    failed = replace(make_delivery(), state=DeliveryState.FAILED)
    deliveries = stored(taken(3), taken(4), taken(6), failed)
    receipt = make_receipt(
        "acc-1", Tier.PREMIUM, deliveries=deliveries, since=NOW - DAY, until=NOW + DAY, now=NOW + DAY
    )
    assert (receipt.count, receipt.complete) == (3, True)
    assert receipt.numbers == {"deliveries": NumberRange(3, 6, 3)}
    assert receipt.states == {
        Channel.EMAIL: {DeliveryState.FAILED: 1},
        Channel.WEBSOCKET: {DeliveryState.ACCEPTED: 3},
    }


def test_the_checksum_of_a_receipt_differs_when_one_is_missing() -> None:
    def checksum(*found: Delivery) -> str:
        span = {"since": NOW - DAY, "until": NOW + DAY, "now": NOW + DAY}
        return make_receipt("acc-1", Tier.PREMIUM, deliveries=stored(*found), **span).checksum

    assert checksum(taken(1), taken(2)) == checksum(taken(2), taken(1))
    assert checksum(taken(1), taken(2)) != checksum(taken(1))


def test_a_receipt_names_the_numbers_of_the_signals_that_the_tier_may_follow() -> None:
    def told(number: int, tier: Tier, state: DeliveryState = DeliveryState.ACCEPTED) -> Delivery:
        made = taken(number, account_id=f"feed:{tier}", tier=tier)
        return replace(made, state=state, service_id=f"signals:{tier}!{number}")

    feeds = [told(7, Tier.PRO), told(8, Tier.PRO), told(30, Tier.PREMIUM), told(9, Tier.PRO, DeliveryState.QUEUED)]
    receipt = make_receipt(
        "acc-1", Tier.PRO, deliveries=stored(*feeds, taken(2)), since=NOW - DAY, until=NOW + DAY, now=NOW + DAY
    )
    assert receipt.numbers == {"signals": NumberRange(7, 8, 2), "deliveries": NumberRange(2, 2, 1)}
    assert receipt.count == 1, "only what is the account's own"
