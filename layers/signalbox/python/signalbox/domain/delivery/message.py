"""Messages: what a subscriber reads, and the envelopes they travel in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from signalbox.domain.errors import ChannelUnavailableError, RecipientRejectedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message in every form a channel may need. `unsubscribe_url` ends e-mail by one click (RFC 8058).

    `facts` is what it says, for programs: made of JSON's own types. `labels` are the few of them that a topic's
    followers choose by.
    """

    subject: str
    text: str
    html: str
    unsubscribe_url: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, str | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message on its way to one recipient, under the id of its delivery."""

    message: Message
    recipient: str
    delivery_id: str


Outcome = str | ChannelUnavailableError | RecipientRejectedError
"""What became of an envelope: the service's id for it, or why it was not taken (try again, or do not)."""
