"""Push through Amazon SNS: topics, each call for however many follow, and endpoints of mobile devices."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from botocore.exceptions import ClientError

from signalbox.adapters import aws
from signalbox.domain.delivery.message import Envelope, Message, Outcome
from signalbox.domain.errors import (
    ChannelUnavailableError,
    EndpointGoneError,
    RecipientRejectedError,
    UnclearOutcomeError,
)

BATCH_MESSAGES = 10
"""What PublishBatch takes at most."""
BATCH_BYTES = 256 * 1024
"""What one batch may weigh."""
LONGEST_SUBJECT = 100
"""Characters of a subject, which is what an SMS or an e-mail of a topic shows first."""
LONGEST_TITLE = 200
"""Characters of a title, and of a line below it, on a device."""
_ENDPOINT = ":endpoint/"
_GONE = frozenset({"EndpointDisabled", "NotFound"})
_REFUSALS = frozenset({"InvalidParameter", "PlatformApplicationDisabled"})
"""What says that this recipient or message is at fault; all else, a missing permission too, somebody may mend."""
_ROOM = 1024


class PushSender:
    """Implements `ports.BatchSender`; a recipient is the ARN of a topic or of a platform endpoint."""

    def send_all(self, envelopes: Sequence[Envelope]) -> list[Outcome]:
        """Publish every envelope, ten to a call where they go to one topic; return what became of each, in order."""
        outcomes: dict[int, Outcome] = {}
        by_topic: dict[str, list[int]] = {}
        for number, envelope in enumerate(envelopes):
            if _ENDPOINT in envelope.recipient:
                outcomes[number] = _publish_to_endpoint(envelope)
            else:
                by_topic.setdefault(envelope.recipient, []).append(number)
        for topic, numbers in by_topic.items():
            entries = {number: _entry(number, envelopes[number]) for number in numbers}
            for batch in _batches(entries):
                outcomes |= _publish(topic, batch)
        return [outcomes[number] for number in range(len(envelopes))]


def _publish(topic: str, entries: list[dict[str, Any]]) -> dict[int, Outcome]:
    try:
        reply = aws.client("sns").publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    except (ClientError, *aws.NETWORK_ERRORS) as e:
        error = _meaning(e, topic)
        return {int(entry["Id"]): error for entry in entries}
    taken: dict[int, Outcome] = {int(each["Id"]): str(each["MessageId"]) for each in reply.get("Successful", [])}
    for each in reply.get("Failed", []):
        text = f"{topic} did not take a message: {each['Code']} {each.get('Message', '')}".strip()
        taken[int(each["Id"])] = RecipientRejectedError(text) if each["SenderFault"] else ChannelUnavailableError(text)
    return taken


def _publish_to_endpoint(envelope: Envelope) -> Outcome:
    try:
        reply = aws.client("sns").publish(TargetArn=envelope.recipient, **_content(envelope))
    except (ClientError, *aws.NETWORK_ERRORS) as e:
        return _meaning(e, envelope.recipient)
    return str(reply["MessageId"])


def _meaning(error: Exception, target: str) -> ChannelUnavailableError | RecipientRejectedError:
    if isinstance(error, ClientError) and aws.error_code(error) in _GONE:
        return EndpointGoneError(f"{target} must take messages, does not: {error}")
    if isinstance(error, ClientError) and aws.error_code(error) in _REFUSALS:
        return RecipientRejectedError(f"{target} must take messages, does not: {error}")
    kind = UnclearOutcomeError if aws.is_unclear(error) else ChannelUnavailableError
    return kind(f"{target} did not answer: {error}")


def _entry(number: int, envelope: Envelope) -> dict[str, Any]:
    return {"Id": str(number), **_content(envelope)}


def _content(envelope: Envelope) -> dict[str, Any]:
    message = envelope.message
    facts = json.dumps({"delivery_id": envelope.delivery_id, **message.facts}, separators=(",", ":"))
    apple = _apple(message, envelope.delivery_id)
    forms = {
        "default": message.text,
        "sqs": facts,
        "http": facts,
        "https": facts,
        "sms": message.subject,
        "APNS": apple,
        "APNS_SANDBOX": apple,
        "GCM": _google(message, envelope.delivery_id),
    }
    return {
        # SNS takes ASCII without line breaks here, and refuses the whole message otherwise.
        "Subject": message.subject.encode("ascii", "replace").decode()[:LONGEST_SUBJECT],
        "Message": json.dumps(forms, separators=(",", ":")),
        "MessageStructure": "json",
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value}
            if isinstance(value, str)
            else {"DataType": "Number", "StringValue": repr(value)}
            for name, value in message.labels.items()
        },
    }


def _apple(message: Message, delivery_id: str) -> str:
    """Return what Apple's service shows; `signal_id` lets an app open the signal."""
    shown = {"alert": {"title": message.subject[:LONGEST_TITLE], "body": _first_line(message)}, "sound": "default"}
    return json.dumps({"aps": shown, **_data(message, delivery_id)}, separators=(",", ":"))


def _google(message: Message, delivery_id: str) -> str:
    """Return what Google's service (FCM v1) shows; its data are text."""
    shown = {"title": message.subject[:LONGEST_TITLE], "body": _first_line(message)}
    told = {"notification": shown, "data": _data(message, delivery_id)}
    return json.dumps({"fcmV1Message": {"message": told}}, separators=(",", ":"))


def _data(message: Message, delivery_id: str) -> dict[str, str]:
    known = {name: message.facts.get(name) for name in ("kind", "signal_id", "alert_id")}
    return {"delivery_id": delivery_id} | {name: str(value) for name, value in known.items() if value is not None}


def _first_line(message: Message) -> str:
    """Return the first line of the text that says more than the subject; the whole must stay below 4 KB."""
    lines = [line.strip() for line in message.text.splitlines()]
    return next((line for line in lines if line and line != message.subject), "")[:LONGEST_TITLE]


def _batches(entries: dict[int, dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    weight = 0
    for entry in entries.values():
        size = len(entry["Message"].encode()) + _ROOM
        if batch and (len(batch) == BATCH_MESSAGES or weight + size > BATCH_BYTES):
            yield batch
            batch, weight = [], 0
        batch.append(entry)
        weight += size
    if batch:
        yield batch
