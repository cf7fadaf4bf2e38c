from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from signalbox.adapters.aws import client
from signalbox.adapters.queue_watch import SqsQueueWatch
from signalbox.domain.errors import InvalidValueError, PermanentError, QueueUnavailableError


class Failing:
    """A client whose every call fails in the same way."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def get_queue_attributes(self, **_arguments: Any) -> Any:
        raise self._error


def test_messages_are_counted_as_waiting_in_flight_and_delayed(aws: None, monkeypatch: pytest.MonkeyPatch):
    urls = [client("sqs").create_queue(QueueName=name)["QueueUrl"] for name in ("one", "two")]
    monkeypatch.setenv("WATCHED_QUEUES", f"first={urls[0]}, second={urls[1]}")
    for delay in (0, 0, 60):
        client("sqs").send_message(QueueUrl=urls[0], MessageBody="{}", DelaySeconds=delay)
    client("sqs").receive_message(QueueUrl=urls[0], MaxNumberOfMessages=1)

    first, second = SqsQueueWatch("WATCHED_QUEUES").depths()

    assert (first.name, first.waiting, first.in_flight, first.delayed, first.total) == ("first", 1, 1, 1, 3)
    assert (second.name, second.total) == ("second", 0)


def test_no_queues_are_no_depths(aws: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WATCHED_QUEUES", "")
    assert SqsQueueWatch("WATCHED_QUEUES").depths() == []


def test_a_setting_that_names_no_url_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WATCHED_QUEUES", "generate")
    with pytest.raises(InvalidValueError, match="name=url"):
        SqsQueueWatch("WATCHED_QUEUES").depths()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (EndpointConnectionError(endpoint_url="http://sqs"), QueueUnavailableError),
        (ClientError({"Error": {"Code": "ThrottlingException"}}, "GetQueueAttributes"), QueueUnavailableError),
        (ClientError({"Error": {"Code": "AccessDenied"}}, "GetQueueAttributes"), PermanentError),
    ],
)
def test_a_queue_that_does_not_answer_is_told_apart_from_one_that_refuses(
    use_client: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[Exception]
):
    monkeypatch.setenv("WATCHED_QUEUES", "generate=http://queue")
    use_client(Failing(error))
    with pytest.raises(kind, match="queue generate"):
        SqsQueueWatch("WATCHED_QUEUES").depths()
