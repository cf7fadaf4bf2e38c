"""Accounts: who asks, and what their tier lets them do."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from signalbox.domain.accounts.channel import Channel


class Scope(StrEnum):
    """What a key or token may be used for."""

    READ = "read"
    """Ask for signals, prices, statistics; connect by WebSocket."""
    SUBSCRIBE = "subscribe"
    """See and change the account's subscriptions and alerts."""
    MANAGE = "manage"
    """See and erase the account; make, rotate and revoke its keys."""


ALL_SCOPES = frozenset(Scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class TierTerms:
    """What a tier gives.

    `delay` is how old an open signal must be (900 s at most). `requests_per_hour` is the rate and `requests_per_day`
    the quota of an account, both counted in UTC. `priority` orders tiers where they compete, higher first.
    `subscriptions`, `symbols` (of one subscription), `alerts` and `keys` are the most an account may have.
    """

    delay: timedelta
    requests_per_hour: int
    requests_per_day: int
    channels: frozenset[Channel]
    priority: int
    subscriptions: int
    symbols: int
    alerts: int
    keys: int


class Tier(StrEnum):
    """What an account has paid for; an anonymous caller counts as FREE."""

    FREE = "free"
    PRO = "pro"
    PREMIUM = "premium"

    @property
    def terms(self) -> TierTerms:
        """What this tier gives."""
        return TERMS[self]

    @property
    def delay(self) -> timedelta:
        """How old an open signal must be before this tier may see it."""
        return TERMS[self].delay


TERMS: Mapping[Tier, TierTerms] = {
    Tier.FREE: TierTerms(
        delay=timedelta(seconds=900),
        requests_per_hour=600,
        requests_per_day=3_000,
        channels=frozenset({Channel.EMAIL, Channel.WEBSOCKET}),
        priority=0,
        subscriptions=3,
        symbols=20,
        alerts=5,
        keys=2,
    ),
    Tier.PRO: TierTerms(
        delay=timedelta(seconds=60),
        requests_per_hour=6_000,
        requests_per_day=50_000,
        channels=frozenset(Channel),
        priority=1,
        subscriptions=20,
        symbols=100,
        alerts=50,
        keys=5,
    ),
    Tier.PREMIUM: TierTerms(
        delay=timedelta(0),
        requests_per_hour=60_000,
        requests_per_day=500_000,
        channels=frozenset(Channel),
        priority=2,
        subscriptions=100,
        symbols=200,
        alerts=500,
        keys=20,
    ),
}
"""The one table of tiers."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody with a key. `account_id` is random and says nothing about them.

    `mail_off` says that `email` bounced or complained: it gets nothing until it answers for itself again.
    """

    account_id: str
    tier: Tier
    email: str | None = None
    mail_off: bool = False

    @property
    def mail_address(self) -> str | None:
        """Where the account is mailed, or None if it has no address or that one was switched off."""
        return None if self.mail_off else self.email


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key as stored: the SHA-256 of its text, never the text.

    `prefix` is how the key's text begins: it tells the keys of one account apart. `tier` is the account's when the key
    was made; what counts is the account's own. A key without `expires_at` is good until it is revoked.
    """

    key_hash: str
    account_id: str
    prefix: str
    tier: Tier
    revoked: bool = False
    scopes: frozenset[Scope] = ALL_SCOPES
    label: str = ""
    created_at: datetime | None = None
    expires_at: datetime | None = None

    def is_good(self, now: datetime) -> bool:
        """Return whether the key opens anything at `now`."""
        return not self.revoked and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and what the key or token they brought may be used for.

    `key_hash` names the key, also behind a WebSocket token that was asked for with one; it is empty for a session.
    """

    account: Account
    scopes: frozenset[Scope]
    key_hash: str = ""


ANONYMOUS = Account(account_id="anonymous", tier=Tier.FREE)
NOBODY = Caller(ANONYMOUS, frozenset({Scope.READ}))
"""A caller without a key."""
