"""Digests, quiet hours and daily budgets, from the event to the queue."""

from dataclasses import replace
from datetime import time, timedelta
from itertools import permutations

import pytest

from signalbox.domain.accounts.account import Tier
from signalbox.domain.delivery.delivery import Channel, DeliveryState
from signalbox.domain.delivery.planning import BUDGET_WINDOW
from signalbox.domain.delivery.timing import Digest, QuietHours
from signalbox.domain.errors import QueueUnavailableError
from signalbox.domain.instants import from_iso
from signalbox.services.release_due import ReleaseReport
from signalbox.services.route_deliveries import route_event
from tests.builders import NOW, make_event, make_signal, make_subscription
from tests.unit.services.release_house import HOUR, House, wanting


def test_a_digest_is_one_mail_with_all_its_items_best_first() -> None:
    house = House(wanting(digest=Digest.HOURLY))
    house.publish(50.0, 90.0, 70.0)
    assert house.release(NOW + HOUR / 2) == ReleaseReport()
    assert house.release(NOW + HOUR) == ReleaseReport(released=3, digests=1)
    house.send(NOW + HOUR)
    ((message, recipient, _),) = house.sender.sent
    assert message.subject == "3 new signals, first BUY S1/USDT"
    assert message.text.index("S1/USDT") < message.text.index("S2/USDT") < message.text.index("S0/USDT")
    assert (recipient, message.unsubscribe_url) == ("ada@example.com", "https://u.example/acc-1")
    assert set(house.states) == {DeliveryState.ACCEPTED}


def test_releasing_and_sending_ten_times_is_one_mail() -> None:
    house = House(wanting(digest=Digest.DAILY))
    signals = house.publish(50.0, 60.0)
    at = from_iso("2024-01-06T08:00:00Z")
    for minute in range(10):
        for signal in signals:
            house.route(signal)
        house.release(at + timedelta(minutes=minute))
    house.send(at)
    assert len(house.sender.sent) == 1


def test_a_run_that_dies_before_the_release_sends_no_second_mail() -> None:
    house = House(wanting(digest=Digest.HOURLY))
    house.publish(50.0, 60.0)
    waiting = dict(house.deliveries.stored)
    house.release(NOW + HOUR)
    for key, delivery in waiting.items():  # as if the queue had been told, and nothing released
        house.deliveries.stored[key] = delivery
    house.release(NOW + HOUR)
    house.send(NOW + HOUR)
    assert len(house.sender.sent) == 1


def test_a_queue_that_takes_nothing_leaves_everything_waiting() -> None:
    house = House(wanting(digest=Digest.HOURLY))
    house.publish(50.0, 60.0)
    house.queues[Tier.PREMIUM].error = QueueUnavailableError("down")
    with pytest.raises(QueueUnavailableError):
        house.release(NOW + HOUR)
    house.queues[Tier.PREMIUM].error = None
    assert house.release(NOW + HOUR).released == 2


def test_what_quiet_hours_held_back_comes_as_one_mail_when_they_end() -> None:
    house = House(wanting(quiet=QuietHours(time(12), time(15))))
    house.publish(50.0, 60.0)
    assert not house.queues[Tier.PREMIUM].bodies
    assert house.release(NOW + 2 * HOUR - timedelta(minutes=1)).released == 0
    assert house.release(NOW + 2 * HOUR) == ReleaseReport(released=2, digests=1)


def test_one_item_alone_is_a_message_like_any_other() -> None:
    house = House(wanting(quiet=QuietHours(time(12), time(15))))
    house.publish(50.0)
    assert house.release(NOW + 2 * HOUR) == ReleaseReport(released=1)
    house.send(NOW + 2 * HOUR)
    assert house.subjects == ["BUY S0/USDT 1h, quality 50"]


@pytest.mark.parametrize("qualities", list(permutations([50.0, 90.0, 70.0, 60.0]))[::5])
def test_a_budget_keeps_the_best_in_whatever_order_they_come_and_the_digest_has_the_rest(qualities) -> None:
    house = House(wanting(daily_budget=2))
    house.publish(*qualities)
    at = NOW + BUDGET_WINDOW
    assert house.release(at) == ReleaseReport(released=2, deferred=2)
    house.send(at)
    assert sorted(subject[-2:] for subject in house.subjects) == ["70", "90"]
    morning = from_iso("2024-01-06T08:00:00Z")
    assert house.release(morning) == ReleaseReport(released=2, digests=1)
    house.send(morning)
    assert house.subjects[2].startswith("2 new signals")
    assert set(house.states) == {DeliveryState.ACCEPTED}


