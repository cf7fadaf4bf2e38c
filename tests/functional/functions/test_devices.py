"""Devices over REST and what is pushed to them: SNS platform endpoints on moto, the authorizer in front."""

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sns import sns_backends

from signalbox import bootstrap
from signalbox.adapters.aws import client
from signalbox.adapters.channels.platform import SnsPlatform
from signalbox.adapters.channels.push import PushSender
from signalbox.domain.accounts.account import Account, Scope, Tier
from signalbox.domain.delivery.delivery import Channel, Delivery, DeliveryState
from signalbox.domain.delivery.message import Envelope
from signalbox.domain.errors import EndpointGoneError
from signalbox.ports.work import Turn
from signalbox.services.accounts import make_key
from tests.builders import make_message, make_signal, make_subscription
from tests.fakes.topics import Switchboard
from tests.functional.functions.conftest import NOW, Handler, forget, load_event, messages
from tests.functional.functions.gate import Gate

ADA, EVE = Account("acc_ada", Tier.PREMIUM, "ada@example.com"), Account("acc_eve", Tier.FREE, "eve@example.com")
DEVICES = "/signals/api/devices"
ONE = DEVICES + "/{device_id}"
TOKEN = "fGx0aZ3vQ1x8nWc0:APA91bHun4MxP5egoKMwt2KZFBaFUH"


