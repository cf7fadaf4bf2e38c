"""Accounts, subscriptions and deliveries in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Lock
from typing import Any

from signalbox.domain.accounts.account import Account, ApiKey
from signalbox.domain.accounts.room import Limited, Room
from signalbox.domain.delivery.delivery import LEASE, NO_RECIPIENT, Delivery, DeliveryState, Subscription
from signalbox.domain.delivery.message import Envelope, Message, Outcome
from signalbox.domain.delivery.planning import due_partition
from signalbox.domain.errors import ChannelUnavailableError, RecipientRejectedError
from signalbox.ports.delivery import require_outcome, require_settlement
from tests.fakes.storing import add_once


class InMemorySubscriptions:
    """`ports.SubscriptionRepository`."""

    def __init__(self, *subscriptions: Subscription) -> None:
        self.stored = {each.subscription_id: each for each in subscriptions}

    def matching(self, symbol: str) -> list[Subscription]:
        found = [each for each in self.stored.values() if not each.symbols or symbol in each.symbols]
        return sorted(found, key=lambda each: each.subscription_id)

    def put(self, subscription: Subscription) -> None:
        self.stored[subscription.subscription_id] = subscription

    def of_account(self, account_id: str) -> list[Subscription]:
        return sorted(
            (each for each in self.stored.values() if each.account_id == account_id),
            key=lambda each: each.subscription_id,
        )

    def one(self, account_id: str, subscription_id: str) -> Subscription | None:
        found = self.stored.get(subscription_id)
        return found if found is not None and found.account_id == account_id else None

    def remove(self, account_id: str, subscription_id: str) -> bool:
        return self.one(account_id, subscription_id) is not None and bool(self.stored.pop(subscription_id))


class InMemoryDeliveries:
    """`ports.DeliveryRepository`."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, str], Delivery] = {}
        self._lock = Lock()  # workers claim and finish several at once

    def add(self, delivery: Delivery) -> bool:
        return add_once(self.stored, (delivery.signal_id, delivery.delivery_id), delivery)

    def claim(self, signal_id: str, delivery_id: str, now: datetime) -> Delivery | None:
        with self._lock:
            stored = self.stored.get((signal_id, delivery_id))
            if stored is None:
                return None
            lapsed = (
                stored.state is DeliveryState.CLAIMED and stored.lease_until is not None and stored.lease_until <= now
            )
            if stored.state is not DeliveryState.QUEUED and not lapsed:
                return None
            claimed = replace(
                stored,
                state=DeliveryState.CLAIMED,
                lease_until=now + LEASE,
                attempts=stored.attempts + 1,
                interrupted=stored.interrupted + lapsed,
            )
            self.stored[signal_id, delivery_id] = claimed
            return claimed

    def finish(self, delivery: Delivery, state: DeliveryState, now: datetime, **changes: Any) -> bool:
        require_outcome(state, changes)
        with self._lock:
            key = (delivery.signal_id, delivery.delivery_id)
            stored = self.stored.get(key)
            if stored is None or (stored.state, stored.attempts) != (DeliveryState.CLAIMED, delivery.attempts):
                return False
            accepted_at = now if state is DeliveryState.ACCEPTED else stored.accepted_at
            changes = {"reason": None} | changes
            self.stored[key] = replace(stored, state=state, lease_until=None, accepted_at=accepted_at, **changes)
            return True

    def of_signal(self, signal_id: str) -> list[Delivery]:
        return [self.stored[key] for key in sorted(self.stored) if key[0] == signal_id]

    def one(self, signal_id: str, delivery_id: str) -> Delivery | None:
        return self.stored.get((signal_id, delivery_id))

    def due(self, partition: str, now: datetime, limit: int) -> list[Delivery]:
        waiting = [each for each in self.stored.values() if each.due_at is not None and each.due_at <= now]
        found = [each for each in waiting if due_partition(each.account_id) == partition]
        return sorted(found, key=lambda each: each.due_at or now)[:limit]

    def release(self, delivery: Delivery) -> bool:
        return self._while_waiting(delivery, due_at=None)

    def replan(self, delivery: Delivery, planned: Delivery) -> bool:
        plan = {name: getattr(planned, name) for name in ("subscription_id", "recipient", "due_at", "wait")}
        stored = self.one(delivery.signal_id, delivery.delivery_id)
        queued = stored is not None and stored.state is DeliveryState.QUEUED
        return queued and self._while_waiting(delivery, **plan)

    def of_service(self, service_id: str) -> list[Delivery]:
        return [each for each in self.stored.values() if each.service_id == service_id]

    def settle(self, delivery: Delivery, state: DeliveryState, reason: str | None = None) -> bool:
        require_settlement(state)
        key = (delivery.signal_id, delivery.delivery_id)
        known = self.stored[key].state
        late = state is DeliveryState.FAILED and known is DeliveryState.DELIVERED
        if known is not DeliveryState.ACCEPTED and not late:
            return False
        self.stored[key] = replace(self.stored[key], state=state, reason=reason)
        return True

    def of_account(
        self, account_id: str, since: datetime, until: datetime, signal_id: str | None = None
    ) -> Iterator[Delivery]:
        mine = [
            each
            for each in self.stored.values()
            if each.account_id == account_id and since <= each.queued_at < until and signal_id in (None, each.signal_id)
        ]
        yield from sorted(mine, key=lambda each: (each.queued_at, each.delivery_id), reverse=True)

    def forget_recipient(self, account_id: str, limit: int) -> int:
        mine = [
            (key, each)
            for key, each in self.stored.items()
            if each.account_id == account_id and each.recipient != NO_RECIPIENT
        ][:limit]
        for key, each in mine:
            stopped: dict[str, Any] = {"state": DeliveryState.SUPPRESSED, "reason": "erased", "due_at": None}
            changes = stopped if each.state is DeliveryState.QUEUED else {"reason": None}
            self.stored[key] = replace(each, recipient=NO_RECIPIENT, **changes)
        return len(mine)

    def _while_waiting(self, delivery: Delivery, **changes: Any) -> bool:
        stored = self.one(delivery.signal_id, delivery.delivery_id)
        if stored is None or stored.due_at is None or stored.due_at != delivery.due_at:
            return False
        self.stored[delivery.signal_id, delivery.delivery_id] = replace(stored, **changes)
        return True


