"""What is kept for a while says until when, by the wall clock, and the operator says how long that is."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infra.assemble import assemble
from signalbox.adapters.storage.alert_items import AlertItem, item_of
from signalbox.adapters.storage.connections import ConnectionItem, DynamoConnectionRepository
from signalbox.adapters.storage.deliveries import DeliveryItem, DynamoDeliveryRepository
from signalbox.adapters.storage.dynamo import Table, call
from signalbox.adapters.storage.exports import DynamoExportRepository, ExportItem
from signalbox.adapters.storage.news import DynamoNewsRepository, NewsTableItem
from signalbox.adapters.storage.price_frames import DynamoPriceFrameStore, PriceFrameItem
from signalbox.adapters.storage.topic_log import DynamoTopicLog, TopicLogItem
from signalbox.domain.accounts.account import Tier
from signalbox.domain.sentiment.aggregation import LONGEST_WINDOW
from signalbox.ports.sentiment import FeedState
from signalbox.ports.topics import Connection
from signalbox.settings import settings
from tests.builders import NOW, make_delivery, make_frame, make_price
from tests.fakes.alerts import make_alert
from tests.fakes.exports import make_export_job
from tests.fakes.work import FixedClock

WALL = datetime(2030, 1, 1, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
CLOCK = FixedClock(WALL)
ALERT, JOB = make_alert(), make_export_job(expires_at=WALL)

KEPT: dict[str, tuple[Callable[[], Any], type[Table], timedelta, timedelta]] = {
    "DELIVERIES_KEPT_DAYS": (
        lambda: DynamoDeliveryRepository(CLOCK).add(make_delivery(queued_at=NOW)), DeliveryItem, 90 * DAY, DAY,
    ),
    "TOPICS_KEPT_HOURS": (
        lambda: DynamoTopicLog().append_once("regimes", "e", {}, WALL), TopicLogItem, 24 * HOUR, HOUR,
    ),
    "PRICES_KEPT_DAYS": (
        lambda: DynamoPriceFrameStore(CLOCK).save(make_frame(make_price(), as_of=NOW)), PriceFrameItem, 2 * DAY, DAY,
    ),
    "ALERTS_KEPT_DAYS": (
        lambda: item_of(ALERT, WALL).save(), AlertItem, max(ALERT.terms.expires_at, WALL) - WALL + 30 * DAY, DAY,
    ),
    "NEWS_KEPT_DAYS": (
        lambda: DynamoNewsRepository(CLOCK).keep_feed_state("desk", FeedState("", "")), NewsTableItem, 36 * DAY, DAY,
    ),
    "EXPORTS_KEPT_DAYS": (lambda: DynamoExportRepository().add(JOB), ExportItem, DAY, DAY),
}  # fmt: skip
"""By parameter: what writes, where, how long it is kept where nobody says otherwise, and the parameter's unit."""


@pytest.fixture
def keep(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, int], None]]:
    """Sets a retention as the template's parameter does."""

    def choose(name: str, value: int) -> None:
        monkeypatch.setenv(name, str(value))
        settings.cache_clear()

    yield choose
    settings.cache_clear()


def expiry(model: type[Table]) -> datetime:
    """Return the first moment at which something that was written goes away."""
    items: list[Any] = call("Scan", {"TableName": model.name()})["Items"]
    return datetime.fromtimestamp(min(int(item["ttl"]["N"]) for item in items if "ttl" in item), tz=UTC)


@pytest.mark.parametrize("name", KEPT)
def test_what_ages_goes_away_by_itself(tables: None, name: str):
    write, model, usual, _ = KEPT[name]
    write()
    assert expiry(model) == WALL + usual


@pytest.mark.parametrize("name", KEPT)
def test_what_ages_is_kept_as_long_as_its_parameter_says(tables: None, keep: Callable[[str, int], None], name: str):
    write, model, usual, unit = KEPT[name]
    default = int(assemble()["Parameters"][parameter(name)]["Default"])
    keep(name, default + 7)
    write()
    assert expiry(model) == WALL + usual + 7 * unit


def parameter(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def test_every_retention_is_a_parameter_that_may_not_be_too_short_to_work():
    parameters = assemble()["Parameters"]
    assert {name for name in parameters if "Kept" in name} == {parameter(name) for name in KEPT}
    assert parameters["NewsKeptDays"]["MinValue"] * DAY > LONGEST_WINDOW
    assert all(parameters[parameter(name)]["MinValue"] >= 1 for name in KEPT)


def test_connections_outlive_the_gateways_two_hours(tables: None):
    DynamoConnectionRepository().add(Connection("conn-1", "acc-1", Tier.PRO, frozenset()), WALL)

    assert expiry(ConnectionItem) > WALL + timedelta(hours=2)
