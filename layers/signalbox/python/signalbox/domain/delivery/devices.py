"""Devices that get push messages: a phone or tablet, by the endpoint that the push service made of its token."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

MOST_DEVICES = 10
"""Devices of one account."""
LONGEST_TOKEN = 4_096
_RECIPIENT = "devices:"


@dataclass(frozen=True, slots=True)
class Device:
    """One device. It belongs to the account that registered it last; its token is not stored.

    `endpoint` is the push service's own name of it (an ARN). `name` is its owner's word for it.
    """

    device_id: str
    account_id: str
    endpoint: str
    name: str
    created_at: datetime


def device_id_of(token: str) -> str:
    """Return one id for one device token, which tells nothing of the token."""
    return f"dev_{sha256(token.encode()).hexdigest()[:32]}"


def devices_recipient(account_id: str) -> str:
    """Return what stands for all devices of an account as the recipient of a delivery."""
    return f"{_RECIPIENT}{account_id}"


def account_of(recipient: str) -> str | None:
    """Return the account whose devices a recipient stands for, or None if it is another recipient."""
    return recipient.removeprefix(_RECIPIENT) if recipient.startswith(_RECIPIENT) else None
