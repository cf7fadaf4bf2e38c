"""Prices and regimes from the function that finds them to the one that posts them, and back on `resume`."""

import json
from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest

from signalbox import bootstrap
from signalbox.domain.accounts.account import Tier
from signalbox.domain.delivery.topics import price_number
from signalbox.domain.instants import from_iso
from tests.builders import make_connection
from tests.fakes.topics import Switchboard
from tests.functional.functions.conftest import NOW, Handler, load_event, messages

TURN = from_iso("2024-01-05T13:00:00Z")


@pytest.fixture
def board(house: None, monkeypatch: pytest.MonkeyPatch) -> Switchboard:
    """The open connections: one of a free account, `conn`."""
    opened = Switchboard()
    monkeypatch.setattr(bootstrap, "connection_poster", lambda: opened)
    bootstrap.connection_repository().add(make_connection("conn", tier=Tier.FREE), NOW)
    return opened


def say(handler: Handler, context: Any, body: dict[str, Any]) -> None:
    event = load_event("websocket")
    said = {**event["requestContext"], "routeKey": "$default", "connectionId": "conn"}
    answer = handler("websocket")({**event, "requestContext": said, "body": json.dumps(body)}, context)
    assert answer == {"statusCode": 200}


def with_bodies(*bodies: dict[str, Any]) -> dict[str, Any]:
    (record,) = load_event("post_topics")["Records"]
    return {"Records": [{**record, "messageId": str(n), "body": json.dumps(body)} for n, body in enumerate(bodies)]}


def test_a_repriced_cycle_reaches_who_follows_a_symbol_and_can_be_fetched_again(
    handler: Handler, lambda_context: Any, board: Switchboard
) -> None:
    planned = deepcopy(load_event("plan_shards"))
    handler("plan_shards")(planned, lambda_context)
    messages("GENERATE")
    universe = bootstrap.universe_repository().current(TURN + timedelta(minutes=1))
    assert universe is not None
    symbol = universe.watched[0].symbol
    say(handler, lambda_context, {"action": "subscribe", "topic": f"prices:{symbol}"})
    event = load_event("reprice_signals")
    shard = json.loads(event["Records"][0]["body"]) | {"as_of": "2024-01-05T13:00:00Z", "symbols": [symbol]}
    event["Records"][0]["body"] = json.dumps(shard | {"bucket": universe.watched[0].bucket})
    assert handler("reprice_signals")(event, lambda_context) == {"batchItemFailures": []}
    (body,) = messages("TOPICS")
    assert handler("post_topics")(with_bodies(body), lambda_context) == {"batchItemFailures": []}
    (subscribed, live) = board.received["conn"]
    assert (subscribed["type"], subscribed["topic"]) == ("subscribed", f"prices:{symbol}")
    assert live["events"][0]["sequence"] == price_number(TURN)
    say(handler, lambda_context, {"action": "resume", "topic": f"prices:{symbol}", "after": price_number(TURN) - 1})
    assert board.received["conn"][2] == live


def test_a_change_of_regime_in_the_log_reaches_who_follows_regimes(
    handler: Handler, lambda_context: Any, board: Switchboard
) -> None:
    say(handler, lambda_context, {"action": "subscribe", "topic": "regimes"})
    record = {"symbol": "BTC/USDT", "regime": "UP/NORMAL"}
    assert bootstrap.topic_writer().append_once("regimes", "BTC/USDT@1", record, NOW) == 1
    image = {"topic": {"S": "regimes"}, "sequence": {"N": "1"}, "record": {"S": json.dumps(record)}}
    count = {"topic": {"S": "regimes"}, "sequence": {"N": "0"}, "last": {"N": "1"}}
    records = [
        {"eventName": "INSERT", "dynamodb": {"Keys": {k: i[k] for k in ("topic", "sequence")}, "NewImage": i}}
        for i in (count, image)
    ]
    handler("relay_events")({"Records": records}, lambda_context)
    assert messages("ROUTES") == []
    (body,) = messages("TOPICS")
    handler("post_topics")(with_bodies(body), lambda_context)
    assert board.last("conn")["events"] == [{"sequence": 1, "data": record}]
    say(handler, lambda_context, {"action": "resume", "topic": "regimes", "after": 0})
    assert board.received["conn"][-2]["events"] == [{"sequence": 1, "data": record}]


def test_the_sample_event_is_a_cycles_prices_and_what_cannot_be_read_comes_back(
    handler: Handler, lambda_context: Any, board: Switchboard
) -> None:
    assert handler("post_topics")(load_event("post_topics"), lambda_context) == {"batchItemFailures": []}
    bad = with_bodies({"kind": "nothing"}, json.loads(load_event("post_topics")["Records"][0]["body"]))
    assert handler("post_topics")(bad, lambda_context) == {"batchItemFailures": [{"itemIdentifier": "0"}]}
