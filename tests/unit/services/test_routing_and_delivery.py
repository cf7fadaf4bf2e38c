import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain, repeat
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signalbox.domain.accounts.account import Tier
from signalbox.domain.delivery.delivery import LEASE, Channel, DeliveryState
from signalbox.domain.delivery.retrying import MOST_ATTEMPTS
from signalbox.domain.errors import (
    ChannelUnavailableError,
    RecipientRejectedError,
    StorageUnavailableError,
    UnclearOutcomeError,
)
from signalbox.domain.signals.events import EventKind, SignalEvent
from signalbox.domain.signals.signal import NULL_STRATEGY, Signal, Status
from signalbox.services.deliver_messages import deliver_messages
from signalbox.services.deliver_signals import INTERRUPTED, DeliveryReport, Office, deliver_all, no_link
from signalbox.services.delivery_task import Task
from signalbox.services.relay_events import relay_events
from signalbox.services.route_deliveries import RoutingReport, route_event
from tests.builders import NOW, ended, make_event, make_signal, make_subscription
from tests.fakes.delivery import InMemoryDeliveries, InMemorySubscriptions, RecordingSender
from tests.fakes.signals import InMemorySignals
from tests.fakes.topics import RecordingBatchSender
from tests.fakes.work import InMemoryQueue


