"""What the services need to reach people: accounts, subscriptions, deliveries, channels, connections.

Every method may raise `TransientError` (try again) or `PermanentError` (do not). A conditional write says so and
returns whether it took effect, so that a message handled twice leaves what one handling leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from signalbox.domain.accounts.account import Account, ApiKey
from signalbox.domain.accounts.room import Limited, Room
from signalbox.domain.delivery.delivery import Delivery, DeliveryState, Subscription
from signalbox.domain.delivery.message import Message
from signalbox.domain.errors import InvalidValueError

OUTCOME = frozenset({"reason", "service_id"})
"""What `finish` may record beside the state."""


def require_outcome(state: DeliveryState, changes: dict[str, Any]) -> None:
    """Raise InvalidValueError if `finish` cannot record this."""
    if state is DeliveryState.CLAIMED:
        raise InvalidValueError("outcome must end a claim, was CLAIMED")
    if unknown := set(changes) - OUTCOME:
        raise InvalidValueError(f"changes must be among {sorted(OUTCOME)}, were {sorted(unknown)}")


def require_settlement(state: DeliveryState) -> None:
    """Raise InvalidValueError if `settle` cannot record this."""
    if state not in {DeliveryState.DELIVERED, DeliveryState.FAILED}:
        raise InvalidValueError(f"settlement must be DELIVERED or FAILED, was {state}")


class SubscriptionRepository(Protocol):
    """Who wants what."""

    def matching(self, symbol: str) -> list[Subscription]:
        """Return the subscriptions that name `symbol` or all symbols."""
        ...

    def put(self, subscription: Subscription) -> None:
        """Store or replace a subscription."""
        ...

    def of_account(self, account_id: str) -> list[Subscription]:
        """Return the subscriptions of an account, in order of their ids."""
        ...

    def one(self, account_id: str, subscription_id: str) -> Subscription | None:
        """Return this subscription if this account has it."""
        ...

    def remove(self, account_id: str, subscription_id: str) -> bool:
        """Remove this subscription; return False if this account does not have it."""
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

    def one(self, signal_id: str, delivery_id: str) -> Delivery | None:
        """Return this delivery, or None."""
        ...

    def due(self, partition: str, now: datetime, limit: int) -> list[Delivery]:
        """Return at most `limit` deliveries that waited until `now` (`planning.due_partition`), longest first."""
        ...

    def release(self, delivery: Delivery) -> bool:
        """Let the delivery wait no more; return False, changing nothing, if it waits for another moment or for none."""
        ...

    def replan(self, delivery: Delivery, planned: Delivery) -> bool:
        """Give a delivery that is due the subscription, recipient, moment and wait of `planned`; return False, changing
        nothing, if it is queued no more, waits no more, or was planned anew."""
        ...

    def forget_recipient(self, account_id: str, limit: int) -> int:
        """Erase where the account's deliveries went and what was said of it, `limit` of them at most, and keep those
        that are still queued from being sent; return how many were erased now."""
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

    def put_account(self, account: Account) -> None:
        """Store or replace an account."""
        ...

    def put_key(self, key: ApiKey) -> None:
        """Store or replace a key."""
        ...

    def switch_mail(self, account_id: str, *, off: bool) -> None:
        """Let an account get no mail at its own address, or get it again; one that is not there stays so."""
        ...

    def keys_of(self, account_id: str) -> list[ApiKey]:
        """Return the keys of an account, in order of their prefixes; one made this second may be missing."""
        ...

    def remove_key(self, key_hash: str) -> None:
        """Remove a key, known or not."""
        ...

    def claim_email(self, email: str, account_id: str) -> str:
        """Return the id of the account that `email` signs in to: `account_id` from now on, if there was none."""
        ...

    def remove_account(self, account: Account) -> None:
        """Remove an account, known or not, the claim of its address, and the places it took."""
        ...

    def room(self, account_id: str, kind: Limited) -> Room:
        """Return the places that an account has taken of what a tier limits; read consistently."""
        ...

    def keep_room(self, account_id: str, kind: Limited, room: Room) -> bool:
        """Store `room` under its next version; return False, changing nothing, if it was changed since it was read."""
        ...


class ChannelSender(Protocol):
    """Sends messages by one channel."""

    def send(self, message: Message, recipient: str, delivery_id: str) -> str:
        """Send one message and return the service's id for it.

        Raises ChannelUnavailableError (try again) or RecipientRejectedError (do not).
        """
        ...


class ConnectionPoster(Protocol):
    """Posts to WebSocket connections."""

    def post(self, connection_id: str, message: Mapping[str, Any]) -> None:
        """Send one JSON message. Raises RecipientRejectedError if the connection is gone."""
        ...
