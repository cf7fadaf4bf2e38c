"""Messages: what a subscriber reads."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message in every form a channel may need. `data` is the signal as the API shows it."""

    subject: str
    text: str
    html: str