class InMemoryAccounts:
    """`ports.AccountRepository`."""

    def __init__(self) -> None:
        self.claims: dict[str, str] = {}
        self.accounts: dict[str, Account] = {}
        self.keys: dict[str, ApiKey] = {}
        self.rooms: dict[tuple[str, Limited], Room] = {}
        self._lock = Lock()

    def put(self, account: Account, key: ApiKey) -> None:
        self.accounts[account.account_id] = account
        self.keys[key.key_hash] = key

    def account(self, account_id: str) -> Account | None:
        return self.accounts.get(account_id)

    def key(self, key_hash: str) -> ApiKey | None:
        return self.keys.get(key_hash)

    def put_account(self, account: Account) -> None:
        self.accounts[account.account_id] = account

    def switch_mail(self, account_id: str, *, off: bool) -> None:
        if account_id in self.accounts:
            self.accounts[account_id] = replace(self.accounts[account_id], mail_off=off)

    def put_key(self, key: ApiKey) -> None:
        self.keys[key.key_hash] = key

    def keys_of(self, account_id: str) -> list[ApiKey]:
        return sorted((key for key in self.keys.values() if key.account_id == account_id), key=lambda key: key.prefix)

    def remove_key(self, key_hash: str) -> None:
        self.keys.pop(key_hash, None)

    def claim_email(self, email: str, account_id: str) -> str:
        return self.claims.setdefault(email, account_id)

    def remove_account(self, account: Account) -> None:
        self.accounts.pop(account.account_id, None)
        self.claims.pop(account.email or "", None)
        for kind in Limited:
            self.rooms.pop((account.account_id, kind), None)

    def room(self, account_id: str, kind: Limited) -> Room:
        return self.rooms.get((account_id, kind), Room())

    def keep_room(self, account_id: str, kind: Limited, room: Room) -> bool:
        with self._lock:
            if self.room(account_id, kind).version != room.version:
                return False
            self.rooms[account_id, kind] = replace(room, version=room.version + 1)
            return True


@dataclass
class RecordingSender:
    """`ports.ChannelSender` and `ports.BatchSender`: keeps what was sent, or fails by the next of `errors`."""

    sent: list[tuple[Message, str, str]] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)

    def send(self, message: Message, recipient: str, delivery_id: str) -> str:
        if self.errors:
            raise self.errors.pop(0)
        self.sent.append((message, recipient, delivery_id))
        return f"service-{len(self.sent)}"

    def send_all(self, envelopes: Sequence[Envelope]) -> list[Outcome]:
        return [self._outcome(envelope) for envelope in envelopes]

    def _outcome(self, envelope: Envelope) -> Outcome:
        try:
            return self.send(envelope.message, envelope.recipient, envelope.delivery_id)
        except (ChannelUnavailableError, RecipientRejectedError) as e:
            return e
