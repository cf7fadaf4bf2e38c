"""SQS queues of JSON messages."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from signalbox.adapters import aws
from signalbox.domain.errors import InvalidValueError, PermanentError, QueueUnavailableError
from signalbox.settings import resource

BATCH_MESSAGES = 10
"""What SendMessageBatch takes at most."""
BATCH_BYTES = 256 * 1024
"""What one batch and one message may weigh on every SQS there is (AWS itself takes 1 MiB since 2025)."""
LONGEST_DELAY = 900
"""Seconds that SQS can hold a message back."""


class SqsQueue:
    """Implements `ports.Queue`.

    Parameters
    ----------
    setting : str
        The environment variable that holds the queue's URL (`ROUTES_QUEUE_URL`), read on first use.
    """

    def __init__(self, setting: str) -> None:
        self._setting = setting

    def send(self, bodies: Sequence[Mapping[str, Any]], delay_seconds: int = 0) -> None:
        """Send every body, ten to a call, delayed by `delay_seconds` (0 to 900).

        Raises QueueUnavailableError if any was not taken: those sent before it stay sent, so receivers must be able
        to see a message twice (they must anyway). Raises InvalidValueError if a body or the delay is too large.
        """
        if not 0 <= delay_seconds <= LONGEST_DELAY:
            raise InvalidValueError(f"delay_seconds must be 0 to {LONGEST_DELAY}, was {delay_seconds}")
        url = resource(self._setting)
        for batch in list(_batches(bodies)):
            entries = [
                {"Id": str(number), "MessageBody": text, "DelaySeconds": delay_seconds}
                for number, text in enumerate(batch)
            ]
            self._send_batch(url, entries)

    def _send_batch(self, url: str, entries: list[dict[str, Any]]) -> None:
        try:
            reply = aws.client("sqs").send_message_batch(QueueUrl=url, Entries=entries)
        except (ClientError, *aws.NETWORK_ERRORS) as e:
            kind = QueueUnavailableError if aws.may_succeed_later(e) else PermanentError
            raise kind(f"{self._setting} did not take {len(entries)} messages: {e}") from e
        if failed := reply.get("Failed"):
            reasons = ", ".join(sorted({f"{entry['Code']} {entry.get('Message', '')}".strip() for entry in failed}))
            raise QueueUnavailableError(f"{self._setting} did not take {len(failed)} of {len(entries)}: {reasons}")


def _batches(bodies: Sequence[Mapping[str, Any]]) -> Iterator[list[str]]:
    batch: list[str] = []
    weight = 0
    for body in bodies:
        text = json.dumps(body, separators=(",", ":"))
        size = len(text)  # json.dumps writes ASCII: characters are bytes
        if size > BATCH_BYTES:
            raise InvalidValueError(f"message must be at most {BATCH_BYTES} bytes, was {size}")
        if batch and (len(batch) == BATCH_MESSAGES or weight + size > BATCH_BYTES):
            yield batch
            batch, weight = [], 0
        batch.append(text)
        weight += size
    if batch:
        yield batch
