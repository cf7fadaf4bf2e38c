import json
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ses import ses_backends

from signalbox import bootstrap
from signalbox.adapters.storage.signal_items import item_of
from signalbox.domain.accounts.account import Account, ApiKey, Tier
from signalbox.domain.delivery.delivery import Channel, Delivery, DeliveryState, Subscription
from signalbox.domain.delivery.timing import Digest
from signalbox.domain.instants import from_iso
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import Signal, Status
from signalbox.services.authorize import hash_key
from tests.builders import make_signal
from tests.functional.functions.conftest import Handler, forget, load_event, messages

KEY = "sb_0123456789abcdefghijklmnopqrstuv"


@pytest.fixture
def signal(house: None) -> Signal:
    """The signal that the true events speak of, stored."""
    found = make_signal(from_iso("2024-01-05T13:00:00Z"))
    bootstrap.signal_repository().add(found)
    return found


@pytest.fixture
def demo(house: None) -> Account:
    """An account whose key the true events bring, subscribed to everything by mail."""
    account = Account("acc-demo", Tier.PREMIUM, "demo@signalbox.example")
    bootstrap.account_repository().put(account, ApiKey(hash_key(KEY), account.account_id, "sb_0123", account.tier))
    bootstrap.subscription_repository().put(
        Subscription(
            subscription_id="sub-demo",
            account_id=account.account_id,
            tier=account.tier,
            channels=frozenset({Channel.EMAIL}),
            email=account.email,
        )
    )
    return account


def with_body(event: dict[str, Any], **changes: Any) -> dict[str, Any]:
    changed = deepcopy(event)
    record = changed["Records"][0]
    record["body"] = json.dumps(json.loads(record["body"]) | changes)
    return changed


def mails() -> list[Any]:
    return ses_backends[DEFAULT_ACCOUNT_ID]["eu-central-1"].sent_messages


def test_a_schedule_becomes_one_message_per_shard(handler: Handler, lambda_context: Any) -> None:
    handler("plan_shards")(load_event("plan_shards"), lambda_context)
    planned = messages("GENERATE")
    symbols = [symbol for shard in planned for symbol in shard["symbols"]]
    assert len(symbols) == len(set(symbols)) > 20
    assert {shard["as_of"] for shard in planned} == {"2024-01-05T13:00:00Z"}


def test_a_schedule_whose_time_was_not_filled_in_is_for_now(handler: Handler, lambda_context: Any) -> None:
    event = load_event("plan_shards") | {"scheduled_time": "<aws.scheduler.scheduled-time>"}
    handler("plan_shards")(event, lambda_context)
    (turn,) = bootstrap.turn_repository().latest()
    assert turn.as_of.year >= 2026


def test_a_shard_is_generated_from_the_exchanges_candles(handler: Handler, lambda_context: Any) -> None:
    event = load_event("generate_signals")
    assert handler("generate_signals")(event, lambda_context) == {"batchItemFailures": []}
    hour = 3_600_000
    last = 1704459600000 - hour
    grid = bootstrap.candle_store().load("binance", Timeframe.H1, 0, ["BTC/USDT", "ETH/USDT"], last - 9 * hour, last)
    assert grid.present.all()


def test_a_message_that_is_no_shard_is_given_back_and_the_others_are_done(
    handler: Handler, lambda_context: Any
) -> None:
    event = load_event("generate_signals")
    bad = deepcopy(event["Records"][0]) | {"messageId": "bad", "body": '{"job": "generate_signals"}'}
    event["Records"].append(bad)
    answer = handler("generate_signals")(event, lambda_context)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "bad"}]}


def test_a_shard_is_repriced_from_three_exchanges(handler: Handler, lambda_context: Any) -> None:
    event = with_body(load_event("reprice_signals"), as_of="2024-01-05T13:00:00Z")
    assert handler("reprice_signals")(event, lambda_context) == {"batchItemFailures": []}
    frame = bootstrap.price_frame_store().latest(0)
    assert frame is not None
    assert set(frame.prices["BTC/USDT"].used) == {"binance", "bybit", "kraken"}


def test_a_new_signal_is_relayed_as_published(handler: Handler, lambda_context: Any) -> None:
    handler("relay_events")(load_event("relay_events"), lambda_context)
    relayed = messages("ROUTES")
    assert [event["kind"] for event in relayed][:1] == ["published"]
    assert relayed[0]["signal_id"] == "BTC-USDT~20240105T130000Z~trend_following~1h"


def test_an_ending_is_relayed_as_ended_and_a_fill_as_filled(handler: Handler, lambda_context: Any) -> None:
    event = load_event("relay_events")
    record = event["Records"][0]
    new = record["dynamodb"]["NewImage"]
    ended = deepcopy(new) | {"status": {"S": str(Status.STOP_HIT)}, "revision": {"N": "1"}}
    modify = {**record, "eventName": "MODIFY", "dynamodb": {**record["dynamodb"], "OldImage": new, "NewImage": ended}}
    fill = {**modify, "dynamodb": {**modify["dynamodb"], "NewImage": {**new, "filled_price": {"N": "43210.5"}}}}
    handler("relay_events")({"Records": [modify, fill]}, lambda_context)
    assert [event["kind"] for event in messages("ROUTES")] == ["ended", "filled"]


def test_the_stored_item_of_a_signal_reads_as_its_stream_image(signal: Signal) -> None:
    item = item_of(signal).serialize(null_check=False)
    assert set(item) >= {"symbol", "created_key", "feed_partition", "open_key", "status"}


