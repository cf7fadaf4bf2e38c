"""An alert's whole way on the real template with IAM on: asked for over REST, fired by a price, mailed; and regimes."""

from collections.abc import Callable
from datetime import datetime

import httpx

from infra.local.house import House
from tests.e2e.conftest import Walk, items_of


def deliveries_of(cloud: House, alert_id: str) -> list[str]:
    items = items_of(cloud, "DeliveriesTable")
    return [item["state"]["S"] for item in items if item["event_id"]["S"].startswith(f"{alert_id}!")]


def test_an_alert_is_fired_by_a_price_and_mailed_once(
    walk: Walk, cloud: House, api: httpx.Client, step_turns: Callable[[int], list[datetime]]
) -> None:
    step_turns(1)
    asked = {"kind": "above", "symbol": "BTC/USDT", "price": "0.01", "note": "at last"}
    made = api.post("/signals/api/alerts", json=asked)
    assert made.status_code == 201, made.text
    alert_id = made.json()["alert_id"]

    step_turns(2)

    shown = api.get(f"/signals/api/alerts/{alert_id}").json()
    assert (shown["fired"], shown["waiting"]) == (1, False)
    assert shown["last"]["headline"].startswith("BTC/USDT rose to ")
    assert deliveries_of(cloud, alert_id) == ["ACCEPTED"]
    assert not cloud.stepper.backlog.dead_letters()
    assert api.delete(f"/signals/api/alerts/{alert_id}").status_code == 204


def test_every_turn_keeps_the_regimes(
    walk: Walk, api: httpx.Client, step_turns: Callable[[int], list[datetime]]
) -> None:
    (turn,) = step_turns(1)
    for symbol in ("BTC/USDT", "market"):
        current = api.get("/signals/api/regimes", params={"symbol": symbol}).json()["current"]
        assert current is not None, symbol
        assert datetime.fromisoformat(current["since"]) <= turn


def test_every_change_of_regime_is_told_once_and_numbered_without_a_gap(
    walk: Walk, cloud: House, step_turns: Callable[[int], list[datetime]]
) -> None:
    step_turns(2)
    stored = [item for item in items_of(cloud, "RegimesTable") if not item["series"]["S"].startswith("newest#")]
    told = [item for item in items_of(cloud, "TopicLogTable") if item["topic"]["S"] == "regimes"]
    entries = sorted((int(item["sequence"]["N"]), item.get("record")) for item in told)
    assert [number for number, _ in entries] == list(range(len(stored) + 1))  # Number 0 is the count.
    assert len({str(record) for _, record in entries}) == len(stored) + 1 > 10


def test_a_caller_without_a_key_has_no_alerts(cloud: House) -> None:
    with httpx.Client(base_url=cloud.api_url, timeout=30, trust_env=False) as nobody:
        refused = nobody.post("/signals/api/alerts", json={})
        assert refused.status_code == 401
        assert refused.headers["content-type"] == "application/problem+json"
        assert nobody.get("/signals/api/alerts").json()["alerts"] is None
