"""What the services need of alerts: the alerts themselves, up to where they were checked, regimes, and the topic log.

Every method may raise `TransientError` (try again) or `PermanentError` (do not). A conditional write says so and
returns whether it took effect, so that a message handled twice leaves what one handling leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from signalbox.domain.alerts.alert import Alert
from signalbox.domain.alerts.checks import Check
from signalbox.domain.alerts.firing import Firing
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.regimes.change import RegimeChange


@dataclass(frozen=True, slots=True)
class TriggerRange:
    """A part of the index of waiting alerts: one partition, from `low` to `high`, both included; None is no bound."""

    partition: str
    low: Decimal | None = None
    high: Decimal | None = None


class AlertRepository(Protocol):
    """The alerts of all accounts."""

    def add(self, alert: Alert) -> bool:
        """Store a new alert; return False, changing nothing, if its id is there already."""
        ...

    def get(self, account_id: str, alert_id: str) -> Alert | None:
        """Return the alert of this account as it is now, or None."""
        ...

    def of_account(self, account_id: str) -> list[Alert]:
        """Return every alert of an account, by id."""
        ...

    def remove(self, account_id: str, alert_id: str) -> bool:
        """Forget an alert; return whether there was one."""
        ...

    def waiting(self, ranges: Sequence[TriggerRange]) -> list[Alert]:
        """Return the alerts that wait in any of `ranges`, each once. One may have moved on a moment ago, which `update`
        then refuses; one made a moment ago may be missing still."""
        ...

    def occupied(self, symbols: Iterable[str]) -> frozenset[str]:
        """Return the partitions of that index in which alerts on `symbols` may wait: each in which one does that was
        stored before, and perhaps some in which none does any more."""
        ...

    def update(self, before: Alert, after: Alert, firings: Sequence[Firing] = ()) -> bool:
        """Store `after` as the next version of `before`, and `firings` in the topic of its account: all or nothing.

        Return False, changing nothing, if the alert is no longer as `before`, or one of `firings` was stored already.
        """
        ...


class AlertChecks(Protocol):
    """Up to where each symbol was looked at."""

    def load(self, bucket: int) -> dict[str, Check]:
        """Return the last check of every symbol of a bucket that has one."""
        ...

    def save(self, bucket: int, checks: Mapping[str, Check]) -> None:
        """Store the checks of a shard's symbols, unless a later check of the same shard is stored."""
        ...


class RegimeRepository(Protocol):
    """Changes of regime, of each symbol and of the market as a whole."""

    def add(self, change: RegimeChange) -> bool:
        """Store a change and tell it in the topic `regimes`, both or neither; return False, changing nothing, if there
        is one of that moment, or a later one: what nobody knew then is not told now."""
        ...

    def latest(self, symbol: str, timeframe: Timeframe, until: datetime) -> RegimeChange | None:
        """Return the newest change not later than `until`, or None."""
        ...

    def latest_of(self, symbols: Sequence[str], timeframe: Timeframe, until: datetime) -> dict[str, RegimeChange]:
        """Return what `latest` does for each of `symbols` that has one, in one call where nothing is newer."""
        ...

    def between(
        self, symbol: str, timeframe: Timeframe, since: datetime, until: datetime, limit: int
    ) -> list[RegimeChange]:
        """Return the newest `limit` changes in [since, until), newest first."""
        ...


class TopicLog(Protocol):
    """What was told to whom, numbered from 1 in each topic without a gap, kept for a day."""

    def entry(self, topic: str, sequence: int) -> dict[str, Any] | None:
        """Return one entry, or None if there is none (any more)."""
        ...

    def after(self, topic: str, sequence: int, limit: int) -> list[tuple[int, dict[str, Any]]]:
        """Return the first `limit` entries after `sequence` with their numbers, oldest first."""
        ...
