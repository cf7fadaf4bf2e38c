"""How long deliveries took: counts that only add up. The fake and DynamoDB must agree."""

from datetime import timedelta

import pytest

from signalbox.adapters.storage.delivery_latencies import DynamoDeliveryLatencies
from signalbox.domain.accounts.account import Tier
from signalbox.domain.accounts.channel import Channel
from signalbox.ports.topics import DeliveryLatencies
from signalbox.services.delivery_latency import count_latencies, show_latencies, told_to_all, until
from tests.builders import NOW
from tests.contracts.implementations import either
from tests.fakes.latencies import InMemoryLatencies

HOUR = timedelta(hours=1)

latencies = either(InMemoryLatencies, DynamoDeliveryLatencies)


def test_counts_are_added_to_those_of_their_hour_channel_and_tier(latencies: DeliveryLatencies) -> None:
    latencies.add(NOW, Channel.EMAIL, Tier.PRO, {3: 2, -7: 1})
    latencies.add(NOW, Channel.EMAIL, Tier.PRO, {3: 1, 0: 5})
    latencies.add(NOW + HOUR, Channel.EMAIL, Tier.PRO, {9: 1})
    latencies.add(NOW, Channel.PUSH, Tier.FREE, {1: 1})
    latencies.add(NOW, Channel.WEBSOCKET, Tier.FREE, {})
    assert sorted(latencies.of_hours([NOW])) == [
        ((Channel.EMAIL, Tier.PRO), {3: 3, -7: 1, 0: 5}),
        ((Channel.PUSH, Tier.FREE), {1: 1}),
    ]
    assert latencies.of_hours([NOW + HOUR, NOW + 2 * HOUR]) == [((Channel.EMAIL, Tier.PRO), {9: 1})]


def test_percentiles_are_of_this_hour_and_the_one_before(latencies: DeliveryLatencies) -> None:
    now = NOW + timedelta(minutes=59)
    for moment, seconds in ((now - 2 * HOUR, [900.0] * 50), (now - HOUR, [2.0] * 18), (now, [1.0, 40.0])):
        count_latencies({("email", "free"): seconds}, repository=latencies, now=moment)
    since, (figures,) = show_latencies(repository=latencies, until=now)
    assert since == NOW - HOUR
    assert (figures.channel, figures.tier, figures.count, figures.delay_seconds) == ("email", "free", 20, 900)
    assert figures.p50_seconds == pytest.approx(2.0, rel=0.05)
    assert figures.p95_seconds == pytest.approx(2.0, rel=0.05)
    count_latencies({("email", "free"): [40.0]}, repository=latencies, now=now)
    assert show_latencies(repository=latencies, until=now)[1][0].p95_seconds == pytest.approx(40.0, rel=0.05)


@pytest.mark.parametrize(("minutes", "newest"), [(0, -3), (14, -3), (15, -2), (59, -2)])
def test_an_hour_is_told_to_all_once_all_may_know_of_what_was_delivered_in_it(
    latencies: DeliveryLatencies, minutes: int, newest: int
) -> None:
    now = NOW + timedelta(minutes=minutes)
    since, _ = show_latencies(repository=latencies, until=told_to_all(now))
    assert since == NOW + newest * HOUR
    assert since + 2 * HOUR + Tier.FREE.delay <= now


def test_what_sending_took_is_in_the_latencies_of_its_batch() -> None:
    begun = {("email", "free"): [2.0, 3.0]}
    assert until(NOW + timedelta(seconds=1.5), begun, since=NOW) == {("email", "free"): [3.5, 4.5]}
    assert until(NOW - HOUR, begun, since=NOW) == begun
