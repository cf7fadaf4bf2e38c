"""One mail instead of many, on the real template: a daily digest, and what a daily budget leaves for the morning."""

from collections import Counter
from datetime import datetime, time, timedelta
from typing import Any

import pytest

from infra.local.demo_account import as_function, table_settings
from infra.local.house import House
from signalbox.adapters.storage.attributes import sortable_iso
from signalbox.domain.accounts.account import Tier
from signalbox.domain.delivery.delivery import Channel, Subscription
from signalbox.domain.delivery.timing import Digest
from tests.e2e.conftest import Walk, items_of

DAILY, BUDGETED = "daily-digest", "daily-budget"
BUDGET = 1
TURNS = 16
MORNING_TURN = 14
"""The turn at which it is morning for the subscribers: their digests are sent then, and the last turns wait."""
MORNING = time(8)


def address(account: str) -> str:
    return f"{account}@signalbox.example"


def zone_of_morning(at: datetime) -> str:
    """Return a time zone in which it is eight o'clock at `at`."""
    offset = (MORNING.hour - at.hour + 11) % 24 - 11
    return f"Etc/GMT{-offset:+d}"


def wish(account: str, morning: datetime, **when: Any) -> Subscription:
    """Return a subscription to everything, by mail, whose local morning is at `morning`."""
    return Subscription(
        subscription_id=account,
        account_id=account,
        tier=Tier.PREMIUM,
        channels=frozenset({Channel.EMAIL}),
        email=address(account),
        time_zone=zone_of_morning(morning),
        **when,
    )


@pytest.fixture(scope="module")
def morning(walk: Walk) -> datetime:
    return walk.at + timedelta(hours=MORNING_TURN)


@pytest.fixture(scope="module")
def told(walk: Walk, cloud: House, morning: datetime) -> dict[str, list[dict[str, Any]]]:
    """The deliveries of both accounts after the turns, by account."""
    from signalbox.adapters.storage.subscriptions import DynamoSubscriptionRepository

    wishes = [wish(DAILY, morning, digest=Digest.DAILY), wish(BUDGETED, morning, daily_budget=BUDGET)]
    with as_function(cloud.cloud, table_settings(cloud.deployment)):
        subscriptions = DynamoSubscriptionRepository()
        for each in wishes:
            subscriptions.put(each)
        walk.step(TURNS)
        for each in wishes:
            subscriptions.remove(each.account_id, each.subscription_id)
    items = items_of(cloud, "DeliveriesTable")
    return {account: [item for item in items if item["account_id"]["S"] == account] for account in (DAILY, BUDGETED)}


def accepted(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [item for item in items if item["state"]["S"] == "ACCEPTED"]


def mails(cloud: House, account: str) -> list[dict[str, Any]]:
    return [mail for mail in cloud.cloud.mailbox() if address(account) in mail["To"]]


def signals_named(mail: dict[str, Any], items: list[dict[str, Any]]) -> Counter[str]:
    """Count how often a mail names each signal of `items`."""
    return Counter({each: mail["BodyText"].count(each) for each in {item["signal_id"]["S"] for item in items}})


def test_everything_of_a_day_comes_in_one_mail_and_nothing_twice(
    told: dict[str, list[dict[str, Any]]], cloud: House, walk: Walk, morning: datetime
) -> None:
    items, received = accepted(told[DAILY]), mails(cloud, DAILY)
    next_morning = sortable_iso(morning + timedelta(days=1))
    assert len(items) > 1
    assert len(received) == 1
    assert {item["service_id"]["S"] for item in items} == {received[0]["MessageId"]}
    assert signals_named(received[0], items) == Counter(item["signal_id"]["S"] for item in items)
    assert {item["due_at"]["S"] for item in told[DAILY] if item["state"]["S"] == "QUEUED"} <= {next_morning}
    assert {item["state"]["S"] for item in told[DAILY]} <= {"ACCEPTED", "QUEUED", "SUPPRESSED"}


def test_a_daily_budget_brings_so_many_mails_and_the_rest_in_the_morning(
    told: dict[str, list[dict[str, Any]]], cloud: House
) -> None:
    together = Counter(item["service_id"]["S"] for item in accepted(told[BUDGETED]))
    assert len(together) == len(mails(cloud, BUDGETED))
    assert sum(count > 1 for count in together.values()) == 1
    # The local days: midnight is eight hours before the morning, so that two have begun.
    assert 1 <= sum(count == 1 for count in together.values()) <= 2 * BUDGET
    assert not cloud.stepper.backlog.dead_letters()
