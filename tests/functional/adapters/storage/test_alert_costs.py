"""What alerts cost: items read by a move, and what one firing writes."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from signalbox.adapters import aws
from signalbox.adapters.storage import topic_log
from signalbox.adapters.storage.alert_items import AlertItem, item_of
from signalbox.adapters.storage.alert_places import SLACK
from signalbox.adapters.storage.alerts import DynamoAlertRepository
from signalbox.adapters.storage.dynamo import call
from signalbox.adapters.storage.topic_log import DynamoTopicLog
from signalbox.domain.alerts.alert import Alert
from signalbox.domain.alerts.firing import Firing
from signalbox.domain.alerts.triggers import prices_partition
from signalbox.domain.errors import StorageUnavailableError
from signalbox.ports.alerts import TriggerRange
from signalbox.settings import settings
from tests.builders import NOW
from tests.fakes.alerts import make_alert, make_firing, make_terms
from tests.fakes.work import FixedClock

ALERTS = 3_000
MINUTE = timedelta(minutes=1)


@pytest.fixture
def repository(tables: None) -> DynamoAlertRepository:
    return DynamoAlertRepository(FixedClock(NOW))


@pytest.fixture
def answers(tables: None) -> Counter[str]:
    """How often each operation was called since, and under `items` how many items queries looked at."""
    counted: Counter[str] = Counter()

    def count(model: Any, parsed: dict[str, Any], **_: Any) -> None:
        counted[model.name] += 1
        counted["items"] += parsed.get("ScannedCount", 0)

    aws.client("dynamodb").meta.events.register("after-call.dynamodb", count)
    return counted


def store_many(count: int) -> None:
    for first in range(0, count, 25):
        batch = [
            make_alert(make_terms(price=Decimal(1000 + at)), alert_id=f"alert-{at:06}", account_id=f"acc-{at % 97}")
            for at in range(first, min(first + 25, count))
        ]
        puts = [{"PutRequest": {"Item": item_of(alert, NOW).serialize()}} for alert in batch]
        call("BatchWriteItem", {"RequestItems": {AlertItem.name(): puts}})


def test_a_move_that_crosses_three_of_three_thousand_alerts_reads_three(
    repository: DynamoAlertRepository, answers: Counter[str]
):
    store_many(ALERTS)
    passed = repository.waiting([TriggerRange(prices_partition("BTC/USDT", rising=True), high=Decimal("1999.5"))])
    for alert in passed:
        repository.update(alert, replace(alert, active=False))
    answers.clear()

    crossed = repository.waiting(
        [
            TriggerRange(prices_partition("BTC/USDT", rising=True), high=Decimal("2002.5")),
            TriggerRange(prices_partition("BTC/USDT", rising=False), low=Decimal("2002.5")),
        ]
    )

    assert [alert.terms.price for alert in crossed] == [2000, 2001, 2002]
    assert answers == {"Query": 2, "items": 3}


def test_symbols_without_alerts_are_known_by_one_read(repository: DynamoAlertRepository, answers: Counter[str]):
    assert repository.occupied(f"S{number}/USDT" for number in range(100)) == frozenset()
    assert answers == {"BatchGetItem": 1, "items": 0}


def test_a_place_is_forgotten_once_no_alert_can_be_there(tables: None):
    DynamoAlertRepository(FixedClock(NOW)).add(make_alert())
    kept = timedelta(days=7) + timedelta(days=settings().alerts_kept_days) + SLACK
    assert DynamoAlertRepository(FixedClock(NOW + kept - MINUTE)).occupied(["BTC/USDT"])
    assert not DynamoAlertRepository(FixedClock(NOW + kept)).occupied(["BTC/USDT"])


def test_an_alert_that_ends_sooner_shortens_nobodys_place(tables: None):
    repository = DynamoAlertRepository(FixedClock(NOW))
    repository.add(make_alert())
    repository.add(make_alert(make_terms(expires_at=NOW + MINUTE), alert_id="alert-2"))
    late = NOW + timedelta(days=7 + settings().alerts_kept_days) + SLACK - MINUTE
    assert DynamoAlertRepository(FixedClock(late)).occupied(["BTC/USDT"])


def test_an_alert_that_waits_no_more_is_in_no_index(repository: DynamoAlertRepository):
    alert = make_alert()
    repository.add(alert)
    repository.update(alert, replace(alert, active=False))
    assert call("Scan", {"TableName": AlertItem.name(), "IndexName": "by-trigger"})["Count"] == 0


def test_a_firing_is_one_transaction(repository: DynamoAlertRepository, answers: Counter[str]):
    alert = make_alert()
    repository.add(alert)
    answers.clear()
    firing = make_firing(alert)
    assert repository.update(alert, alert.after_firing(firing), [firing]) is True
    assert answers == {"GetItem": 1, "TransactWriteItems": 1, "items": 0}


def test_a_firing_whose_number_another_one_took_is_numbered_anew(
    repository: DynamoAlertRepository, monkeypatch: pytest.MonkeyPatch
):
    fire(repository, stored(repository, "one"))
    numbers = iter([0, 1])  # as read before the other firing, and after
    monkeypatch.setattr(topic_log, "last_number", lambda _topic: next(numbers))
    fire(repository, stored(repository, "other"))

    entries = DynamoTopicLog().after("alerts:acc-1", 0, 10)
    assert [(number, record["alert_id"]) for number, record in entries] == [(1, "one"), (2, "other")]


def test_a_firing_that_always_meets_others_is_tried_again_later(
    repository: DynamoAlertRepository, monkeypatch: pytest.MonkeyPatch
):
    fire(repository, stored(repository, "one"))
    monkeypatch.setattr(topic_log, "last_number", lambda _topic: 0)
    with pytest.raises(StorageUnavailableError, match="met others"):
        fire(repository, stored(repository, "other"))


def stored(repository: DynamoAlertRepository, alert_id: str) -> Alert:
    alert = make_alert(alert_id=alert_id)
    repository.add(alert)
    return alert


def fire(repository: DynamoAlertRepository, alert: Alert) -> Firing:
    firing = make_firing(alert)
    assert repository.update(alert, alert.after_firing(firing), [firing]) is True
    return firing
