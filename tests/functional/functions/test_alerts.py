"""Alerts and regimes over REST, the authorizer in front; and one alert's whole way from a price to a mail."""

import json
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ses import ses_backends

from signalbox import bootstrap
from signalbox.adapters.aws import client
from signalbox.adapters.storage.topic_log import TopicLogItem
from signalbox.domain.accounts.account import Account, Scope, Tier
from signalbox.domain.alerts.alert import AlertKind
from signalbox.domain.market.consensus import PriceFrame
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.regimes.change import Direction
from signalbox.ports.work import Turn
from signalbox.services.accounts import make_key
from tests.builders import ended, make_price, make_signal, make_universe
from tests.fakes.alerts import make_alert, make_change, make_terms
from tests.functional.functions.conftest import NOW, Handler, load_event, messages
from tests.functional.functions.gate import Gate

AS_OF = NOW.replace(second=0)
ALERTS, ONE, REGIMES = "/signals/api/alerts", "/signals/api/alerts/{alert_id}", "/signals/api/regimes"
ABOVE = {"kind": "above", "symbol": "BTC/USDT", "price": "43000.50"}


@pytest.fixture
def gate(gate: Gate) -> Gate:
    """The API, at a moment of a turn, with a universe of one symbol."""
    turn = Turn(job="generate_signals", timeframe="1h", as_of=AS_OF, planned_at=AS_OF, shards=1, symbols=1)
    bootstrap.turn_repository().record(turn)
    universe = make_universe(since=AS_OF - timedelta(days=9))
    bootstrap.universe_repository().add(universe)
    return gate


def key_of(account: Account, *scopes: Scope) -> str:
    accounts = bootstrap.account_repository()
    accounts.put_account(account)
    return make_key(account, scopes=frozenset(scopes or Scope), accounts=accounts, now=NOW).text


@pytest.fixture
def ada(gate: Gate) -> str:
    return key_of(Account("acc_ada", Tier.PREMIUM, "ada@example.com"))


@pytest.fixture
def eve(gate: Gate) -> str:
    return key_of(Account("acc_eve", Tier.FREE, "eve@example.com"))


def test_an_alert_is_made_shown_changed_and_deleted(gate: Gate, ada: str) -> None:
    made = gate("POST", ALERTS, ada, ABOVE | {"note": "sell half"})
    assert made.status == 201
    alert_id = made.body["alert_id"]
    assert (made.body["price"], made.body["waits_at"], made.body["waiting"]) == ("43000.50", "43000.50", True)
    assert gate("GET", ONE, ada, alert_id=alert_id).body == made.body
    assert gate("GET", ALERTS, ada).body["alerts"] == [made.body]

    patched = gate("PATCH", ONE, ada, {"note": "", "repeat": True}, alert_id=alert_id)
    assert patched.body == made.body | {"note": "", "repeat": True}
    put = gate("PUT", ONE, ada, ABOVE | {"kind": "below"}, alert_id=alert_id)
    assert (put.status, put.body["kind"], put.body["note"]) == (200, "below", "")

    assert gate("DELETE", ONE, ada, alert_id=alert_id).status == 204
    assert gate("DELETE", ONE, ada, alert_id=alert_id).status == 404
    assert gate("GET", ALERTS, ada).body["alerts"] == []


def test_ids_are_not_to_be_guessed(gate: Gate, ada: str) -> None:
    ids = {gate("POST", ALERTS, ada, ABOVE).body["alert_id"] for _ in range(3)}
    assert len(ids) == 3
    assert all(len(each) >= 22 for each in ids)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_another_accounts_alert_is_not_found(gate: Gate, ada: str, eve: str, method: str) -> None:
    alert_id = gate("POST", ALERTS, ada, ABOVE).body["alert_id"]
    body = None if method in ("GET", "DELETE") else ABOVE
    assert gate(method, ONE, eve, body, alert_id=alert_id).status == 404
    assert gate(method, ONE, eve, body, alert_id="alert_unknown").status == 404
    assert gate("GET", ONE, ada, alert_id=alert_id).body["price"] == "43000.50"


def test_a_caller_without_a_key_sees_signals_and_has_no_alerts(gate: Gate) -> None:
    assert gate("GET", ALERTS).body == {"signal_alerts": [], "alerts": None}
    asked = [gate("GET", ALERTS, query={"part": "own"}), gate("POST", ALERTS, body=ABOVE)]
    asked += [gate(method, ONE, alert_id="x") for method in ("GET", "PUT", "PATCH", "DELETE")]
    assert [answer.status for answer in asked] == [401] * 6


