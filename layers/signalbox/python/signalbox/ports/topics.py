"""What the services need to tell many at once: topics with numbered entries, and who follows them by WebSocket.

Every method may raise `TransientError` (try again) or `PermanentError` (do not). A conditional write says so and
returns whether it took effect, so that a message handled twice leaves what one handling leaves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from signalbox.domain.accounts.account import Scope, Tier
from signalbox.domain.delivery.delivery import Channel, Delivery, DeliveryState
from signalbox.domain.delivery.latency import Bins
from signalbox.domain.delivery.message import Envelope, Outcome


class TopicReader(Protocol):
    """Reads what was told in topics, under numbers that rise within each."""

    def last(self, topic: str) -> int:
        """Return the number of the newest entry that the topic ever had, 0 before the first."""
        ...

    def after(self, topic: str, sequence: int, limit: int) -> list[tuple[int, dict[str, Any]]]:
        """Return the first `limit` entries after `sequence` with their numbers, oldest first."""
        ...


class TopicWriter(TopicReader, Protocol):
    """Writes and reads what was told in topics, numbered from 1 in each without a gap, kept for a day."""

    def append_once(self, topic: str, event_id: str, record: Mapping[str, Any], now: datetime) -> int:
        """Append what an event says, and return its number; an event that is there already keeps the number it has."""
        ...

    def forget(self, topic: str) -> None:
        """Remove a topic, known or not: its entries and its count."""
        ...


class PriceTopics(TopicReader, Protocol):
    """The prices of each watched symbol as a topic: its entries are the stored price frames."""

    def bucket(self, symbol: str) -> int | None:
        """Return the bucket of a symbol, or None if it is not watched."""
        ...

    def oldest(self, topic: str) -> int:
        """Return the number from which on all entries are kept."""
        ...


@dataclass(frozen=True, slots=True)
class Connection:
    """Somebody who is connected, what their key or token is for, and how many messages they sent within the current
    window. `key_hash` names the key they came with; it is empty for a session."""

    connection_id: str
    account_id: str
    tier: Tier
    scopes: frozenset[Scope]
    key_hash: str = ""
    messages: int = 0


class FollowerRepository(Protocol):
    """Who is connected by WebSocket, and which topics they follow."""

    def add(self, connection: Connection, now: datetime) -> None:
        """Remember a connection or replace it; the record outlives the gateway's two hours by little."""
        ...

    def count_message(self, connection_id: str, now: datetime) -> Connection | None:
        """Count one message of a connection in its window of `WINDOW`, and return it; None if it is not known."""
        ...

    def follow(self, connection_id: str, topic: str, most: int, now: datetime, group: str | None = None) -> bool:
        """Let a connection follow a topic; return False, changing nothing, if it would be more than `most`, or if the
        connection is not known any more.

        A topic with a `group` is told together with the others of it, and its followers are found by `following` only.
        """
        ...

    def unfollow(self, connection_id: str, topic: str) -> None:
        """Let a connection follow a topic no more, followed or not."""
        ...

    def followers(self, topic: str) -> list[str]:
        """Return the connections that follow a topic; one that began to a moment ago may be missing."""
        ...

    def following(self, group: str) -> list[tuple[str, str]]:
        """Return who follows a topic of a group: pairs of topic and connection; as late as `followers`."""
        ...

    def remove(self, connection_id: str) -> None:
        """Forget a connection and what it followed, known or not."""
        ...

    def remove_of(self, account_id: str, key_hash: str | None = None) -> None:
        """Forget the connections of an account, or only those that came with this key, and what they followed."""
        ...


class BatchSender(Protocol):
    """Sends many messages by one channel, in as few calls as its service allows."""

    def send_all(self, envelopes: Sequence[Envelope]) -> list[Outcome]:
        """Send every envelope and return what became of each, in order. Raises nothing that the service did."""
        ...


class DeliveryLatencies(Protocol):
    """How long deliveries took: counts by bin (`domain.delivery.latency`), of each hour, channel and tier."""

    def add(self, hour: datetime, channel: Channel, tier: Tier, bins: Bins) -> None:
        """Add counts to an hour's."""
        ...

    def of_hours(self, hours: Sequence[datetime]) -> list[tuple[tuple[Channel, Tier], Bins]]:
        """Return the counts of these hours with their channels and tiers, in no order; what is new may be missing."""
        ...


class SentDeliveries(Protocol):
    """Deliveries that a service took, found by its own id of them."""

    def of_service(self, service_id: str) -> list[Delivery]:
        """Return the deliveries that went with this mail: one, or all of a digest; one taken this second may be
        missing."""
        ...

    def settle(self, delivery: Delivery, state: DeliveryState, reason: str | None = None) -> bool:
        """Record what became of an accepted delivery: DELIVERED, or FAILED even after that. Return False, changing
        nothing, if that is known already."""
        ...


class AccountDeliveries(Protocol):
    """The deliveries of one account."""

    def of_account(
        self, account_id: str, since: datetime, until: datetime, signal_id: str | None = None
    ) -> Iterator[Delivery]:
        """Yield the deliveries queued in [since, until), newest first; of one signal, if named. As far as they are
        asked for, so far they are read."""
        ...
