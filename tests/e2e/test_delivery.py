"""A hundred subscribers over the channels: each is told of each signal once, by mail, WebSocket and push."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from infra.local.demo_account import as_function, table_settings
from infra.local.house import House
from signalbox.domain.accounts.account import Tier
from signalbox.domain.delivery.delivery import Channel, Subscription
from tests.e2e.conftest import Walk, items_of

Root = Callable[[str], Any]
SUBSCRIBERS = 100
BY_MAIL = 60
"""Of the subscribers; the others are told by WebSocket."""
MOST_TURNS = 12


def address(number: int) -> str:
    return f"subscriber-{number}@signalbox.example"


@pytest.fixture(scope="module")
def follower(walk: Walk, cloud: House) -> Iterator[ClientConnection]:
    """The demo account's own connection, which follows all signals."""
    with connect(f"{cloud.websocket_url}?token={cloud.key}") as socket:
        socket.send(json.dumps({"action": "subscribe", "topic": "signals"}))
        assert json.loads(socket.recv(timeout=20))["type"] == "subscribed"
        yield socket


@pytest.fixture(scope="module")
def pushed(cloud: House, root: Root) -> Iterator[str]:
    """A queue that follows the topic of premium, but only what was published."""
    queue = root("sqs").create_queue(QueueName="pushed")["QueueUrl"]
    arn = root("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = {"Version": "2012-10-17", "Statement": [{**statement, "Resource": arn}]}
    root("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
    topic = cloud.deployment.resources["SignalsPremiumTopic"]
    attributes = {"FilterPolicy": json.dumps({"kind": ["published"]}), "RawMessageDelivery": "true"}
    root("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)
    yield queue
    root("sqs").delete_queue(QueueUrl=queue)


@pytest.fixture(scope="module")
def told(walk: Walk, cloud: House, follower: ClientConnection, pushed: str) -> list[dict[str, Any]]:
    """The deliveries of the turns that these subscribers lived through, until signals were published."""
    from signalbox.adapters.storage.subscriptions import DynamoSubscriptionRepository

    before = {item["delivery_id"]["S"] for item in items_of(cloud, "DeliveriesTable")}
    with as_function(cloud.cloud, table_settings(cloud.deployment)):
        for number in range(SUBSCRIBERS):
            channel = Channel.EMAIL if number < BY_MAIL else Channel.WEBSOCKET
            DynamoSubscriptionRepository().put(
                Subscription(
                    subscription_id=f"e2e-{number}",
                    account_id=f"subscriber-{number}",
                    tier=Tier.PREMIUM,
                    channels=frozenset({channel}),
                    email=address(number),
                )
            )
    for _ in range(MOST_TURNS):
        walk.step(1)
        found = [item for item in items_of(cloud, "DeliveriesTable") if item["delivery_id"]["S"] not in before]
        if any("!published!" in item["event_id"]["S"] for item in found):
            break
    with as_function(cloud.cloud, table_settings(cloud.deployment)):
        for number in range(SUBSCRIBERS):
            DynamoSubscriptionRepository().remove(f"subscriber-{number}", f"e2e-{number}")
    return found


def test_every_event_is_told_to_every_subscriber_once_by_their_channel_and_to_nobody_else(
    told: list[dict[str, Any]], cloud: House
) -> None:
    others = {"ACCEPTED", "SUPPRESSED"}
    assert not [(i["channel"], i["recipient"], i.get("reason")) for i in told if i["state"]["S"] not in others]
    events = {item["event_id"]["S"] for item in told}
    pairs = Counter((item["event_id"]["S"], item["account_id"]["S"]) for item in told if "subscriber" in str(item))
    assert pairs == {(event, f"subscriber-{number}"): 1 for event in events for number in range(SUBSCRIBERS)}
    mails = Counter(recipient for mail in cloud.cloud.mailbox() for recipient in recipients(mail))
    sent = sum(i["state"]["S"] == "ACCEPTED" and i["recipient"]["S"] == address(0) for i in told)
    assert sent > 0
    assert [mails[address(number)] for number in range(SUBSCRIBERS)] == [sent] * BY_MAIL + [0] * (SUBSCRIBERS - BY_MAIL)


def test_a_follower_is_told_by_websocket_without_a_gap_and_can_fetch_all_of_it_again(
    told: list[dict[str, Any]], follower: ClientConnection
) -> None:
    feed = [i for i in told if i["recipient"]["S"] == "signals:premium" and i["state"]["S"] == "ACCEPTED"]
    live = [number for _ in feed for number in numbers(json.loads(follower.recv(timeout=20)))]
    assert sorted(live) == list(range(min(live), min(live) + len(feed)))
    follower.send(json.dumps({"action": "resume", "topic": "signals", "after": min(live) - 1}))
    again: list[int] = []
    while (message := json.loads(follower.recv(timeout=20)))["type"] == "events":
        again += numbers(message)
    assert again == sorted(live)
    assert (message["sequence"], message["lost"], message["more"]) == (max(live), False, False)


def test_a_topic_is_told_once_of_each_signal_and_its_followers_get_what_they_chose(
    told: list[dict[str, Any]], root: Root, pushed: str
) -> None:
    expected = {
        item["delivery_id"]["S"]
        for item in told
        if item["channel"]["S"] == "push" and item["state"]["S"] == "ACCEPTED" and "!published!" in str(item)
    }
    assert expected
    found: list[str] = []
    while batch := root("sqs").receive_message(QueueUrl=pushed, MaxNumberOfMessages=10).get("Messages"):
        for message in batch:
            found.append(json.loads(message["Body"])["delivery_id"])
            root("sqs").delete_message(QueueUrl=pushed, ReceiptHandle=message["ReceiptHandle"])
    assert sorted(found) == sorted(expected)


def test_the_caller_sees_their_own_deliveries_and_a_receipt_of_them(
    told: list[dict[str, Any]], api: httpx.Client
) -> None:
    own = api.get("/signals/api/deliveries", params={"limit": 500}).json()["deliveries"]
    ids = {item["delivery_id"]["S"] for item in told if item["account_id"]["S"] == "demo"}
    assert ids <= {each["delivery_id"] for each in own}
    receipt = api.get("/signals/api/deliveries/receipt").json()
    assert receipt["count"] == sum(each["state"] in {"ACCEPTED", "DELIVERED"} for each in own)
    assert receipt["complete"]


def recipients(mail: dict[str, Any]) -> list[str]:
    to = mail["To"]
    return [to] if isinstance(to, str) else list(to)


def numbers(message: dict[str, Any]) -> list[int]:
    return [event["sequence"] for event in message["events"]]
