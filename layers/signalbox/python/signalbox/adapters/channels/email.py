"""E-mail through Amazon SES."""

from botocore.exceptions import ClientError, ParamValidationError

from signalbox.adapters import aws
from signalbox.domain.accounts.texts import without_addresses
from signalbox.domain.delivery.mail_frame import with_way_out
from signalbox.domain.delivery.message import Message
from signalbox.domain.errors import ChannelUnavailableError, RecipientRejectedError, UnclearOutcomeError

_REFUSALS = frozenset({"BadRequestException", "InvalidParameterValue", "MessageRejected", "ValidationException"})


class EmailSender:
    """Implements `ports.ChannelSender`.

    Parameters
    ----------
    sender : str
        The address that messages come from; SES must know it as verified.
    events : str, optional
        The configuration set that reports what becomes of a message. Without one it is that of the sender's identity,
        which an identity that somebody else verified may not have.
    """

    def __init__(self, sender: str, events: str = "") -> None:
        self._sender = sender
        self._reported = {"ConfigurationSetName": events} if events else {}

    def send(self, message: Message, recipient: str, delivery_id: str) -> str:
        """Send one e-mail, as text and HTML, and return SES's message id.

        The message carries `delivery_id` as a tag, which SES repeats in its bounce, complaint and delivery events. A
        mail that can be ended shows its link, too.

        Raises
        ------
        RecipientRejectedError
            If SES refuses the message or the address: sending it again changes nothing.
        ChannelUnavailableError
            If SES is throttled, paused, failing or not set up: sending it again later may succeed.
        """
        shown = message if message.unsubscribe_url is None else with_way_out(message, message.unsubscribe_url)
        try:
            reply = aws.client("sesv2").send_email(
                FromEmailAddress=self._sender,
                Destination={"ToAddresses": [recipient]},
                Content={
                    "Simple": {
                        "Subject": {"Data": message.subject, "Charset": "UTF-8"},
                        "Body": {
                            "Text": {"Data": shown.text, "Charset": "UTF-8"},
                            "Html": {"Data": shown.html, "Charset": "UTF-8"},
                        },
                        "Headers": list_headers(message),
                    }
                },
                EmailTags=[{"Name": "delivery_id", "Value": delivery_id}],
                **self._reported,
            )
        except ParamValidationError as e:
            raise RecipientRejectedError(f"SES cannot be asked to send delivery {delivery_id}: {self._said(e)}") from e
        except ClientError as e:
            refused = aws.error_code(e) in _REFUSALS and not aws.may_succeed_later(e)
            kind = RecipientRejectedError if refused else ChannelUnavailableError
            raise kind(f"SES did not take delivery {delivery_id}: {self._said(e)}") from e
        except aws.NETWORK_ERRORS as e:
            kind = UnclearOutcomeError if aws.is_unclear(e) else ChannelUnavailableError
            raise kind(f"SES did not answer for delivery {delivery_id}: {e}") from e
        return str(reply["MessageId"])

    def _said(self, what: object) -> str:
        """Return what SES said, to be kept as a delivery's reason: whom it was to is not kept there."""
        return without_addresses(str(what), but=self._sender)


def list_headers(message: Message) -> list[dict[str, str]]:
    """Return what lets a mail program unsubscribe by one click (RFC 8058)."""
    if message.unsubscribe_url is None:
        return []
    return [
        {"Name": "List-Unsubscribe", "Value": f"<{message.unsubscribe_url}>"},
        {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
    ]
