"""Digests, quiet hours and daily budgets, from the event to the mail."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, time, timedelta
from itertools import count, permutations
from typing import Any

import pytest

from signalbox.domain.accounts.account import Tier
from signalbox.domain.delivery.delivery import LEASE, Channel, DeliveryState, Subscription
from signalbox.domain.delivery.planning import BUDGET_WINDOW
from signalbox.domain.delivery.retrying import MOST_ATTEMPTS, wait_before_next
from signalbox.domain.delivery.timing import Digest, QuietHours
from signalbox.domain.errors import (
    ChannelUnavailableError,
    QueueUnavailableError,
    StorageUnavailableError,
    TransientError,
    UnclearOutcomeError,
)
from signalbox.domain.instants import from_iso
from signalbox.domain.signals.events import EventKind
from signalbox.domain.signals.signal import Signal
from signalbox.services.deliver_messages import deliver_messages
from signalbox.services.deliver_signals import Office
from signalbox.services.release_due import Desk, ReleaseReport, release_due
from signalbox.services.route_deliveries import route_event
from tests.builders import NOW, ended, make_event, make_signal, make_subscription
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


def test_a_signal_that_ended_meanwhile_is_left_out_of_the_digest() -> None:
    house = House(wanting(digest=Digest.HOURLY))
    first, second, _ = house.publish(50.0, 60.0, 70.0)
    house.signals.update(first, ended(first))
    house.release(NOW + HOUR)
    house.send(NOW + HOUR)
    assert house.subjects == ["2 new signals, first BUY S2/USDT"]
    assert sorted(house.states) == ["ACCEPTED", "ACCEPTED", "SUPPRESSED"]
    assert second.symbol in house.sender.sent[0][0].text


def test_endings_are_told_with_their_result() -> None:
    house = House(wanting(digest=Digest.HOURLY))
    signal, _ = house.publish(50.0, 60.0)
    over = ended(signal)
    house.signals.update(signal, over)
    house.route(over, EventKind.ENDED)
    house.release(NOW + 3 * HOUR)
    house.release(NOW + 6 * HOUR)
    house.send(NOW + 6 * HOUR)
    assert house.subjects[0] == "1 new signal and 1 ending, first BUY S1/USDT"
    assert "TARGET_HIT (+1.95 R)" in house.sender.sent[0][0].text


def test_a_digest_that_another_worker_holds_is_left_to_it() -> None:
    house = House(wanting(digest=Digest.HOURLY))
    house.publish(50.0, 60.0)
    house.release(NOW + HOUR)
    (body,) = house.queues[Tier.PREMIUM].bodies
    held = house.deliveries.claim(*body["digest"][1], NOW + HOUR)
    with pytest.raises(TransientError, match="held by another worker"):
        house.handle(body, NOW + HOUR)
    assert not house.sender.sent
    assert held is not None
    house.handle(body, NOW + HOUR + timedelta(minutes=2))
    assert house.subjects[0].startswith("2 new signals")


def test_a_digest_whose_workers_died_twice_is_a_dead_letter_for_each_of_its_items() -> None:
    house = House(wanting(digest=Digest.HOURLY))
    house.publish(50.0, 60.0)
    house.release(NOW + HOUR)
    (body,) = house.queues[Tier.PREMIUM].bodies
    for crash in range(2):
        for item in body["digest"]:
            house.deliveries.claim(*item, NOW + HOUR + crash * LEASE)
    house.handle(body, NOW + HOUR + 2 * LEASE)
    assert (house.sender.sent, set(house.states)) == ([], {DeliveryState.FAILED})
    assert [[each["signal_id"], *each["delivery_ids"]] for each in house.dead_letters.bodies] == body["digest"]


def test_a_digest_whose_service_did_not_answer_is_sent_once_more_after_the_lease() -> None:
    house = House(wanting(digest=Digest.HOURLY))
    house.publish(50.0, 60.0)
    house.release(NOW + HOUR)
    queue = house.queues[Tier.PREMIUM]
    house.sender.errors.append(UnclearOutcomeError("no answer"))
    house.handle(queue.bodies[0], NOW + HOUR)
    assert set(house.states) == {DeliveryState.CLAIMED}, "it may have arrived: the claims run on"
    assert timedelta(seconds=queue.delays[1]) > LEASE
    house.handle(queue.bodies[1], NOW + HOUR + timedelta(seconds=queue.delays[1]))
    assert set(house.states) == {DeliveryState.ACCEPTED}
    assert len(house.sender.sent) == 1


def test_a_digest_whose_service_is_down_is_queued_again_whole_and_later() -> None:
    house = House(wanting(digest=Digest.HOURLY))
    house.publish(50.0, 60.0)
    house.release(NOW + HOUR)
    queue = house.queues[Tier.PREMIUM]
    house.sender.errors.append(ChannelUnavailableError("throttled"))
    house.handle(queue.bodies[0], NOW + HOUR)
    assert set(house.states) == {DeliveryState.QUEUED}
    assert queue.bodies[1]["digest"] == queue.bodies[0]["digest"]
    assert queue.delays[1] > 0
    house.handle(queue.bodies[1], NOW + HOUR)
    assert set(house.states) == {DeliveryState.ACCEPTED}


def test_digests_that_are_throttled_wait_longer_each_time_and_then_have_failed() -> None:
    house = House(wanting(digest=Digest.HOURLY))
    house.publish(50.0, 60.0)
    house.release(NOW + HOUR)
    queue, most = house.queues[Tier.PREMIUM], MOST_ATTEMPTS[Channel.EMAIL]
    house.sender.errors += [ChannelUnavailableError("throttled")] * most
    for attempt in range(most):
        house.handle(queue.bodies[attempt], NOW + HOUR)
    assert len(queue.bodies) == most, "nothing is queued after the last attempt"
    name = queue.bodies[0]["digest"][0][1]
    assert queue.delays[1:] == [wait_before_next(attempt, name) for attempt in range(1, most)]
    assert {(each.state, each.reason) for each in house.deliveries.stored.values()} == {
        (DeliveryState.FAILED, "throttled")
    }
    letters = [[each["signal_id"], *each["delivery_ids"]] for each in house.dead_letters.bodies]
    assert letters == queue.bodies[0]["digest"]


def test_a_digest_whose_queue_is_down_too_comes_back_and_is_not_interrupted() -> None:
    house = House(wanting(digest=Digest.HOURLY))
    house.publish(50.0, 60.0)
    house.release(NOW + HOUR)
    queue = house.queues[Tier.PREMIUM]
    house.sender.errors.append(ChannelUnavailableError("throttled"))
    queue.error = QueueUnavailableError("down")
    with pytest.raises(QueueUnavailableError):
        house.handle(queue.bodies[0], NOW + HOUR)
    assert set(house.states) == {DeliveryState.QUEUED}


@pytest.mark.parametrize(("call", "after"), [("claim", 1), ("one", 0), ("get", 1), ("finish", 0)])
def test_a_digest_survives_storage_that_fails_before_it_is_sent(call: str, after: int) -> None:
    house = House(wanting(digest=Digest.HOURLY))
    first, *_ = house.publish(50.0, 60.0, 70.0)
    house.signals.update(first, ended(first))
    house.release(NOW + HOUR)
    (body,) = house.queues[Tier.PREMIUM].bodies
    if call == "one":  # is asked of what is finished only
        taken = house.deliveries.claim(*body["digest"][2], NOW + HOUR)
        assert taken is not None
        house.deliveries.finish(taken, DeliveryState.SUPPRESSED, NOW + HOUR, reason="ended")
    for receive in range(4):
        hiccup(house.signals if call == "get" else house.deliveries, call, after)
        with pytest.raises(StorageUnavailableError):
            house.handle(body, NOW + HOUR + receive * 5 * LEASE)
    assert not house.sender.sent
    house.handle(body, NOW + 3 * HOUR)
    assert house.subjects == ["2 new signals, first BUY S2/USDT"]
    assert sorted(house.states) == ["ACCEPTED", "ACCEPTED", "SUPPRESSED"]


def test_an_outcome_that_cannot_be_recorded_has_no_other_sent_again() -> None:
    house = House(wanting(digest=Digest.HOURLY))
    house.publish(50.0, 60.0)
    house.release(NOW + HOUR)
    (body,) = house.queues[Tier.PREMIUM].bodies
    hiccup(house.deliveries, "finish", 0)
    with pytest.raises(StorageUnavailableError):
        house.handle(body, NOW + HOUR)
    assert sorted(house.states) == ["ACCEPTED", "CLAIMED"]
    house.handle(body, NOW + HOUR + LEASE)
    assert [subject[:7] for subject in house.subjects] == ["2 new s", "1 new s"]


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