def test_a_key_that_only_reads_has_no_alerts(gate: Gate) -> None:
    key = key_of(Account("acc_bob", Tier.PRO), Scope.READ)
    assert gate("POST", ALERTS, key, ABOVE).status == 403
    assert gate("GET", ALERTS, key).body["alerts"] is None


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"kind": "sideways"}, "kind"),
        ({"symbol": "BTCUSDT"}, "symbol"),
        ({"symbol": "DOGE/USDT"}, "symbol"),
        ({"symbol": "*"}, "symbol"),
        ({"price": 43000.5}, "price"),
        ({"price": "-1"}, "price"),
        ({"price": "0"}, "price"),
        ({"price": "1e3"}, "price"),
        ({"price": None}, "price"),
        ({"percent": 2.0}, "percent"),
        ({"repeat": "yes"}, "repeat"),
        ({"cooldown_seconds": -1}, "cooldown_seconds"),
        ({"hysteresis_percent": 51}, "hysteresis_percent"),
        ({"note": "x" * 281}, "note"),
        ({"note": "two\nlines"}, "note"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "2030-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"channels": []}, "channels"),
        ({"channels": ["pigeon"]}, "channels.0"),
        ({"fired": 3}, "fired"),
        ({"kind": "change", "price": None, "percent": 0.1, "window": "1h"}, "percent"),
        ({"kind": "regime", "price": None, "timeframe": "4h"}, "timeframe"),
        ({"kind": "regime", "price": None, "timeframe": "2h"}, "timeframe"),
    ],
)
def test_bad_input_is_refused_with_the_name_of_the_field_and_changes_nothing(
    gate: Gate, ada: str, wrong: Mapping[str, Any], field: str
) -> None:
    alert_id = gate("POST", ALERTS, ada, ABOVE).body["alert_id"]
    for answer in (gate("POST", ALERTS, ada, ABOVE | wrong), gate("PATCH", ONE, ada, dict(wrong), alert_id=alert_id)):
        assert answer.status == 400
        assert field.split(".", maxsplit=1)[0] in {error["field"].split(".")[0] for error in answer.body["errors"]}
    assert len(gate("GET", ALERTS, ada).body["alerts"]) == 1


def test_a_body_that_is_no_json_object_is_refused(gate: Gate, ada: str) -> None:
    assert [gate("POST", ALERTS, ada, body).status for body in ("{", "[]", "1", "null")] == [400] * 4


def test_an_alert_that_crosses_needs_a_price_to_know_its_side(gate: Gate, ada: str) -> None:
    refused = gate("POST", ALERTS, ada, ABOVE | {"kind": "crosses"})
    assert (refused.status, refused.body["errors"][0]["field"]) == (400, "price")


def test_an_alert_that_crosses_waits_on_the_side_where_the_price_is_now(gate: Gate, ada: str) -> None:
    bootstrap.price_frame_store().save(PriceFrame(0, AS_OF, {"BTC/USDT": make_price(price=100.0)}))
    for price in ("90", "110"):
        assert gate("POST", ALERTS, ada, ABOVE | {"kind": "crosses", "price": price}).status == 201
    stored = bootstrap.alert_repository().of_account("acc_ada")
    assert {(alert.terms.price, alert.rising) for alert in stored} == {(Decimal(90), False), (Decimal(110), True)}


def test_a_tier_gives_so_many_alerts(gate: Gate, eve: str) -> None:
    assert [gate("POST", ALERTS, eve, ABOVE).status for _ in range(6)] == [201] * 5 + [409]


def test_every_kind_can_be_asked_for(gate: Gate, ada: str) -> None:
    base = {"symbol": "BTC/USDT"}
    kinds = [
        base | {"kind": "below", "price": "1"},
        base | {"kind": "change", "percent": -5, "window": "24h"},
        base | {"kind": "near_target", "percent": 1.5},
        base | {"kind": "near_stop", "percent": 0.5},
        {"kind": "regime", "symbol": "market", "timeframe": "1h"},
        {"kind": "new_signal", "symbol": "*", "minimum_quality": 70},
    ]
    assert [gate("POST", ALERTS, ada, each).status for each in kinds] == [201] * len(kinds)


def test_what_is_new_of_signals_is_published_or_ended_and_visible(gate: Gate, ada: str, eve: str) -> None:
    yesterday = AS_OF - timedelta(hours=30)
    old, new = make_signal(yesterday, published_at=yesterday), make_signal(AS_OF, published_at=AS_OF)
    for signal in (old, new):
        bootstrap.signal_repository().add(signal)
    bootstrap.signal_repository().update(old, ended(old, ended_at=AS_OF - timedelta(hours=20)))

    def shown(key: str) -> list[tuple[str, str]]:
        news = gate("GET", ALERTS, key, query={"part": "signals"}).body["signal_alerts"]
        return [(each["event"], each["signal"]["id"]) for each in news]

    assert shown(ada) == [("published", new.signal_id), ("ended", old.signal_id), ("published", old.signal_id)]
    assert shown(eve) == [("ended", old.signal_id), ("published", old.signal_id)]