def test_a_budget_of_pushes_keeps_the_best_and_does_not_tell_the_rest() -> None:
    house = House(wanting(channels=frozenset({Channel.PUSH}), email=None, daily_budget=2))
    house.publish(50.0, 90.0, 70.0, 60.0)
    at = NOW + BUDGET_WINDOW
    assert house.release(at) == ReleaseReport(released=2, suppressed=2)
    told = {each.quality_score: (each.state, each.reason) for each in house.deliveries.stored.values()}
    assert told[50.0] == told[60.0] == (DeliveryState.SUPPRESSED, "budget")
    assert told[70.0] == told[90.0] == (DeliveryState.QUEUED, None)
    assert house.release(from_iso("2024-01-07T00:00:00Z")) == ReleaseReport()


def test_what_a_budget_of_pushes_leaves_over_is_in_the_digest_of_who_has_one() -> None:
    both = frozenset({Channel.EMAIL, Channel.PUSH})
    house = House(wanting(channels=both, digest=Digest.HOURLY, daily_budget=1))
    house.publish(50.0, 90.0, 70.0)
    assert house.release(NOW + BUDGET_WINDOW) == ReleaseReport(released=1, suppressed=2)
    assert house.release(NOW + HOUR) == ReleaseReport(released=3, digests=1)


@pytest.mark.parametrize("channel", [Channel.EMAIL, Channel.PUSH])
def test_a_budget_is_for_what_quiet_hours_held_back_too(channel: Channel) -> None:
    subscription = wanting(channels=frozenset({channel}), daily_budget=1, quiet=QuietHours(time(12), time(15)))
    house = House(subscription)
    house.publish(*range(50, 60))
    assert house.release(NOW + 2 * HOUR - timedelta(minutes=1)) == ReleaseReport()
    left_over = "deferred" if channel is Channel.EMAIL else "suppressed"
    assert house.release(NOW + 2 * HOUR) == ReleaseReport(released=1, **{left_over: 9})
    (slots,) = house.quotas.slots.values()
    assert len(slots) == 1


def test_what_waits_for_its_rivals_does_not_disturb_quiet_hours() -> None:
    published = from_iso("2024-01-05T21:57:30Z")
    house = House(wanting(daily_budget=1, quiet=QuietHours(time(22), time(7))))
    house.publish(50.0, 60.0, at=published)
    assert house.release(from_iso("2024-01-06T06:59:00Z")) == ReleaseReport()
    assert house.release(from_iso("2024-01-06T07:00:00Z")) == ReleaseReport(released=1, deferred=1)


def test_a_budget_is_for_one_local_day() -> None:
    house = House(wanting(daily_budget=1, time_zone="Asia/Tokyo"))
    house.publish(50.0)
    assert house.release(NOW + BUDGET_WINDOW).released == 1
    tomorrow = from_iso("2024-01-05T15:00:00Z")  # midnight in Tokyo
    signal = make_signal(symbol="X/USDT", published_at=tomorrow)
    house.signals.add(signal)
    house.route(signal)
    assert house.release(tomorrow + BUDGET_WINDOW) == ReleaseReport(released=1)


def test_what_waits_for_somebody_who_unsubscribed_is_not_sent() -> None:
    house = House(wanting(digest=Digest.HOURLY))
    house.publish(50.0, 60.0)
    house.subscriptions.remove("acc-1", "sub-1")
    assert house.release(NOW + HOUR) == ReleaseReport(cancelled=2)
    assert set(house.states) == {DeliveryState.SUPPRESSED}
    assert house.release(NOW + HOUR) == ReleaseReport()


def test_what_another_subscription_of_the_account_wants_later_waits_for_it() -> None:
    house = House(
        wanting(digest=Digest.HOURLY), wanting(subscription_id="sub-2", digest=Digest.DAILY, email="b@b.example")
    )
    house.publish(50.0, 60.0)
    house.subscriptions.remove("acc-1", "sub-1")
    assert house.release(NOW + HOUR) == ReleaseReport(deferred=2)
    morning = from_iso("2024-01-06T08:00:00Z")
    assert house.release(morning - HOUR) == ReleaseReport()
    assert house.release(morning) == ReleaseReport(released=2, digests=1)
    house.send(morning)
    assert [recipient for _, recipient, _ in house.sender.sent] == ["b@b.example"]