@pytest.fixture
def application(house: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The operator's platform application."""
    made = client("sns").create_platform_application(Name="app", Platform="GCM", Attributes={})
    monkeypatch.setenv("PLATFORM_APPLICATION", made["PlatformApplicationArn"])
    forget()
    yield made["PlatformApplicationArn"]
    forget()


def key_of(account: Account) -> str:
    accounts = bootstrap.account_repository()
    accounts.put_account(account)
    return make_key(account, scopes=frozenset(Scope), accounts=accounts, now=NOW).text


def endpoints(application: str) -> list[str]:
    found = client("sns").list_endpoints_by_platform_application(PlatformApplicationArn=application)
    return [each["EndpointArn"] for each in found["Endpoints"]]


def pushed(arn: str) -> list[dict[str, Any]]:
    """The messages that an endpoint got, as SNS was given them."""
    backend = sns_backends[DEFAULT_ACCOUNT_ID]["eu-central-1"]
    return [json.loads(text) for text in backend.platform_endpoints[arn].messages.values()]


def test_a_device_is_registered_listed_and_removed_by_its_owner_alone(gate: Gate, application: str) -> None:
    ada, eve = key_of(ADA), key_of(Account("acc_eve", Tier.PRO))
    made = gate("POST", DEVICES, ada, {"token": TOKEN, "name": "my phone"})
    assert made.status == 201
    assert set(made.body) == {"device_id", "name", "created_at"}, "neither token nor endpoint"
    assert gate("POST", DEVICES, ada, {"token": TOKEN, "name": "my phone"}).body["device_id"] == made.body["device_id"]
    assert len(endpoints(application)) == 1
    assert gate("GET", DEVICES, eve).body == {"devices": []}
    assert gate("DELETE", ONE, eve, device_id=made.body["device_id"]).status == 404
    assert [each["name"] for each in gate("GET", DEVICES, ada).body["devices"]] == ["my phone"]
    assert gate("DELETE", ONE, ada, device_id=made.body["device_id"]).status == 204
    assert gate("DELETE", ONE, ada, device_id=made.body["device_id"]).status == 404
    assert endpoints(application) == []


@pytest.mark.parametrize(
    "body", [{}, {"token": "short"}, {"token": "x" * 5000}, {"token": TOKEN + " <b>"}, {"token": 7}]
)
def test_what_is_no_token_is_refused(gate: Gate, application: str, body: dict[str, Any]) -> None:
    assert gate("POST", DEVICES, key_of(ADA), body).status == 400
    assert endpoints(application) == []


def test_push_needs_a_tier_that_has_it_and_an_operator_who_has_an_application(gate: Gate, house: None) -> None:
    refused = gate("POST", DEVICES, key_of(ADA), {"token": TOKEN})
    assert (refused.status, "no platform application" in refused.body["detail"]) == (409, True)


def test_a_free_account_registers_no_device(gate: Gate, application: str) -> None:
    refused = gate("POST", DEVICES, key_of(EVE), {"token": TOKEN})
    assert (refused.status, refused.body["detail"]) == (409, "tier free has no push")


def test_an_erased_account_leaves_no_device_and_no_endpoint(gate: Gate, application: str) -> None:
    ada = key_of(ADA)
    gate("POST", DEVICES, ada, {"token": TOKEN})
    assert gate("DELETE", "/signals/api/account", ada).status == 204
    assert bootstrap.device_repository().of_account(ADA.account_id) == []
    assert endpoints(application) == []


def deliver(handler: Handler, context: Any) -> Delivery:
    """Route the sample event to a subscriber by push and deliver it; return what became of the delivery."""
    turn = Turn("reprice_signals", "1h", as_of=NOW, planned_at=NOW, shards=1, symbols=1)
    bootstrap.turn_repository().record(turn)
    bootstrap.signal_repository().add(make_signal())
    push = make_subscription(
        account_id=ADA.account_id, tier=Tier.PREMIUM, channels=frozenset({Channel.PUSH}), email=None
    )
    bootstrap.subscription_repository().put(push)
    assert handler("route_deliveries")(load_event("route_deliveries"), context) == {"batchItemFailures": []}
    (record,) = load_event("deliver_signals")["Records"]
    bodies = messages("DELIVER_PREMIUM")
    event = {"Records": [{**record, "messageId": str(n), "body": json.dumps(b)} for n, b in enumerate(bodies)]}
    assert handler("deliver_signals")(event, context) == {"batchItemFailures": []}
    found = bootstrap.delivery_repository().of_signal(make_signal().signal_id)
    return next(each for each in found if each.account_id == ADA.account_id)


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Switchboard:
    opened = Switchboard()
    monkeypatch.setattr(bootstrap, "connection_poster", lambda: opened)
    return opened


def test_a_signal_reaches_a_device_as_its_platform_shows_it(
    gate: Gate, handler: Handler, lambda_context: Any, application: str, board: Switchboard
) -> None:
    gate("POST", DEVICES, key_of(ADA), {"token": TOKEN})
    delivery = deliver(handler, lambda_context)
    assert (delivery.channel, delivery.state) == (Channel.PUSH, DeliveryState.ACCEPTED)
    (message,) = pushed(*endpoints(application))
    google = json.loads(message["GCM"])["fcmV1Message"]["message"]
    assert "BUY BTC/USDT" in google["notification"]["title"]
    assert google["data"]["delivery_id"] == delivery.delivery_id
    assert google["data"]["signal_id"] == json.loads(message["APNS"])["signal_id"] == delivery.signal_id
    assert json.loads(message["APNS"])["aps"]["alert"]["title"] == google["notification"]["title"]
    assert all(len(message[form].encode()) < 4096 for form in ("GCM", "APNS", "APNS_SANDBOX")), "what a platform takes"


def test_a_disabled_device_fails_its_delivery_is_removed_and_its_owner_told(
    gate: Gate, handler: Handler, lambda_context: Any, application: str, board: Switchboard
) -> None:
    ada = key_of(ADA)
    gate("POST", DEVICES, ada, {"token": TOKEN})
    (arn,) = endpoints(application)
    client("sns").set_endpoint_attributes(EndpointArn=arn, Attributes={"Enabled": "false"})
    delivery = deliver(handler, lambda_context)
    assert delivery.state is DeliveryState.FAILED
    assert "EndpointDisabled" in str(delivery.reason)
    assert gate("GET", DEVICES, ada).body == {"devices": []}
    assert endpoints(application) == []
    ((_, notice),) = bootstrap.topic_writer().after(f"deliveries:{ADA.account_id}", 0, 10)
    assert (notice["kind"], notice["channel"]) == ("channel_off", "push")


def test_a_subscriber_without_a_device_sees_why_nothing_came(
    handler: Handler, lambda_context: Any, application: str, board: Switchboard
) -> None:
    delivery = deliver(handler, lambda_context)
    assert (delivery.state, delivery.reason) == (DeliveryState.SUPPRESSED, "no device")


def test_a_device_that_was_switched_off_and_registers_again_is_switched_on(application: str) -> None:
    platform = SnsPlatform(application)
    arn = platform.endpoint(TOKEN)
    client("sns").set_endpoint_attributes(EndpointArn=arn, Attributes={"Enabled": "false"})
    assert platform.endpoint(TOKEN) == arn
    assert PushSender().send_all([Envelope(make_message(), arn, "d")]) != []
    assert client("sns").get_endpoint_attributes(EndpointArn=arn)["Attributes"]["Enabled"] == "true"
    platform.remove(arn)
    platform.remove(arn)
    (outcome,) = PushSender().send_all([Envelope(make_message(), arn, "d")])
    assert isinstance(outcome, EndpointGoneError)


def test_followers_of_a_topic_get_what_their_filter_policies_choose(house: None) -> None:
    topic, queue = os.environ["SIGNALS_PRO_TOPIC_ARN"], client("sqs").create_queue(QueueName="follower")["QueueUrl"]
    arn = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {"symbol": ["BTC/USDT"], "quality": [{"numeric": [">=", 70]}], "kind": ["published"]}
    client("sns").subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=arn,
        Attributes={"FilterPolicy": json.dumps(policy), "RawMessageDelivery": "true"},
    )
    labels = [
        {"kind": "published", "symbol": "BTC/USDT", "quality": 71.5},
        {"kind": "published", "symbol": "BTC/USDT", "quality": 69.9},
        {"kind": "published", "symbol": "ETH/USDT", "quality": 90.0},
        {"kind": "ended", "symbol": "BTC/USDT", "quality": 90.0},
    ]
    told = [make_message(labels=each, facts={"n": n}) for n, each in enumerate(labels)]
    PushSender().send_all([Envelope(message, topic, f"d{n}") for n, message in enumerate(told)])
    found = client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert [json.loads(each["Body"]) for each in found] == [{"delivery_id": "d0", "n": 0}]