def test_a_firing_about_a_signal_is_not_shown_before_its_tier_may_see_it(gate: Gate, eve: str) -> None:
    """Made as premium, free by now: the alert itself must not tell."""
    alert = make_alert(
        make_terms(AlertKind.NEW_SIGNAL, symbol="*", minimum_quality=1.0, repeat=True), account_id="acc_eve"
    )
    signal = make_signal(AS_OF, published_at=AS_OF)
    firing = alert.firing(signal.signal_id, at=AS_OF, value="62", headline="New signal", signal=signal)
    bootstrap.alert_repository().add(alert)
    bootstrap.alert_repository().update(alert, alert.after_firing(firing), [firing])
    shown = gate("GET", ONE, eve, alert_id="alert-1").body
    assert (shown["fired"], shown["last"]) == (0, None)


def test_regimes_are_told_with_their_history(gate: Gate) -> None:
    hour = timedelta(hours=1)
    stored = bootstrap.regime_repository()
    stored.add(make_change(since=AS_OF - 40 * 24 * hour))
    stored.add(make_change(since=AS_OF - hour, direction=Direction.DOWN))
    stored.add(make_change(symbol="market", since=AS_OF - 2 * hour))
    told = gate("GET", REGIMES, query={"symbol": "BTC/USDT"}).body
    assert told["current"] == {
        "since": "2024-01-05T12:00:00Z",
        "direction": "DOWN",
        "volatility": "NORMAL",
        "regime": "DOWN/NORMAL",
    }
    assert len(told["changes"]) == 1
    span = {"symbol": "BTC/USDT", "from": "2023-01-01T00:00:00Z", "to": "2024-01-05T12:00:00Z"}
    assert [each["regime"] for each in gate("GET", REGIMES, query=span).body["changes"]] == ["UP/NORMAL"]
    assert gate("GET", REGIMES).body["current"]["since"] == "2024-01-05T11:00:00Z"
    assert gate("GET", REGIMES, query={"timeframe": "4h"}).body == {
        "symbol": "market", "timeframe": "4h", "current": None, "changes": [],
    }  # fmt: skip
    assert gate("GET", REGIMES, query={"timeframe": "9h"}).body["errors"][0]["field"] == "timeframe"


def records_of_the_log() -> list[dict[str, Any]]:
    """What the topic log's stream would tell of everything in it."""
    items = client("dynamodb").scan(TableName=TopicLogItem.name())["Items"]
    return [
        {
            "eventName": "INSERT",
            "dynamodb": {"Keys": {"topic": item["topic"], "sequence": item["sequence"]}, "NewImage": item},
        }
        for item in items
    ]


def test_a_price_becomes_one_mail_however_often_each_message_comes(
    gate: Gate, ada: str, handler: Handler, lambda_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_URL", "https://api.example")
    monkeypatch.setenv("TOKEN_SECRET", "secret")
    assert gate("POST", ALERTS, ada, ABOVE | {"price": "0.01", "note": "at last"}).status == 201
    shard = load_event("reprice_signals")
    body = json.loads(shard["Records"][0]["body"]) | {"as_of": "2024-01-05T13:00:00Z"}
    shard["Records"][0]["body"] = json.dumps(body)

    for _ in range(2):
        assert handler("reprice_signals")(shard, lambda_context) == {"batchItemFailures": []}
    for _ in range(2):
        handler("relay_events")({"Records": records_of_the_log()}, lambda_context)
    for name, queue in (("route_deliveries", "ROUTES"), ("deliver_signals", "DELIVER_PREMIUM")):
        for sent in messages(queue):
            event = load_event(name)
            event["Records"][0]["body"] = json.dumps(sent)
            assert handler(name)(event, lambda_context) == {"batchItemFailures": []}

    mails = ses_backends[DEFAULT_ACCOUNT_ID]["eu-central-1"].sent_messages
    assert len(mails) == 1
    shown = gate("GET", ALERTS, ada).body["alerts"][0]
    assert (shown["fired"], shown["waiting"]) == (1, False)
    assert Decimal(shown["last"]["value"]) > Decimal("0.01")


def test_a_turn_writes_the_regimes_of_its_symbols_and_tells_each_once_however_often_its_message_comes(
    gate: Gate, handler: Handler, lambda_context: Any
) -> None:
    event = load_event("generate_signals")
    for _ in range(3):
        assert handler("generate_signals")(event, lambda_context) == {"batchItemFailures": []}
    found = bootstrap.regime_repository().latest("BTC/USDT", Timeframe.H1, NOW)
    assert found is not None
    assert found.since == AS_OF
    told = [record for _, record in bootstrap.topic_log().after("regimes", 0, 100)]
    assert found.to_record() in told
    assert len({record["symbol"] for record in told}) == len(told) == bootstrap.topic_writer().last("regimes")
