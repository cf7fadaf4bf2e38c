"""How many calls of other services it takes to tell a thousand recipients, against the fewest that there could be.

Everything runs as in the functions, from the messages that routing queues to the senders; only the clients at the very
end are counters. The floor is 10 messages to a call of SQS, 50 recipients to a bulk mail, 10 messages to a topic's
batch, and one call for each device and each WebSocket post.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil
from typing import Any

from infra.bench.findings import Figure, Findings
from infra.bench.registry import subject
from signalbox.adapters import aws
from signalbox.adapters.channels.bulk_email import BulkEmailSender
from signalbox.adapters.channels.push import PushSender
from signalbox.adapters.queues import SqsQueue
from signalbox.domain.accounts.account import Tier
from signalbox.domain.delivery.delivery import Channel, Delivery
from signalbox.domain.delivery.message import Envelope, Message
from signalbox.domain.signals.events import EventKind
from signalbox.ports.topics import BatchSender
from signalbox.services.route_deliveries import messages_of
from signalbox.services.topics import TopicSender

TARGET = 1.1
NOW = datetime(2024, 1, 5, 13, tzinfo=UTC)
MESSAGES_AT_ONCE = 10
"""Messages that one worker takes from its queue (`BatchSize` in the template)."""
CONNECTIONS = 200
"""WebSocket connections that follow a topic: all its messages of one batch are one post each."""
TOPIC = "arn:aws:sns:eu-central-1:123456789012:signals"
DEVICE = "arn:aws:sns:eu-central-1:123456789012:endpoint/GCM/app/"
QUEUE = "BENCH_QUEUE_URL"


@dataclass(slots=True)
class CallCounter:
    """A client of SQS, SES and SNS that takes everything and counts its calls."""

    calls: int = 0

    def send_message_batch(self, **_request: Any) -> dict[str, Any]:
        """Take messages of a queue."""
        self.calls += 1
        return {}

    def send_bulk_email(self, **request: Any) -> dict[str, Any]:
        """Take a mail for many."""
        self.calls += 1
        return {"BulkEmailEntryResults": [{"Status": "SUCCESS", "MessageId": "m"} for _ in request["BulkEmailEntries"]]}

    def send_email(self, **_request: Any) -> dict[str, Any]:
        """Take a mail for one."""
        self.calls += 1
        return {"MessageId": "m"}

    def publish_batch(self, **request: Any) -> dict[str, Any]:
        """Take messages of a topic."""
        self.calls += 1
        taken = [{"Id": entry["Id"], "MessageId": "m"} for entry in request["PublishBatchRequestEntries"]]
        return {"Successful": taken}

    def publish(self, **_request: Any) -> dict[str, Any]:
        """Take a message for a device."""
        self.calls += 1
        return {"MessageId": "m"}


@dataclass(frozen=True, slots=True)
class Room:
    """A topic's log and its followers, in memory; `posts` are the connections that were posted to, one a call."""

    followed_by: int
    posts: list[str] = field(default_factory=list)

    def append_once(self, _topic: str, event_id: str, _record: Mapping[str, Any], _now: datetime) -> int:
        """Number an entry."""
        return int(event_id) + 1

    def followers(self, _topic: str) -> list[str]:
        """Return who follows."""
        return [f"connection-{number}" for number in range(self.followed_by)]

    def post(self, connection_id: str, _message: Mapping[str, Any]) -> None:
        """Take a message for a connection."""
        self.posts.append(connection_id)


@subject("API calls of a delivery against the fewest possible")
def measure() -> Findings:
    """Tell one event to 700 mailboxes and 300 devices, and ten events to a topic and to 200 connections."""
    mails, devices = _deliveries(Channel.EMAIL, 700), _deliveries(Channel.PUSH, 300)
    with _counting() as counter:
        os.environ[QUEUE] = "counted"
        bodies = messages_of([*mails, *devices], EventKind.PUBLISHED, NOW)
        SqsQueue(QUEUE).send(bodies)
        for start in range(0, len(bodies), MESSAGES_AT_ONCE):
            _send(bodies[start : start + MESSAGES_AT_ONCE], {each.delivery_id: each for each in [*mails, *devices]})
        PushSender().send_all([Envelope(_words(), TOPIC, str(number)) for number in range(10)])
        room: Any = Room(CONNECTIONS)
        TopicSender(room, room, room, NOW).send_all(
            [Envelope(_words(), "signals:premium", str(number)) for number in range(10)]
        )
        del os.environ[QUEUE]
    messages = ceil(len(mails) / 50) + ceil(len(devices) / 50)
    floor = ceil(messages / 10) + ceil(len(mails) / 50) + len(devices) + 1 + CONNECTIONS
    how = (
        "calls of SQS, SES, SNS and API Gateway for 700 mailboxes, 300 devices, 200 connections and 10 topic messages "
        "/ the fewest that take them"
    )
    return Findings(
        figures=(Figure("delivery.calls_vs_floor", (counter.calls + len(room.posts)) / floor, "lower", TARGET, how),)
    )


def _send(bodies: Sequence[dict[str, Any]], deliveries: dict[str, Delivery]) -> None:
    """Send what one worker was given, together, as `deliver_signals` does."""
    found = [deliveries[delivery_id] for body in bodies for delivery_id in body["delivery_ids"]]
    senders: dict[Channel, BatchSender] = {Channel.EMAIL: BulkEmailSender("s@example.com"), Channel.PUSH: PushSender()}
    for channel, sender in senders.items():
        group = [each for each in found if each.channel is channel]
        sender.send_all([Envelope(_words(), each.recipient, each.delivery_id) for each in group])


def _words() -> Message:
    return Message(subject="BUY BTC/USDT", text="Entry 100", html="<p>Entry 100</p>")


def _deliveries(channel: Channel, count: int) -> list[Delivery]:
    return [
        Delivery(
            event_id="signal!published!0",
            signal_id="signal",
            account_id=f"account-{number}",
            channel=channel,
            tier=Tier.PREMIUM,
            recipient=f"r{number}@example.com" if channel is Channel.EMAIL else f"{DEVICE}{number}",
            queued_at=NOW,
        )
        for number in range(count)
    ]


@contextmanager
def _counting() -> Iterator[CallCounter]:
    counter, real = CallCounter(), aws.client
    aws.client = lambda *_, **__: counter  # type: ignore[assignment] # the counter stands in for every client
    try:
        yield counter
    finally:
        aws.client = real
