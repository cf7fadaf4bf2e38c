"""What SES tells of a mail after it took it: that it arrived, came back, or was called spam.

SES has two shapes for this: events of a configuration set (`eventType`) and an identity's notifications
(`notificationType`). Beside that word they agree in all that is read here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import from_iso

_STATUS = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?!\.?\d)")
"""An enhanced status code (RFC 3463), as 5.1.1."""


class Verdict(StrEnum):
    """What became of a mail. SOFT_BOUNCE may arrive the next time; BOUNCE and COMPLAINT must not be mailed again."""

    DELIVERED = "delivered"
    BOUNCE = "bounce"
    SOFT_BOUNCE = "soft bounce"
    COMPLAINT = "complaint"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Feedback:
    """What became of one mail: SES's id of it, when SES took it, and to whom it was.

    `reason` is made of SES's own words and codes. What a mail server says is not kept: it names the address.
    """

    verdict: Verdict
    service_id: str
    sent_at: datetime
    recipients: tuple[str, ...]
    reason: str

    @property
    def ends_mail(self) -> bool:
        """Whether nothing more may be mailed to these recipients."""
        return self.verdict in (Verdict.BOUNCE, Verdict.COMPLAINT)


def read_feedback(event: Mapping[str, Any]) -> Feedback | None:
    """Return what one event says, or None for a kind that changes nothing (sent, opened, delayed, ...).

    Raises InvalidValueError if it is no event of SES.
    """
    kind = event.get("eventType") or event.get("notificationType")
    try:
        mail = event["mail"]
        base = (str(mail["messageId"]), from_iso(mail["timestamp"]))
        if kind == "Delivery":
            return Feedback(Verdict.DELIVERED, *base, tuple(event["delivery"]["recipients"]), "")
        if kind == "Complaint":
            complaint = event["complaint"]
            reason = f"complaint {complaint.get('complaintFeedbackType') or ''}".strip()
            return Feedback(Verdict.COMPLAINT, *base, _addresses(complaint["complainedRecipients"]), reason)
        if kind == "Bounce":
            return _bounce(event["bounce"], *base)
        if kind == "Reject":
            return Feedback(Verdict.REJECTED, *base, tuple(mail["destination"]), "rejected by SES")
    except (KeyError, TypeError, ValueError) as e:
        raise InvalidValueError(f"event must be one of SES, was {str(event)[:200]}") from e
    if kind is None:
        raise InvalidValueError(f"event must name its eventType or notificationType, was {str(event)[:200]}")
    return None


def _bounce(bounce: Mapping[str, Any], service_id: str, sent_at: datetime) -> Feedback:
    hard = bounce["bounceType"] == "Permanent"
    first = bounce["bouncedRecipients"][0] if bounce["bouncedRecipients"] else {}
    status = _STATUS.search(f"{first.get('status', '')} {first.get('diagnosticCode', '')}")
    words = ["bounce" if hard else "soft bounce", bounce.get("bounceSubType"), status and status[0]]
    return Feedback(
        Verdict.BOUNCE if hard else Verdict.SOFT_BOUNCE,
        service_id,
        sent_at,
        _addresses(bounce["bouncedRecipients"]),
        " ".join(str(word) for word in words if word),
    )


def _addresses(recipients: list[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(str(each["emailAddress"]).lower() for each in recipients)
