"""How ccxt's clients are set up, without calling anybody."""

from collections.abc import Iterator
from typing import Any

import pytest

from signalbox.adapters.exchanges.ccxt_client import open_client

ENDPOINT = "http://127.0.0.1:9000"


def addresses_in(value: Any) -> Iterator[str]:
    """Yield every text in nested dicts."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from addresses_in(inner)
    else:
        yield value


@pytest.mark.parametrize("exchange_id", ["binance", "bybit", "kraken", "okx", "gate"])
@pytest.mark.parametrize("endpoint", [ENDPOINT, f"{ENDPOINT}/"])
def test_every_address_however_nested_is_moved_to_the_endpoint_with_its_path(exchange_id, endpoint):
    real = list(addresses_in(open_client(exchange_id).urls["api"]))
    moved = list(addresses_in(open_client(exchange_id, endpoint=endpoint).urls["api"]))

    paths = ["/".join(address.split("/")[3:]) for address in real]
    assert moved == [f"{ENDPOINT}/{exchange_id}/{path}".rstrip("/") for path in paths]


def test_without_an_endpoint_the_addresses_are_the_exchanges_own():
    assert open_client("kraken").urls["api"]["public"] == "https://api.kraken.com"


@pytest.mark.parametrize(("endpoint", "trusted"), [("", True), (ENDPOINT, False)])
def test_proxies_of_the_environment_are_for_real_exchanges_only(endpoint, trusted):
    assert open_client("binance", endpoint=endpoint).session.trust_env is trusted


@pytest.mark.parametrize("exchange_id", ["binance", "bybit", "okx"])
def test_only_spot_markets_are_asked_for(exchange_id):
    client = open_client(exchange_id)

    assert client.options["fetchMarkets"]["types"] == ["spot"]
    assert client.options["defaultType"] == "spot"


def test_a_client_waits_ten_seconds_and_keeps_ccxts_rate_limit_unless_told_otherwise():
    usual, told = open_client("kraken"), open_client("kraken", rate_limit_ms=2, timeout_ms=700)

    assert (usual.timeout, usual.rateLimit, usual.enableRateLimit) == (10_000, 1000, True)
    assert (told.timeout, told.rateLimit, told.enableRateLimit) == (700, 2, True)


def test_settings_of_one_client_do_not_reach_the_next():
    open_client("okx", endpoint=ENDPOINT, rate_limit_ms=1)

    assert open_client("okx").urls["api"]["rest"] == "https://{hostname}"
    assert open_client("okx").rateLimit == 110
