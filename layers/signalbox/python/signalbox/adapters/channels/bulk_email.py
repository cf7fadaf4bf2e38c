"""E-mail through Amazon SES, fifty recipients to a call where all get the same words."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from signalbox.adapters import aws
from signalbox.adapters.channels.email import EmailSender, list_headers
from signalbox.domain.delivery.mail_frame import with_way_out
from signalbox.domain.delivery.message import Envelope, Message, Outcome
from signalbox.domain.errors import (
    ChannelUnavailableError,
    RecipientRejectedError,
    RecipientSuppressedError,
    UnclearOutcomeError,
)

BULK_RECIPIENTS = 50
"""What SendBulkEmail takes at most."""
SANDBOX = "sandbox"
_REJECTED = frozenset({"MESSAGE_REJECTED", "INVALID_PARAMETER_VALUE", "INVALID_PARAMETER"})
_UNVERIFIED = "not verified"
_LINK = "unsubscribe_url"


class BulkEmailSender(EmailSender):
    """Implements `ports.ChannelSender` and `ports.BatchSender`."""

    def send_all(self, envelopes: Sequence[Envelope]) -> list[Outcome]:
        """Send every envelope and return what became of each, in order. An unsubscribe link may differ in each.

        In the sandbox of SES a recipient who is not verified gets nothing: RecipientSuppressedError.
        """
        outcomes: dict[int, Outcome] = {}
        for numbers in _groups(envelopes):
            group = [envelopes[number] for number in numbers]
            several = len(group) > 1 and not has_placeholders(group[0].message)
            found = self._send_bulk(group) if several else [self._send_one(each) for each in group]
            outcomes |= zip(numbers, found, strict=True)
        return [outcomes[number] for number in range(len(envelopes))]

    def _send_one(self, envelope: Envelope) -> Outcome:
        try:
            return self.send(envelope.message, envelope.recipient, envelope.delivery_id)
        except RecipientRejectedError as e:
            return self._told_apart(str(e), e)
        except ChannelUnavailableError as e:
            return e

    def _send_bulk(self, group: list[Envelope]) -> list[Outcome]:
        try:
            reply = aws.client("sesv2").send_bulk_email(
                FromEmailAddress=self._sender,
                DefaultContent={"Template": {"TemplateContent": _content(group[0].message), "TemplateData": "{}"}},
                BulkEmailEntries=[_entry(each) for each in group],
                **self._reported,
            )
        except ParamValidationError:
            # One address that cannot even be written down must not keep the mail from the others.
            return [self._send_one(each) for each in group]
        except (ClientError, *aws.NETWORK_ERRORS) as e:
            if isinstance(e, ClientError) and not aws.may_succeed_later(e):
                return [self._send_one(each) for each in group]
            kind = UnclearOutcomeError if aws.is_unclear(e) else ChannelUnavailableError
            return [kind(f"SES did not take {len(group)} deliveries: {self._said(e)}")] * len(group)
        return [self._outcome(entry) for entry in reply["BulkEmailEntryResults"]]

    def _outcome(self, entry: dict[str, Any]) -> Outcome:
        status = entry["Status"]
        if status == "SUCCESS":
            return str(entry["MessageId"])
        text = f"SES did not take a delivery: {status} {self._said(entry.get('Error', ''))}".strip()
        if status in _REJECTED:
            return self._told_apart(text, RecipientRejectedError(text))
        return ChannelUnavailableError(text)

    def _told_apart(self, text: str, error: RecipientRejectedError) -> RecipientRejectedError:
        """Return what a refusal means: of a verified sender, SES refuses an address only in its sandbox."""
        in_sandbox = _UNVERIFIED in text and self._sender not in text
        return RecipientSuppressedError(SANDBOX) if in_sandbox else error


def _groups(envelopes: Sequence[Envelope]) -> Iterator[list[int]]:
    """Yield the places of envelopes that say the same and all can be ended, or all cannot; fifty at most."""
    alike: dict[tuple[str, str, str, bool], list[int]] = {}
    for number, envelope in enumerate(envelopes):
        message = envelope.message
        ends = message.unsubscribe_url is not None
        alike.setdefault((message.subject, message.text, message.html, ends), []).append(number)
    for numbers in alike.values():
        for start in range(0, len(numbers), BULK_RECIPIENTS):
            yield numbers[start : start + BULK_RECIPIENTS]


def has_placeholders(message: Message) -> bool:
    """Return whether SES would take some of the words for a template's: such a mail is sent as it is, alone."""
    return "{{" in message.subject + message.text + message.html


def _content(message: Message) -> dict[str, str]:
    """Return what all recipients read; where the link of each stands, SES puts the entry's."""
    shown = message if message.unsubscribe_url is None else with_way_out(message, f"{{{{{_LINK}}}}}")
    return {"Subject": shown.subject, "Text": shown.text, "Html": shown.html}


def _entry(envelope: Envelope) -> dict[str, Any]:
    own = json.dumps({_LINK: envelope.message.unsubscribe_url})
    return {
        "Destination": {"ToAddresses": [envelope.recipient]},
        "ReplacementTags": [{"Name": "delivery_id", "Value": envelope.delivery_id}],
        "ReplacementHeaders": list_headers(envelope.message),
        "ReplacementEmailContent": {"ReplacementTemplate": {"ReplacementTemplateData": own}},
    }
