"""One local cloud for all end-to-end tests: the whole system on the simulated market, stepped by the tests.

It starts on first use and lives as long as the session. Under pytest-xdist one worker runs all of them
(tests/conftest.py).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.local.fault_proxy import FaultProxy, running_proxy
from infra.local.house import House, HouseOptions, open_house
from infra.local.market_source import MarketChoice
from infra.local.turns import SIMULATED_END, warm_up

HERE = Path(__file__).parent
FIRST_TURN = SIMULATED_END - timedelta(hours=240)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@dataclass
class Walk:
    """Where the session's market clock stands: `at` is the newest turn that was lived through."""

    house: House
    at: datetime

    def step(self, count: int = 1) -> list[datetime]:
        """Live through the next `count` turns and return their moments."""
        step = timedelta(milliseconds=self.house.timeframe.milliseconds)
        moments = [self.at + step * (number + 1) for number in range(count)]
        for moment in moments:
            self.house.stepper.step(moment, self.at)
            self.at = moment
        return moments


def items_of(house: House, logical_id: str) -> list[dict[str, Any]]:
    """Return everything that a table of the house holds, as DynamoDB spells it."""
    table = house.deployment.resources[logical_id]
    pages = house.cloud.client("dynamodb").get_paginator("scan").paginate(TableName=table)
    return [item for page in pages for item in page["Items"]]


@pytest.fixture(scope="session")
def proxy() -> Iterator[FaultProxy]:
    """What stands between the functions and the local cloud; it forwards everything until a test adds rules."""
    with running_proxy(FaultProxy(0, cloud="")) as running:
        yield running


@pytest.fixture(scope="session")
def cloud(proxy: FaultProxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The running house: `cloud.api_url` and `cloud.key` are the REST API's address and the demo account's key,
    `cloud.deployment.resources` the physical names by logical id."""
    logs = tmp_path_factory.mktemp("local-cloud")
    options = HouseOptions(MarketChoice("simulated"), logs, function_endpoint=proxy.endpoint)
    with open_house(options) as house:
        proxy.cloud = house.cloud.endpoint
        yield house


@pytest.fixture(scope="session")
def storm_proxy() -> Iterator[FaultProxy]:
    """What stands between the functions and the storms' cloud."""
    with running_proxy(FaultProxy(0, cloud="")) as running:
        yield running


@pytest.fixture(scope="session")
def storm_house(storm_proxy: FaultProxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house of their own for storms of deliveries, whose counts are theirs alone. It lives by the wall clock; no turn
    is lived through in it, and nobody is subscribed yet."""
    from infra.local.demo_account import as_function, table_settings
    from signalbox.adapters.storage.subscriptions import DynamoSubscriptionRepository

    options = HouseOptions(
        MarketChoice("simulated"),
        tmp_path_factory.mktemp("storm-cloud"),
        parameters={"Clock": "wall"},
        function_endpoint=storm_proxy.endpoint,
        tolerant=True,
    )
    with open_house(options) as house:
        storm_proxy.cloud = house.cloud.endpoint
        with as_function(house.cloud, table_settings(house.deployment)):
            DynamoSubscriptionRepository().remove("demo", "demo-everything")
        yield house


@pytest.fixture(scope="session")
def walk(cloud: House) -> Walk:
    """The session's clock, with the candles that indicators need already loaded."""
    warm_up(cloud, FIRST_TURN)
    return Walk(cloud, FIRST_TURN - timedelta(hours=1))


@pytest.fixture
def step_turns(walk: Walk) -> Callable[[int], list[datetime]]:
    """Lives through the next so many turns and returns their moments."""
    return walk.step


@pytest.fixture(scope="session")
def root(cloud: House) -> Callable[[str], object]:
    """Makes a client of an AWS service with root's rights."""
    return cloud.cloud.client


@pytest.fixture
def api(cloud: House) -> Iterator[httpx.Client]:
    """The REST API, asked with the demo account's key."""
    with httpx.Client(base_url=cloud.api_url, headers={"x-api-key": cloud.key}, timeout=30, trust_env=False) as client:
        yield client
