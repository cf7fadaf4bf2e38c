import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from signalbox.adapters import aws as clients
from signalbox.adapters.queues import BATCH_BYTES, SqsQueue
from signalbox.domain.errors import InvalidValueError, MissingSettingError, PermanentError, QueueUnavailableError

SETTING = "ROUTE_QUEUE_URL"


@pytest.fixture
def url(aws: None, monkeypatch: pytest.MonkeyPatch) -> str:
    address = str(clients.client("sqs").create_queue(QueueName="route")["QueueUrl"])
    monkeypatch.setenv(SETTING, address)
    return address


class FakeSqs:
    """Keeps the batches it is sent and answers `reply`, or raises it."""

    def __init__(self, reply: Any) -> None:
        self.batches: list[list[dict[str, Any]]] = []
        self._reply = reply

    def send_message_batch(self, **request: Any) -> Any:
        self.batches.append(request["Entries"])
        if isinstance(self._reply, Exception):
            raise self._reply
        return self._reply


@pytest.fixture
def sqs(use_client, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Replace SQS by one that answers as told."""

    def answering(reply: Any) -> FakeSqs:
        fake = FakeSqs(reply)
        monkeypatch.setenv(SETTING, "https://sqs.example/route")
        use_client(fake)
        return fake

    return answering


def received(url: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while batch := clients.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        found += [json.loads(message["Body"]) for message in batch]
    return found


def test_every_body_arrives_as_it_was_sent(url: str):
    bodies = [{"number": number, "text": "Überkauft · 高"} for number in range(23)]

    SqsQueue(SETTING).send(bodies)

    assert sorted(received(url), key=lambda body: body["number"]) == bodies


def test_ten_bodies_go_in_one_call(sqs):
    fake = sqs({"Successful": []})

    SqsQueue(SETTING).send([{"number": number} for number in range(25)], delay_seconds=30)

    assert [len(batch) for batch in fake.batches] == [10, 10, 5]
    assert {entry["DelaySeconds"] for batch in fake.batches for entry in batch} == {30}
    assert all(len({entry["Id"] for entry in batch}) == len(batch) for batch in fake.batches)


def test_heavy_bodies_go_in_calls_of_their_own(sqs):
    fake = sqs({"Successful": []})

    SqsQueue(SETTING).send([{"text": "x" * (BATCH_BYTES // 2)} for _ in range(3)])

    assert [len(batch) for batch in fake.batches] == [1, 1, 1]


def test_nothing_to_send_makes_no_call(sqs):
    fake = sqs({"Successful": []})

    SqsQueue(SETTING).send([])

    assert fake.batches == []


def test_one_message_that_was_not_taken_is_an_error(sqs):
    sqs({"Successful": [], "Failed": [{"Id": "1", "Code": "InternalError", "SenderFault": False, "Message": "oops"}]})

    with pytest.raises(QueueUnavailableError, match="did not take 1 of 2: InternalError oops"):
        SqsQueue(SETTING).send([{}, {}])


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (EndpointConnectionError(endpoint_url="https://sqs.example"), QueueUnavailableError),
        ("RequestThrottled", QueueUnavailableError),
        ("AccessDenied", PermanentError),
        ("AWS.SimpleQueueService.NonExistentQueue", PermanentError),
    ],
)
def test_a_failing_queue_says_whether_to_try_again(sqs, error, kind):
    if isinstance(error, str):
        error = ClientError({"Error": {"Code": error, "Message": ""}}, "SendMessageBatch")
    sqs(error)

    with pytest.raises(kind, match="ROUTE_QUEUE_URL did not take 1 messages"):
        SqsQueue(SETTING).send([{}])


@pytest.mark.parametrize("delay", [-1, 901])
def test_a_delay_that_sqs_cannot_keep_is_refused(sqs, delay: int):
    fake = sqs({"Successful": []})

    with pytest.raises(InvalidValueError, match=f"delay_seconds must be 0 to 900, was {delay}"):
        SqsQueue(SETTING).send([{}], delay_seconds=delay)
    assert fake.batches == []


def test_a_body_that_no_message_can_hold_sends_none_of_them(sqs):
    fake = sqs({"Successful": []})

    with pytest.raises(InvalidValueError, match="message must be at most"):
        SqsQueue(SETTING).send([{"number": number} for number in range(20)] + [{"text": "x" * BATCH_BYTES}])
    assert fake.batches == []


def test_a_queue_that_this_function_was_not_given_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("NOWHERE_QUEUE_URL", raising=False)

    with pytest.raises(MissingSettingError, match="NOWHERE_QUEUE_URL"):
        SqsQueue("NOWHERE_QUEUE_URL").send([{}])
