"""What the services need to reach people: accounts, subscriptions, deliveries, channels, connections.

Every method may raise `TransientError` (try again) or `PermanentError` (do not). A conditional write says so and
returns whether it took effect, so that a message handled twice leaves what one handling leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from signalbox.domain.accounts.account import Account, ApiKey, Tier
from signalbox.domain.delivery.delivery import Delivery, DeliveryState, Subscription
from signalbox.domain.delivery.message import Message


class SubscriptionRepository(Protocol):
    """Who wants what."""

    def matching(self, symbol: str) -> list[Subscription]:
        """Return the subscriptions that name `symbol` or all symbols."""
        ...

    def put(self, subscription: Subscription) -> None:
        """Store or replace a subscription."""
        ...


class DeliveryRepository(Protocol):
    """Every (event, subscriber, channel) and where it stands."""

    def add(self, delivery: Delivery) -> bool:
        """Store a new delivery; return False, changing nothing, if it is there already."""
        ...

    def claim(self, signal_id: str, delivery_id: str, now: datetime) -> Delivery | None:
        """Take the delivery for `LEASE`; None if it is not there, is finished, or another worker holds it."""
        ...

    def finish(self, delivery: Delivery, state: DeliveryState, now: datetime, **changes: Any) -> bool:
        """Record the outcome of a claimed delivery, with `reason` or `service_id` where there is one; QUEUED gives the
        claim back. Return False, changing nothing, if another worker has taken the claim over since."""
        ...

    def of_signal(self, signal_id: str) -> list[Delivery]:
        """Return the deliveries of a signal."""
        ...


class AccountRepository(Protocol):
    """Accounts and their keys."""

    def put(self, account: Account, key: ApiKey) -> None:
        """Store an account and one key of it."""
        ...

    def account(self, account_id: str) -> Account | None:
        """Return the account, or None."""
        ...

    def key(self, key_hash: str) -> ApiKey | None:
        """Return the key with this hash, or None."""
        ...


class ChannelSender(Protocol):
    """Sends messages by one channel."""

    def send(self, message: Message, recipient: str, delivery_id: str) -> str:
        """Send one message and return the service's id for it.

        Raises ChannelUnavailableError (try again) or RecipientRejectedError (do not).
        """
        ...


class ConnectionRepository(Protocol):
    """Who is connected by WebSocket."""

    def add(self, connection_id: str, account_id: str, tier: Tier, now: datetime) -> None:
        """Remember a connection and whose it is; the record outlives the gateway's two hours by little."""
        ...

    def remove(self, connection_id: str) -> None:
        """Forget a connection, known or not."""
        ...


class ConnectionPoster(Protocol):
    """Posts to WebSocket connections."""

    def post(self, connection_id: str, message: Mapping[str, Any]) -> None:
        """Send one JSON message. Raises RecipientRejectedError if the connection is gone."""
        ...