def of_premium(message: dict[str, Any]) -> list[Delivery]:
    """The deliveries of the message's signal for whoever is premium."""
    told = bootstrap.delivery_repository().of_signal(message["signal_id"])
    return [each for each in told if each.tier is Tier.PREMIUM]


def test_an_event_is_routed_to_the_demo_account(handler: Handler, lambda_context: Any, demo: Account) -> None:
    answer = handler("route_deliveries")(load_event("route_deliveries"), lambda_context)
    assert answer == {"batchItemFailures": []}
    queued = messages("DELIVER_PREMIUM")
    assert [(each["kind"], len(each["delivery_ids"])) for each in queued] == [("published", 1)] * 3
    assert {each["delivery_ids"][0] for each in queued} == {each.delivery_id for each in of_premium(queued[0])}


def test_a_delivery_becomes_one_mail_however_often_its_message_comes(
    handler: Handler, lambda_context: Any, demo: Account, signal: Signal
) -> None:
    handler("plan_shards")(load_event("plan_shards"), lambda_context)
    handler("route_deliveries")(load_event("route_deliveries"), lambda_context)
    record = load_event("deliver_signals")["Records"][0]
    queued = messages("DELIVER_PREMIUM")
    event = {"Records": [{**record, "messageId": str(n), "body": json.dumps(body)} for n, body in enumerate(queued)]}
    for _ in range(3):
        assert handler("deliver_signals")(event, lambda_context) == {"batchItemFailures": []}
    assert len(mails()) == 1
    told = of_premium(queued[0])
    assert {each.channel for each in told} == set(Channel)
    assert {each.state for each in told} == {DeliveryState.ACCEPTED}
    (entry,) = bootstrap.topic_writer().after("signals:premium", 0, 10)
    assert (entry[0], entry[1]["signal_id"]) == (1, signal.signal_id)


def test_without_pages_a_mail_links_to_the_signal_in_the_api(
    handler: Handler, lambda_context: Any, demo: Account, signal: Signal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PAGE_URL")
    forget()
    handler("plan_shards")(load_event("plan_shards"), lambda_context)
    handler("route_deliveries")(load_event("route_deliveries"), lambda_context)
    event = load_event("deliver_signals")
    for body in messages("DELIVER_PREMIUM"):
        event["Records"][0]["body"] = json.dumps(body)
        handler("deliver_signals")(event, lambda_context)
    (mail,) = mails()
    assert f"https://api.example/signals/api/signals/{signal.signal_id}" in mail.body


def test_what_waited_goes_out_as_one_mail_that_can_be_ended_by_one_click(
    handler: Handler, lambda_context: Any, demo: Account, signal: Signal
) -> None:
    (everything,) = bootstrap.subscription_repository().of_account(demo.account_id)
    bootstrap.subscription_repository().put(replace(everything, digest=Digest.HOURLY))
    handler("plan_shards")(load_event("plan_shards"), lambda_context)
    handler("route_deliveries")(load_event("route_deliveries"), lambda_context)
    messages("DELIVER_PREMIUM")  # of the feeds, which wait for nothing
    handler("release_due")(load_event("release_due"), lambda_context)
    (queued,) = messages("DELIVER_PREMIUM")
    digest = {"digest": [[queued["signal_id"], queued["delivery_ids"][0]]], "as_of": queued["as_of"]}
    event = load_event("deliver_signals")
    event["Records"][0]["body"] = json.dumps(digest)
    for _ in range(3):
        assert handler("deliver_signals")(event, lambda_context) == {"batchItemFailures": []}
    assert len(mails()) == 1
    (delivery,) = [each for each in of_premium(queued) if each.channel is Channel.EMAIL]
    assert (delivery.state, delivery.due_at) == (DeliveryState.ACCEPTED, None)


def test_a_good_key_opens_the_stage_to_its_account(handler: Handler, lambda_context: Any, demo: Account) -> None:
    answer = handler("authorize")(load_event("authorize"), lambda_context)
    said = {"account_id": "acc-demo", "tier": "premium", "scopes": "manage read subscribe"}
    assert answer["context"].items() > said.items()


def test_a_key_that_is_not_good_is_unauthorized(handler: Handler, lambda_context: Any) -> None:
    with pytest.raises(PermissionError, match=r"^Unauthorized$"):
        handler("authorize")(load_event("authorize"), lambda_context)


def test_a_caller_without_a_key_is_anonymous_and_free(handler: Handler, lambda_context: Any) -> None:
    event = load_event("authorize")
    event["headers"].pop("X-Api-Key")
    answer = handler("authorize")(event, lambda_context)
    assert answer["context"] == {"account_id": "anonymous", "tier": "free", "scopes": "read"}


def test_a_connection_is_remembered_and_forgotten(handler: Handler, lambda_context: Any) -> None:
    event = load_event("websocket")
    context = event["requestContext"] | {"routeKey": "$connect", "authorizer": {"account_id": "a", "tier": "pro"}}
    assert handler("websocket")({**event, "requestContext": context}, lambda_context) == {"statusCode": 403}
    bootstrap.account_repository().put_account(Account("a", Tier.PRO))
    assert handler("websocket")({**event, "requestContext": context}, lambda_context) == {"statusCode": 200}
    gone = {**event, "requestContext": context | {"routeKey": "$disconnect"}}
    assert handler("websocket")(gone, lambda_context) == {"statusCode": 200}