class House:
    """Routing and delivery on fakes, wired as the functions wire them."""

    def __init__(self, *subscriptions: Any, signal: Signal | None = None) -> None:
        self.signals = InMemorySignals()
        self.signals.add(signal or make_signal())
        self.subscriptions = InMemorySubscriptions(*subscriptions)
        self.deliveries = InMemoryDeliveries()
        self.queues: Mapping[Tier, InMemoryQueue] = {tier: InMemoryQueue() for tier in Tier}
        self.sender = RecordingSender()
        self.dead_letters = InMemoryQueue()

    def route(self, event: SignalEvent, system_now: datetime = NOW) -> RoutingReport:
        return route_event(
            event,
            subscriptions=self.subscriptions,
            deliveries=self.deliveries,
            queues=self.queues,
            now=NOW,
            system_now=system_now,
        )

    def deliver(self, body: Mapping[str, Any], later: timedelta = timedelta(seconds=20)) -> DeliveryReport:
        report, failures = deliver_all([Task.from_message(body)], self.office(later))
        assert not failures
        return report

    def office(self, later: timedelta = timedelta(seconds=20)) -> Office:
        return Office(
            signals=self.signals,
            deliveries=self.deliveries,
            senders={Channel.EMAIL: self.sender, Channel.WEBSOCKET: self.sender},
            queues=self.queues,
            dead_letters=self.dead_letters,
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


def test_nobody_is_told_by_a_channel_that_their_tier_of_today_does_not_give() -> None:
    """The subscription was made as pro, the account is free by now."""
    subscription = make_subscription(tier=Tier.FREE, channels=frozenset({Channel.PUSH, Channel.WEBSOCKET}))
    house = House(subscription)
    assert house.route(make_event()) == RoutingReport(deliveries=1, duplicates=0)
    assert {each.channel for each in house.deliveries.stored.values()} == {Channel.WEBSOCKET}


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


def test_an_address_that_was_not_confirmed_gets_nothing_and_its_subscriber_sees_why() -> None:
    house = House(replace(PREMIUM, confirmed=False))
    assert house.route(make_event()) == RoutingReport(deliveries=1, duplicates=0, suppressed=1)
    (delivery,) = house.deliveries.of_signal(make_signal().signal_id)
    assert (delivery.state, delivery.reason, delivery.recipient) == (DeliveryState.SUPPRESSED, *["unconfirmed"] * 2)
    assert not house.queues[Tier.PREMIUM].bodies


def test_a_confirmed_address_counts_before_one_of_the_same_account_that_is_not() -> None:
    for names in (("a", "b"), ("b", "a")):
        late, good = (replace(PREMIUM, subscription_id=name, confirmed=name == names[1]) for name in names)
        house = House(late, good)
        assert house.route(make_event()) == RoutingReport(deliveries=1, duplicates=0)
        assert house.state() is DeliveryState.QUEUED


def test_a_push_subscriber_is_reached_by_the_devices_of_their_account() -> None:
    house = House(replace(PREMIUM, channels=frozenset({Channel.PUSH})))
    house.route(make_event())
    (delivery,) = house.deliveries.of_signal(make_signal().signal_id)
    assert delivery.recipient == "devices:acc-1"


@pytest.mark.parametrize("waited", [None, "quiet"])
def test_latency_is_from_publication_to_acceptance_but_not_of_what_waited_by_wish(waited: str | None) -> None:
    house = House(PREMIUM)
    body = routed(house, make_event(as_of=NOW - timedelta(seconds=5)))
    ((key, delivery),) = house.deliveries.stored.items()
    house.deliveries.stored[key] = replace(delivery, wait=waited)
    report = house.deliver(body, later=timedelta(seconds=20))
    assert report.latencies == ({} if waited else {("email", "premium"): [25.0]})


def test_an_ending_was_published_when_it_was_stored_and_at_its_routing_where_nobody_says() -> None:
    for stored_at, expected in ((NOW - timedelta(seconds=3), NOW - timedelta(seconds=3)), (None, NOW)):
        house = House(PREMIUM)
        ending = make_event(kind=EventKind.ENDED, as_of=NOW - timedelta(hours=2), stored_at=stored_at)
        house.route(SignalEvent.from_message(ending.to_message()))
        (delivery,) = house.deliveries.of_signal(make_signal().signal_id)
        assert delivery.published_at == expected


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


def test_a_service_that_is_down_has_the_delivery_queued_again_for_later() -> None:
    house = House(PREMIUM)
    body = routed(house)
    house.sender.errors.append(ChannelUnavailableError("throttled"))
    assert house.deliver(body) == DeliveryReport(retried=1)
    assert house.state() is DeliveryState.QUEUED
    again = house.queues[Tier.PREMIUM].bodies[-1]
    assert house.queues[Tier.PREMIUM].delays[-1] > 0
    assert house.deliver(again) == DeliveryReport(accepted=1)


def test_what_was_tried_as_often_as_its_channel_allows_has_failed_and_is_a_dead_letter() -> None:
    house = House(PREMIUM)
    body = routed(house)
    house.sender.errors += [ChannelUnavailableError("throttled")] * MOST_ATTEMPTS[Channel.EMAIL]
    reports = [house.deliver(body) for _ in range(MOST_ATTEMPTS[Channel.EMAIL])]
    assert reports == [DeliveryReport(retried=1)] * (MOST_ATTEMPTS[Channel.EMAIL] - 1) + [DeliveryReport(failed=1)]
    assert house.state() is DeliveryState.FAILED
    assert [letter["reason"] for letter in house.dead_letters.bodies] == ["throttled"]
    waits = house.queues[Tier.PREMIUM].delays[1:]
    assert waits == sorted(waits)


def test_an_outcome_that_cannot_be_recorded_brings_the_message_back_and_sends_once_more_at_most() -> None:
    class Forgetful(InMemoryDeliveries):
        down = True

        def finish(self, *args: Any, **changes: Any) -> bool:
            if self.down:
                raise StorageUnavailableError("throttled")
            return super().finish(*args, **changes)

    house = House(PREMIUM)
    house.deliveries = Forgetful()
    task = Task.from_message(routed(house))
    _, failures = deliver_all([task], house.office())
    assert list(failures) == [0]
    house.deliveries.down = False
    assert deliver_all([task], house.office())[0] == DeliveryReport(skipped=1)
    for minutes in (2, 3, 4):
        deliver_all([task], house.office(timedelta(minutes=minutes)))
    ids = [delivery_id for _, _, delivery_id in house.sender.sent]
    assert len(ids) == 2
    assert len(set(ids)) == 1


def test_one_message_that_fails_keeps_none_of_the_others_from_being_sent() -> None:
    house = House(PREMIUM)
    task = Task.from_message(routed(house))
    nobody = Task("not a signal", ("no delivery",), EventKind.PUBLISHED)
    report, failures = deliver_all([nobody, task], house.office())
    assert report == DeliveryReport(accepted=1, skipped=1)
    assert not failures


def test_deliveries_of_one_event_and_channel_share_messages_of_fifty() -> None:
    house = House(*(replace(PREMIUM, subscription_id=f"sub-{n}", account_id=f"acc-{n}") for n in range(120)))
    house.route(make_event())
    assert [len(body["delivery_ids"]) for body in house.queues[Tier.PREMIUM].bodies] == [50, 50, 20]
    reports = [house.deliver(body) for body in house.queues[Tier.PREMIUM].bodies]
    assert sum(report.accepted for report in reports) == 120


def test_a_recipient_that_is_gone_is_recorded_as_failed_and_not_tried_again() -> None:
    house = House(PREMIUM)
    body = routed(house)
    house.sender.errors.append(RecipientRejectedError("no such mailbox"))
    assert house.deliver(body) == DeliveryReport(failed=1)
    assert house.deliver(body) == DeliveryReport(skipped=1)


def test_a_worker_that_died_with_a_claim_is_followed_after_its_lease() -> None:
    house = House(PREMIUM)
    body = routed(house)
    house.deliveries.claim(body["signal_id"], body["delivery_ids"][0], NOW)
    assert house.deliver(body, later=timedelta(seconds=1)) == DeliveryReport(skipped=1)
    assert house.deliver(body, later=LEASE + timedelta(seconds=1)) == DeliveryReport(accepted=1, repeated=1)


def test_a_delivery_whose_workers_died_twice_is_a_dead_letter_and_not_sent_a_third_time() -> None:
    house = House(PREMIUM)
    body = routed(house)
    for crash in range(2):
        house.deliveries.claim(body["signal_id"], body["delivery_ids"][0], NOW + crash * LEASE)
    assert house.deliver(body, later=2 * LEASE) == DeliveryReport(failed=1)
    assert (house.sender.sent, house.state()) == ([], DeliveryState.FAILED)
    (dead,) = house.dead_letters.bodies
    assert (dead["delivery_ids"], dead["reason"]) == (body["delivery_ids"], INTERRUPTED)


def test_a_service_that_did_not_answer_is_asked_once_more_after_the_lease_and_then_no_more() -> None:
    house = House(PREMIUM)
    body = routed(house)
    house.sender.errors += [UnclearOutcomeError("no answer")] * 2
    assert house.deliver(body) == DeliveryReport(retried=1)
    assert house.deliver(body) == DeliveryReport(skipped=1), "it may have arrived: the claim runs on"
    queue = house.queues[Tier.PREMIUM]
    assert queue.delays[-1] > LEASE.total_seconds()
    later = timedelta(seconds=20) + LEASE
    assert house.deliver(queue.bodies[-1], later=later) == DeliveryReport(retried=1)
    assert house.deliver(queue.bodies[-1], later=later + LEASE) == DeliveryReport(failed=1)
    assert len(house.dead_letters.bodies) == 1


def test_a_topic_is_told_however_often_its_workers_died_as_it_numbers_a_delivery_once() -> None:
    house = House(replace(PREMIUM, channels=frozenset({Channel.WEBSOCKET})))
    body = routed(house)
    for crash in range(3):
        house.deliveries.claim(body["signal_id"], body["delivery_ids"][0], NOW + crash * LEASE)
    assert house.deliver(body, later=3 * LEASE) == DeliveryReport(accepted=1, repeated=1)


@pytest.mark.parametrize(("routed_after", "waits"), [(-2, 900), (0, 900), (400, 500), (899.5, 1), (900, 0), (5_000, 0)])
def test_what_is_routed_late_waits_only_for_what_is_left_of_the_tier_delay(routed_after: float, waits: int) -> None:
    house = House(make_subscription(tier=Tier.FREE))
    event = make_event()
    house.route(event, event.as_of + timedelta(seconds=routed_after))
    assert house.queues[Tier.FREE].delays == [waits]


def test_a_signal_that_is_gone_is_suppressed() -> None:
    house = House(PREMIUM)
    body = routed(house)
    house.signals = InMemorySignals()
    assert house.deliver(body) == DeliveryReport(suppressed=1)


def test_two_accounts_get_a_delivery_each() -> None:
    house = House(PREMIUM, replace(PREMIUM, subscription_id="sub-2", account_id="acc-2"))
    assert house.route(make_event()).deliveries == 2


@settings(deadline=None, max_examples=60)
@given(
    order=st.lists(st.integers(0, 3), max_size=20),
    faults=st.lists(st.sampled_from([None, "throttled", "gone"]), max_size=12),
)
def test_messages_repeated_and_reordered_under_faults_send_each_delivery_once(
    order: list[int], faults: list[str | None]
) -> None:
    house = House(*(replace(PREMIUM, subscription_id=f"sub-{n}", account_id=f"acc-{n}") for n in range(120)))
    house.route(make_event())
    queue = house.queues[Tier.PREMIUM]
    kinds = {"throttled": ChannelUnavailableError, "gone": RecipientRejectedError}
    sender = RecordingBatchSender([kinds[fault](fault) if fault else None for fault in faults])
    house.sender = sender  # type: ignore[assignment] # the same port, other faults
    bodies = [queue.bodies[number % len(queue.bodies)] for number in order] + list(queue.bodies)
    deliver_all([Task.from_message(body) for body in bodies], house.office())
    while any(each.state is DeliveryState.QUEUED for each in house.deliveries.stored.values()):
        deliver_all([Task.from_message(body) for body in queue.bodies], house.office())
    sent = [envelope.delivery_id for envelope in sender.sent]
    failed = [each for each in house.deliveries.stored.values() if each.state is DeliveryState.FAILED]
    assert len(sent) == len(set(sent))
    assert len(sent) + len(failed) == 120
    assert len(failed) == faults.count("gone")


def many(house: House, events: int) -> list[str]:
    """The messages of so many events, each for sixty subscribers, of which one message takes fifty."""
    for number in range(events):
        signal = make_signal(symbol=f"S{number}/USDT")
        house.signals.add(signal)
        house.route(make_event(signal))
    return [json.dumps(body) for body in house.queues[Tier.PREMIUM].bodies]


def test_many_messages_are_sent_some_hundred_at_a_time_and_none_is_left_out() -> None:
    house = House(*(replace(PREMIUM, subscription_id=f"sub-{n}", account_id=f"acc-{n}") for n in range(60)))
    sender = RecordingBatchSender()
    house.sender = sender  # type: ignore[assignment] # the same port
    report, failures = deliver_messages(many(house, 5), house.office(), no_link)
    assert (report.accepted, failures, sender.calls) == (300, {}, 5)


@pytest.mark.parametrize("left", [[40.0, 30.0], [40.0, 30.0, 21.0, 11.0]])
def test_what_a_worker_has_no_time_for_is_queued_again_at_once_and_was_not_interrupted(left: list[float]) -> None:
    house = House(*(replace(PREMIUM, subscription_id=f"sub-{n}", account_id=f"acc-{n}") for n in range(60)))
    bodies = many(house, 5)
    seconds = chain(left, repeat(0.0))
    office = replace(house.office(), time_left=lambda: next(seconds))
    queue = house.queues[Tier.PREMIUM]
    queue.bodies.clear()
    report, failures = deliver_messages(bodies, office, no_link)
    assert (0 < report.accepted < 300, failures) == (True, {})
    states = Counter(each.state for each in house.deliveries.stored.values())
    assert states == {DeliveryState.ACCEPTED: report.accepted, DeliveryState.QUEUED: 300 - report.accepted}
    again, failures = deliver_messages([json.dumps(body) for body in queue.bodies], house.office(), no_link)
    assert (again.accepted, again.repeated, failures) == (300 - report.accepted, 0, {})


def test_a_claim_whose_signal_could_not_be_read_is_given_back_and_counts_as_no_interruption() -> None:
    class Unreadable(InMemorySignals):
        def get(self, signal_id: str) -> Signal | None:
            raise StorageUnavailableError(f"{signal_id} was not read: throttled")

    house = House(PREMIUM)
    body = routed(house)
    readable, house.signals = house.signals, Unreadable()
    for _ in range(3):
        _, failures = deliver_all([Task.from_message(body)], house.office())
        assert list(failures) == [0]
    house.signals = readable
    assert house.deliver(body) == DeliveryReport(accepted=1)
