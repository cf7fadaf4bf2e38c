"""Accounts: who asks, and what their tier lets them do."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Tier(StrEnum):
    """What an account has paid for; an anonymous caller counts as FREE."""

    FREE = "free"
    PRO = "pro"
    PREMIUM = "premium"

    @property
    def delay(self) -> timedelta:
        """How old an open signal must be before this tier may see it."""
        return _DELAYS[self]


_DELAYS = {
    Tier.FREE: timedelta(seconds=900),
    Tier.PRO: timedelta(seconds=60),
    Tier.PREMIUM: timedelta(0),
}


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody with a key. `account_id` is random and says nothing about them."""

    account_id: str
    tier: Tier
    email: str | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key as stored: the SHA-256 of its text, never the text."""

    key_hash: str
    account_id: str
    prefix: str
    tier: Tier
    revoked: bool = False


ANONYMOUS = Account(account_id="anonymous", tier=Tier.FREE)