def test_what_no_other_subscription_asks_for_is_not_sent() -> None:
    other = wanting(subscription_id="sub-2", digest=Digest.DAILY, minimum_quality=55.0)
    unconfirmed = wanting(subscription_id="sub-3", confirmed=False)
    house = House(wanting(digest=Digest.HOURLY), other, unconfirmed)
    house.publish(50.0, 60.0)
    house.subscriptions.remove("acc-1", "sub-1")
    assert house.release(NOW + HOUR) == ReleaseReport(deferred=1, cancelled=1)


def test_what_another_subscription_wants_at_once_is_told_at_once() -> None:
    house = House(wanting(digest=Digest.HOURLY))
    house.publish(50.0)
    house.subscriptions.remove("acc-1", "sub-1")
    house.subscriptions.put(wanting(subscription_id="sub-2"))
    assert house.release(NOW + HOUR) == ReleaseReport(released=1)


def test_what_waits_goes_to_the_address_that_is_confirmed_now() -> None:
    one, two = (
        wanting(digest=Digest.HOURLY),
        wanting(subscription_id="sub-2", digest=Digest.HOURLY, minimum_quality=55.0),
    )
    house = House(one, two)
    house.publish(50.0, 60.0)
    house.subscriptions.put(replace(one, email="new@example.com"))
    assert house.release(NOW + HOUR) == ReleaseReport(released=2, digests=1)
    house.send(NOW + HOUR)
    assert [recipient for _, recipient, _ in house.sender.sent] == ["new@example.com"]
    assert set(house.states) == {DeliveryState.ACCEPTED}


def test_what_is_being_sent_to_the_old_address_is_not_sent_to_the_new_one() -> None:
    house = House(wanting(digest=Digest.HOURLY))
    house.publish(50.0, 60.0)
    waiting = dict(house.deliveries.stored)
    house.release(NOW + HOUR)
    house.send(NOW + HOUR)
    for key, delivery in waiting.items():  # as if the run had died before the release
        house.deliveries.stored[key] = replace(house.deliveries.stored[key], due_at=delivery.due_at)
    house.subscriptions.put(wanting(digest=Digest.HOURLY, email="new@example.com"))
    assert house.release(NOW + HOUR) == ReleaseReport()
    assert {each.recipient for each in house.deliveries.stored.values()} == {"ada@example.com"}
    assert house.release(NOW + HOUR) == ReleaseReport()


def test_no_digest_shows_an_open_signal_before_the_tier_may_see_it() -> None:
    house = House(make_subscription(tier=Tier.FREE, digest=Digest.HOURLY))
    house.publish(50.0, 60.0, at=NOW + HOUR - timedelta(minutes=5))  # five minutes before the next digest
    assert house.release(NOW + HOUR).released == 0
    assert house.release(NOW + 2 * HOUR).released == 2


def test_an_address_that_was_not_confirmed_gets_nothing() -> None:
    house = House(wanting(confirmed=False))
    house.publish(90.0)
    (delivery,) = house.deliveries.stored.values()
    assert (delivery.state, delivery.reason) == (DeliveryState.SUPPRESSED, "unconfirmed")


def test_of_two_subscriptions_to_the_same_the_sooner_counts() -> None:
    house = House(wanting(digest=Digest.DAILY), wanting(subscription_id="sub-2"))
    house.publish(90.0)
    assert len(house.queues[Tier.PREMIUM].bodies) == 1
    assert house.release(NOW + 48 * HOUR) == ReleaseReport()


@pytest.mark.parametrize(("confidence", "told"), [(None, 0), (0.5, 0), (0.6, 1)])
def test_a_minimum_confidence_wants_a_calibrated_one(confidence: float | None, told: int) -> None:
    house = House(wanting(minimum_confidence=0.6))
    signal = make_signal(confidence=confidence)
    report = route_event(
        make_event(signal, confidence=confidence),
        subscriptions=house.subscriptions,
        deliveries=house.deliveries,
        queues=house.queues,
        now=NOW,
        system_now=NOW,
    )
    assert report.deliveries == told
