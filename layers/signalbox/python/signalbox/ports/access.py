"""What the services need to know who asks, and how often: one-time tokens and quotas.

Every method may raise `TransientError` (try again) or `PermanentError` (do not). A conditional write says so and
returns whether it took effect, so that a request made twice leaves what one leaves.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from signalbox.domain.accounts.tokens import OneTimeToken, Purpose


class OneTimeTokenRepository(Protocol):
    """Tokens that are good once."""

    def add(self, token: OneTimeToken) -> bool:
        """Store a token; return False, changing nothing, if it is there already: then it was used before."""
        ...

    def take(self, token_hash: str, purpose: Purpose, now: datetime) -> OneTimeToken | None:
        """Remove the token and return it, to one caller only; None if it is not there, is over, or is for something
        else."""
        ...


class QuotaRepository(Protocol):
    """Counters that end by themselves."""

    def count(self, holder: str, *, per_hour: int, per_day: int, now: datetime) -> datetime | None:
        """Count one request of `holder`; or, where its hour (UTC) or day is used up, count nothing and return when the
        next one begins."""
        ...

    def used_today(self, holder: str, now: datetime) -> int:
        """Return how many requests of `holder` were counted this day."""
        ...

    def take_slot(self, holder: str, item: str, *, limit: int, until: datetime) -> bool:
        """Give one of the `limit` slots of `holder` to `item`, which keeps it until `until`; return whether it has one.

        Asking again for the same item changes nothing.
        """
        ...
