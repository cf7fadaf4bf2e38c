"""Deliveries: who is told of an event, by which channel, and what became of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from signalbox.domain.accounts.account import Tier
from signalbox.domain.accounts.channel import Channel as Channel  # noqa: PLC0414 - told from here, too
from signalbox.domain.delivery.timing import Digest, QuietHours
from signalbox.domain.signals.events import EventKind, SignalEvent

LEASE = timedelta(seconds=60)
"""How long a claim holds before another worker may take the delivery over."""
NO_RECIPIENT = "erased"
"""What stands for a recipient that was erased."""


class DeliveryState(StrEnum):
    """QUEUED, CLAIMED (a lease), then ACCEPTED (the service took it) and DELIVERED, or FAILED, or SUPPRESSED."""

    QUEUED = "QUEUED"
    CLAIMED = "CLAIMED"
    ACCEPTED = "ACCEPTED"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"
    SUPPRESSED = "SUPPRESSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What an account wants to be told, how, and when. An empty set of symbols, strategies or timeframes means all.

    `confirmed` says that `email` answered for itself; until then it gets nothing. `minimum_confidence` None means any,
    calibrated or not. `digest` gathers e-mail. `daily_budget` is how many messages a local day may bring by each
    channel beside digests (`planning`). `time_zone` (IANA) is whose days and hours these are. `name` is the
    subscriber's own word for it.
    """

    subscription_id: str
    account_id: str
    tier: Tier
    channels: frozenset[Channel]
    email: str | None = None
    symbols: frozenset[str] = frozenset()
    strategies: frozenset[str] = frozenset()
    timeframes: frozenset[str] = frozenset()
    signal_types: frozenset[str] = frozenset()
    minimum_quality: float = 0.0
    endings: bool = True
    minimum_confidence: float | None = None
    confirmed: bool = True
    digest: Digest = Digest.IMMEDIATE
    time_zone: str = "UTC"
    quiet: QuietHours | None = None
    daily_budget: int | None = None
    name: str = ""

    def wants(self, event: SignalEvent) -> bool:
        """Return whether this subscription asks for `event`."""
        if event.kind is EventKind.REVISED or (event.kind is EventKind.ENDED and not self.endings):
            return False
        if self.minimum_confidence is not None and (event.confidence or 0.0) < self.minimum_confidence:
            return False
        return event.quality_score >= self.minimum_quality and all(
            not chosen or value in chosen
            for chosen, value in (
                (self.symbols, event.symbol),
                (self.strategies, event.strategy),
                (self.timeframes, event.timeframe),
                (self.signal_types, event.signal_type),
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One (event, subscriber, channel), and where it stands.

    `due_at` is set while it waits for a later moment, and `wait` says what it waits or waited for (`planning.Wait`).
    `published_at` is when its event was published, by the wall clock. `interrupted` counts
    the claims that lapsed without an outcome: after each of them it may have been sent or not.
    """

    event_id: str
    signal_id: str
    account_id: str
    channel: Channel
    tier: Tier
    recipient: str
    queued_at: datetime
    state: DeliveryState = DeliveryState.QUEUED
    reason: str | None = None
    attempts: int = 0
    lease_until: datetime | None = None
    accepted_at: datetime | None = None
    service_id: str | None = None
    subscription_id: str | None = None
    quality_score: float = 0.0
    due_at: datetime | None = None
    wait: str | None = None
    interrupted: int = 0
    published_at: datetime | None = None

    def latency(self, accepted_at: datetime) -> timedelta:
        """Return how long it took from publication to acceptance (from queueing, where it is older than that word)."""
        return accepted_at - (self.published_at or self.queued_at)

    @property
    def kind(self) -> EventKind:
        """What the event was."""
        return EventKind(self.event_id.rsplit("!", 2)[1])

    @property
    def delivery_id(self) -> str:
        """One id for (event, subscriber, channel), however often it is routed."""
        return sha256(f"{self.event_id}|{self.account_id}|{self.channel}".encode()).hexdigest()[:32]
