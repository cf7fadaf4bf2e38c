"""What is kept for a while says until when, by the wall clock."""

from datetime import UTC, datetime, timedelta
from typing import Any

from signalbox.adapters.storage.connections import ConnectionItem, DynamoConnectionRepository
from signalbox.adapters.storage.deliveries import DeliveryItem, DynamoDeliveryRepository
from signalbox.adapters.storage.dynamo import Table, call
from signalbox.adapters.storage.price_frames import DynamoPriceFrameStore, PriceFrameItem
from signalbox.domain.accounts.account import Tier
from tests.builders import NOW, make_delivery, make_frame, make_price
from tests.fakes.work import FixedClock

WALL = datetime(2030, 1, 1, tzinfo=UTC)


def expiry(model: type[Table]) -> datetime:
    items: list[Any] = call("Scan", {"TableName": model.name()})["Items"]
    return datetime.fromtimestamp(int(items[0]["ttl"]["N"]), tz=UTC)


def test_price_frames_expire_two_days_after_they_were_written(tables: None):
    DynamoPriceFrameStore(FixedClock(WALL)).save(make_frame(make_price(), as_of=NOW))

    assert expiry(PriceFrameItem) == WALL + timedelta(days=2)


def test_deliveries_expire_ninety_days_after_they_were_queued(tables: None):
    DynamoDeliveryRepository(FixedClock(WALL)).add(make_delivery(queued_at=NOW))

    assert expiry(DeliveryItem) == WALL + timedelta(days=90)


def test_connections_outlive_the_gateways_two_hours(tables: None):
    DynamoConnectionRepository().add("conn-1", "acc-1", Tier.PRO, WALL)

    assert expiry(ConnectionItem) > WALL + timedelta(hours=2)
