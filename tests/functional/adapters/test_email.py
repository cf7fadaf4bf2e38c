from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from signalbox.adapters import aws as clients
from signalbox.adapters.channels.email import EmailSender
from signalbox.domain.errors import ChannelUnavailableError, RecipientRejectedError
from tests.builders import make_message

SENDER = "signals@signalbox.example"


@pytest.fixture
def verified(aws: None) -> None:
    clients.client("sesv2").create_email_identity(EmailIdentity=SENDER)


class FakeSes:
    """Keeps what it is asked to send and answers, or raises `error`."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked: list[dict[str, Any]] = []
        self._error = error

    def send_email(self, **asked: Any) -> dict[str, str]:
        self.asked.append(asked)
        if self._error is not None:
            raise self._error
        return {"MessageId": "ses-1"}


def service_error(code: str, status: int = 400) -> ClientError:
    reply: Any = {"Error": {"Code": code, "Message": "told so"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(reply, "SendEmail")


def test_a_message_reaches_ses_whole(verified: None):
    from moto.backends import get_backend

    service_id = EmailSender(SENDER).send(make_message(), "ada@example.com", "d" * 32)

    (sent,) = get_backend("ses")["123456789012"]["eu-central-1"].sent_messages
    assert sent.id == service_id
    assert sent.source == SENDER
    assert sent.destinations["ToAddresses"] == ["ada@example.com"]
    assert sent.subject == "BUY BTC/USDT"


def test_text_and_html_go_together_with_the_delivery_id_as_a_tag(use_client):
    ses = FakeSes()
    use_client(ses)

    EmailSender(SENDER).send(make_message(text="Kauf über 100"), "ada@example.com", "d1")

    (asked,) = ses.asked
    assert asked["EmailTags"] == [{"Name": "delivery_id", "Value": "d1"}]
    assert asked["Content"]["Simple"]["Body"] == {
        "Text": {"Data": "Kauf über 100", "Charset": "UTF-8"},
        "Html": {"Data": "<p>Buy at 100</p>", "Charset": "UTF-8"},
    }


def test_a_sender_that_ses_does_not_know_is_told(aws: None):
    with pytest.raises(RecipientRejectedError, match="SES did not take delivery d1"):
        EmailSender(SENDER).send(make_message(), "ada@example.com", "d1")


@pytest.mark.parametrize("code", ["MessageRejected", "BadRequestException", "ValidationException"])
def test_what_ses_refuses_is_not_sent_again(use_client, code: str):
    use_client(FakeSes(service_error(code)))

    with pytest.raises(RecipientRejectedError, match=code):
        EmailSender(SENDER).send(make_message(), "nobody", "d1")


@pytest.mark.parametrize(
    "error",
    [
        service_error("TooManyRequestsException", 429),
        service_error("LimitExceededException"),
        service_error("SendingPausedException"),
        service_error("InternalFailure", 500),
        service_error("MessageRejected", 503),
        ReadTimeoutError(endpoint_url="https://email.example"),
    ],
    ids=lambda error: type(error).__name__ if not isinstance(error, ClientError) else error.response["Error"]["Code"],
)
def test_what_may_pass_is_tried_again(use_client, error: Exception):
    use_client(FakeSes(error))

    with pytest.raises(ChannelUnavailableError, match="delivery d1"):
        EmailSender(SENDER).send(make_message(), "ada@example.com", "d1")


def test_a_mail_that_can_be_ended_says_how_in_its_header(use_client):
    ses = FakeSes()
    use_client(ses)

    EmailSender(SENDER).send(make_message(unsubscribe_url="https://api.example/u/t"), "ada@example.com", "d1")
    EmailSender(SENDER).send(make_message(), "ada@example.com", "d2")

    with_link, without = (asked["Content"]["Simple"]["Headers"] for asked in ses.asked)
    assert with_link == [
        {"Name": "List-Unsubscribe", "Value": "<https://api.example/u/t>"},
        {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
    ]
    assert without == []
