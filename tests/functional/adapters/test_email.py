import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from signalbox.adapters import aws as clients
from signalbox.adapters.channels.bulk_email import BulkEmailSender
from signalbox.adapters.channels.email import EmailSender
from signalbox.adapters.channels.push import PushSender
from signalbox.domain.delivery.message import Envelope
from signalbox.domain.errors import ChannelUnavailableError, RecipientRejectedError, UnclearOutcomeError
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


def test_what_becomes_of_a_mail_is_reported_whoever_verified_its_sender(use_client):
    ses = FakeSes()
    use_client(ses)
    EmailSender(SENDER, "signalbox-mail").send(make_message(), "ada@example.com", "d1")
    EmailSender(SENDER).send(make_message(), "ada@example.com", "d2")
    assert [asked.get("ConfigurationSetName") for asked in ses.asked] == ["signalbox-mail", None]


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


def test_a_mail_that_can_be_ended_says_how_in_its_header_and_in_both_parts(use_client):
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
    for part in ("Text", "Html"):
        with_link, without = (asked["Content"]["Simple"]["Body"][part]["Data"] for asked in ses.asked)
        assert "https://api.example/u/t" in with_link
        assert "nsubscribe" not in without


class HangsUp(BaseHTTPRequestHandler):
    """Takes a request and hangs up without a word."""

    taken: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.taken.append(self.path)
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Write no access log."""


@pytest.fixture
def hangs_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """An AWS that takes what it is asked and never answers; yields the paths it was asked for."""
    HangsUp.taken.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), HangsUp) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_address[1]}")
        clients.forget()
        yield HangsUp.taken
        server.shutdown()
        thread.join()
    clients.forget()


def test_a_mail_that_may_have_been_taken_is_not_sent_again_by_the_client(hangs_up: list[str]):
    with pytest.raises(UnclearOutcomeError):
        EmailSender(SENDER).send(make_message(), "ada@example.com", "delivery-1")
    together = [Envelope(make_message(), f"ada-{number}@example.com", f"d-{number}") for number in range(2)]
    outcomes = BulkEmailSender(SENDER).send_all(together)
    assert [type(outcome) for outcome in outcomes] == [UnclearOutcomeError] * 2
    assert hangs_up == ["/v2/email/outbound-emails", "/v2/email/outbound-bulk-emails"]


def test_a_push_that_may_have_been_taken_is_not_sent_again_by_the_client(hangs_up: list[str]):
    arn = "arn:aws:sns:eu-central-1:123456789012:signals"
    (outcome,) = PushSender().send_all([Envelope(make_message(), arn, "delivery-1")])
    assert isinstance(outcome, UnclearOutcomeError)
    assert len(hangs_up) == 1
