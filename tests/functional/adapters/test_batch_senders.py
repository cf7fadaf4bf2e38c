"""Bulk e-mail and push at the level of the client: how many calls, and what each entry's answer means."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from signalbox.adapters.channels.bulk_email import BulkEmailSender
from signalbox.adapters.channels.push import PushSender
from signalbox.domain.delivery.message import Envelope
from signalbox.domain.errors import (
    ChannelUnavailableError,
    EndpointGoneError,
    RecipientRejectedError,
    RecipientSuppressedError,
)
from tests.builders import make_message

TOPIC = "arn:aws:sns:eu-central-1:123456789012:signals"
ENDPOINT = "arn:aws:sns:eu-central-1:123456789012:endpoint/GCM/app/1"
Use = Callable[[Any], None]


def refusal(code: str, text: str = "", status: int = 400) -> ClientError:
    reply: Any = {"Error": {"Code": code, "Message": text}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(reply, "Send")


class Service:
    """SES and SNS: counts calls; `error` is raised by calls for many, `answers` replace the entry of a recipient."""

    def __init__(self, error: Exception | None = None, **answers: dict[str, Any]) -> None:
        self.error, self.answers = error, answers
        self.bulk: list[dict[str, Any]] = []
        self.single: list[dict[str, Any]] = []

    def send_bulk_email(self, **request: Any) -> dict[str, Any]:
        self.bulk.append(request)
        if self.error:
            raise self.error
        names = [entry["Destination"]["ToAddresses"][0].partition("@")[0] for entry in request["BulkEmailEntries"]]
        taken = {"Status": "SUCCESS"}
        return {"BulkEmailEntryResults": [self.answers.get(name, taken | {"MessageId": name}) for name in names]}

    def send_email(self, **request: Any) -> dict[str, Any]:
        self.single.append(request)
        return {"MessageId": "single"}

    def publish_batch(self, **request: Any) -> dict[str, Any]:
        self.bulk.append(request)
        if self.error:
            raise self.error
        entries = request["PublishBatchRequestEntries"]
        failed = [entry["Id"] for entry in entries if entry["Id"] in self.answers.get("failed", {})]
        return {
            "Successful": [{"Id": e["Id"], "MessageId": f"m{e['Id']}"} for e in entries if e["Id"] not in failed],
            "Failed": [{"Id": name, "Code": "X", **self.answers["failed"][name]} for name in failed],
        }

    def publish(self, **request: Any) -> dict[str, Any]:
        self.single.append(request)
        if self.error:
            raise self.error
        return {"MessageId": "push"}


def mails(count: int, **message: Any) -> list[Envelope]:
    words = make_message(**message)
    return [Envelope(words, f"r{number}@example.com", f"delivery-{number}") for number in range(count)]


def test_fifty_recipients_of_the_same_words_are_one_call(use_client: Use) -> None:
    service = Service()
    use_client(service)
    outcomes = BulkEmailSender("s@example.com").send_all(mails(120))
    assert outcomes == [f"r{number}" for number in range(120)]
    assert [len(call["BulkEmailEntries"]) for call in service.bulk] == [50, 50, 20]
    assert service.bulk[0]["BulkEmailEntries"][7]["ReplacementTags"] == [{"Name": "delivery_id", "Value": "delivery-7"}]


def test_what_becomes_of_mails_that_go_together_is_reported_too(use_client: Use) -> None:
    service = Service()
    use_client(service)
    BulkEmailSender("s@example.com", "signalbox-mail").send_all(mails(2))
    assert [call["ConfigurationSetName"] for call in service.bulk] == ["signalbox-mail"]


def test_each_recipient_has_their_own_link_to_unsubscribe(use_client: Use) -> None:
    service = Service()
    use_client(service)
    envelopes = [
        Envelope(make_message(unsubscribe_url=f"https://u.example/{n}"), f"r{n}@example.com", f"d{n}") for n in range(2)
    ]
    BulkEmailSender("s@example.com").send_all(envelopes)
    (call,) = service.bulk
    links = [entry["ReplacementHeaders"][0]["Value"] for entry in call["BulkEmailEntries"]]
    assert links == ["<https://u.example/0>", "<https://u.example/1>"]
    content = call["DefaultContent"]["Template"]["TemplateContent"]
    for number, entry in enumerate(call["BulkEmailEntries"]):
        own = json.loads(entry["ReplacementEmailContent"]["ReplacementTemplate"]["ReplacementTemplateData"])
        for part in ("Text", "Html"):
            shown = content[part].replace("{{unsubscribe_url}}", own["unsubscribe_url"])
            assert f"https://u.example/{number}" in shown
            assert "{{" not in shown


def test_who_can_end_a_mail_and_who_cannot_are_told_apart(use_client: Use) -> None:
    service = Service()
    use_client(service)
    endable = Envelope(make_message(unsubscribe_url="https://u.example/0"), "r0@example.com", "d0")
    BulkEmailSender("s@example.com").send_all([endable, *mails(2)])
    (several,), (one,) = service.bulk, service.single
    assert "nsubscribe" not in str(several["DefaultContent"])
    assert one["Destination"] == {"ToAddresses": ["r0@example.com"]}


def test_words_that_look_like_a_template_are_sent_as_they_are(use_client: Use) -> None:
    service = Service()
    use_client(service)
    BulkEmailSender("s@example.com").send_all(mails(2, text="my note: {{unsubscribe}}"))
    assert (len(service.bulk), len(service.single)) == (0, 2)


def test_each_entry_has_an_outcome_of_its_own(use_client: Use) -> None:
    unverified = "Email address is not verified: r3@example.com"
    use_client(
        Service(
            r1={"Status": "MESSAGE_REJECTED", "Error": "bad"},
            r2={"Status": "ACCOUNT_THROTTLED"},
            r3={"Status": "MESSAGE_REJECTED", "Error": unverified},
        )
    )
    outcomes = BulkEmailSender("s@example.com").send_all(mails(4))
    assert outcomes[0] == "r0"
    assert type(outcomes[1]) is RecipientRejectedError
    assert type(outcomes[2]) is ChannelUnavailableError
    assert type(outcomes[3]) is RecipientSuppressedError
    assert str(outcomes[3]) == "sandbox"


def test_a_refusal_is_kept_without_the_address_that_it_names(use_client: Use) -> None:
    use_client(Service(r0={"Status": "MESSAGE_REJECTED", "Error": "Illegal address <r0@example.com>"}))
    assert "@" not in str(BulkEmailSender("s@example.com").send_all(mails(2))[0])

    class Refusing(Service):
        def send_email(self, **_request: Any) -> dict[str, Any]:
            raise refusal("BadRequestException", "Illegal address r0@example.com")

    use_client(Refusing())
    alone = BulkEmailSender("s@example.com").send_all(mails(1))[0]
    assert isinstance(alone, RecipientRejectedError)
    assert "@" not in str(alone)


def test_a_bulk_call_that_is_throttled_is_tried_again_and_one_that_is_refused_is_parted(use_client: Use) -> None:
    use_client(Service(refusal("TooManyRequestsException", status=429)))
    outcomes = BulkEmailSender("s@example.com").send_all(mails(3))
    assert [type(each) for each in outcomes] == [ChannelUnavailableError] * 3
    parted = Service(refusal("BadRequestException"))
    use_client(parted)
    assert BulkEmailSender("s@example.com").send_all(mails(3)) == ["single"] * 3


def test_ten_messages_to_a_topic_are_one_call_with_what_followers_choose_by(use_client: Use) -> None:
    service = Service()
    use_client(service)
    words = make_message(labels={"symbol": "BTC/USDT", "quality": 71.5})
    outcomes = PushSender().send_all([Envelope(words, TOPIC, f"d{n}") for n in range(25)])
    assert outcomes == [f"m{n}" for n in range(25)]
    assert [len(call["PublishBatchRequestEntries"]) for call in service.bulk] == [10, 10, 5]
    assert service.bulk[0]["PublishBatchRequestEntries"][0]["MessageAttributes"] == {
        "symbol": {"DataType": "String", "StringValue": "BTC/USDT"},
        "quality": {"DataType": "Number", "StringValue": "71.5"},
    }


def test_a_message_that_a_topic_did_not_take_is_told_apart_by_whose_fault_it_was(use_client: Use) -> None:
    use_client(Service(failed={"1": {"SenderFault": True}, "2": {"SenderFault": False}}))
    outcomes = PushSender().send_all([Envelope(make_message(), TOPIC, f"d{n}") for n in range(3)])
    assert outcomes[0] == "m0"
    assert [type(each) for each in outcomes[1:]] == [RecipientRejectedError, ChannelUnavailableError]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (refusal("EndpointDisabled"), EndpointGoneError),
        (refusal("NotFound", status=404), EndpointGoneError),
        (refusal("InvalidParameter"), RecipientRejectedError),
        (refusal("Throttling"), ChannelUnavailableError),
        (refusal("AuthorizationError", status=403), ChannelUnavailableError),
        (refusal("InternalError", status=500), ChannelUnavailableError),
    ],
)
def test_a_device_that_is_gone_is_rejected_and_one_that_cannot_be_reached_now_is_not(
    use_client: Use, error: Exception, outcome: type[Exception]
) -> None:
    use_client(Service(error))
    assert [type(each) for each in PushSender().send_all([Envelope(make_message(), ENDPOINT, "d")])] == [outcome]
