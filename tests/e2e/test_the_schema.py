"""The OpenAPI document as the gateway serves it, and the API behind it, on the real template."""

from datetime import UTC, datetime

import httpx
import pytest

from infra.local.demo_account import as_function, table_settings
from infra.local.house import House
from signalbox.domain.accounts.account import Account, Scope, Tier
from signalbox.services.accounts import make_key
from tests.e2e.conftest import Walk
from tests.functional.functions.schema_run import run
from tests.proof import cases

CASES = cases(500, 5_000)


@pytest.fixture
def credential(cloud: House) -> str:
    """The key of an account of its own: a run ends by erasing it."""
    from signalbox.adapters.storage.accounts import DynamoAccountRepository

    account = Account("acc_schema", Tier.PREMIUM, "schema@signalbox.example")
    with as_function(cloud.cloud, table_settings(cloud.deployment)):
        accounts = DynamoAccountRepository()
        accounts.put_account(account)
        return make_key(account, scopes=frozenset(Scope), accounts=accounts, now=datetime.now(UTC)).text


@pytest.mark.prove
def test_no_request_over_the_network_gets_an_answer_that_the_document_does_not_promise(
    walk: Walk, cloud: House, credential: str
) -> None:
    report = run(cloud.api_url, credential, CASES, every_edge=False)
    assert report.failures == []
    assert report.cases >= CASES


def test_the_documentation_needs_no_key_and_leads_to_the_document_beside_it(cloud: House) -> None:
    with httpx.Client(base_url=cloud.api_url, timeout=30, trust_env=False) as client:
        page = client.get("/docs")
        assert page.headers["content-type"].startswith("text/html")
        assert 'href="openapi.json"' in page.text
        assert client.get("/openapi.json").json()["openapi"] == "3.1.0"


def test_candles_and_monitoring_are_allowed_what_they_read(walk: Walk, api: httpx.Client) -> None:
    symbol = api.get("/signals/history", params={"limit": 1}).json()["signals"]
    watched = symbol[0]["symbol"] if symbol else "BTC/USDT"
    assert api.get("/signals/api/candles", params={"symbol": watched}).json()["candles"]
    seen = api.get("/signals/api/monitoring").json()
    assert {turn["job"] for turn in seen["turns"]} == {"generate_signals", "reprice_signals"}
    assert "generate_dead_letters" in {queue["name"] for queue in seen["queues"]}
    assert all(each["closed_at"] for each in seen["candles"])
