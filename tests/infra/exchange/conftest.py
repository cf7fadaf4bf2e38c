from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import ccxt
import pytest

from infra.local.exchange.server import LocalExchange

NOW = 1_717_212_345_678  # 2024-06-01 03:25:45 UTC
ClientMaker = Callable[..., Any]


def _moved(address: Any, endpoint: str) -> Any:
    if isinstance(address, dict):
        return {name: _moved(one, endpoint) for name, one in address.items()}
    return endpoint + urlsplit(address.replace("{hostname}", "exchange")).path


@pytest.fixture
def make_client() -> Iterator[ClientMaker]:
    """Make ccxt's real clients with every URL moved to `<endpoint>/<exchange id>`, as the adapter does."""
    made = []

    def make(exchange_id: str, url: str, timeout: int = 5_000) -> Any:
        options = {"fetchMarkets": {"types": ["spot"]}, "defaultType": "spot"}
        client = getattr(ccxt, exchange_id)({"enableRateLimit": False, "timeout": timeout, "options": options})
        client.urls["api"] = _moved(client.urls["api"], f"{url}/{exchange_id}")
        made.append(client)
        return client

    yield make
    for client in made:
        client.session.close()


@pytest.fixture(scope="session")
def shared() -> Iterator[LocalExchange]:
    with LocalExchange(now=NOW) as local:
        yield local


@pytest.fixture
def local(shared: LocalExchange) -> Iterator[LocalExchange]:
    """The simulated exchanges at 2024-06-01 03:25:45 UTC, without faults."""
    shared.set_clock(NOW)
    yield shared
    shared.clear_faults()
    shared.set_clock(NOW)
