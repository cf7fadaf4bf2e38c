"""A digest, from its message to the mail: what it shows, and what becomes of it where something fails."""

from datetime import timedelta

import pytest

from signalbox.domain.accounts.account import Tier
from signalbox.domain.delivery.delivery import LEASE, Channel, DeliveryState
from signalbox.domain.delivery.retrying import MOST_ATTEMPTS, wait_before_next
from signalbox.domain.delivery.timing import Digest
from signalbox.domain.errors import (
    ChannelUnavailableError,
    QueueUnavailableError,
    StorageUnavailableError,
    TransientError,
    UnclearOutcomeError,
)
from signalbox.domain.signals.events import EventKind
from tests.builders import NOW, ended
from tests.unit.services.release_house import HOUR, House, hiccup, wanting


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
