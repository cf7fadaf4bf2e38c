"""In-memory one-time tokens and quotas; tests/contracts runs the same tests over them and the real ones."""

from collections import Counter
from datetime import datetime, timedelta

from signalbox.domain.accounts.tokens import OneTimeToken, Purpose


class InMemoryTokens:
    """`ports.OneTimeTokenRepository`."""

    def __init__(self) -> None:
        self.stored: dict[str, OneTimeToken] = {}

    def add(self, token: OneTimeToken) -> bool:
        if token.token_hash in self.stored:
            return False
        self.stored[token.token_hash] = token
        return True

    def take(self, token_hash: str, purpose: Purpose, now: datetime) -> OneTimeToken | None:
        found = self.stored.get(token_hash)
        if found is None or found.purpose is not purpose or found.expires_at <= now:
            return None
        return self.stored.pop(token_hash)


class InMemoryQuotas:
    """`ports.QuotaRepository`."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.slots: dict[str, set[str]] = {}

    def count(self, holder: str, *, per_hour: int, per_day: int, now: datetime) -> datetime | None:
        day, hour = (holder, now.date().isoformat()), (holder, now.replace(minute=0, second=0).isoformat())
        if self.counts[day] >= per_day:
            return now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        if self.counts[hour] >= per_hour:
            return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        self.counts.update([day, hour])
        return None

    def used_today(self, holder: str, now: datetime) -> int:
        return self.counts[holder, now.date().isoformat()]

    def take_slot(self, holder: str, item: str, *, limit: int, until: datetime) -> bool:  # noqa: ARG002 - for ever here
        taken = self.slots.setdefault(holder, set())
        if len(taken) < limit:
            taken.add(item)
        return item in taken
