"""An account's own affairs: its keys, its tokens, its end."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from signalbox.domain.accounts.account import Account, ApiKey, Scope, Tier
from signalbox.domain.accounts.room import Limited
from signalbox.domain.accounts.tokens import WEBSOCKET_LIFE, Audience, SignedToken, hash_text, sign
from signalbox.domain.alerts.firing import topic_of
from signalbox.domain.delivery.topics import deliveries_topic
from signalbox.domain.errors import LimitReachedError
from signalbox.ports.alerts import AlertRepository
from signalbox.ports.delivery import AccountRepository, DeliveryRepository, SubscriptionRepository
from signalbox.ports.devices import DeviceRepository, PushPlatform
from signalbox.ports.topics import FollowerRepository, TopicWriter
from signalbox.services.devices import remove_device
from signalbox.services.room import give_back, take_place

KEY_OVERLAP = timedelta(hours=24)
"""How long a key that was rotated stays good beside its successor."""
ERASED_AT_ONCE = 1_000
"""How many deliveries one call of `erase` can go through before the gateway gives up waiting."""

Randomness = Callable[[int], str]
"""Returns URL-safe text made of so many random bytes."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made: `text` is shown once and stored nowhere."""

    text: str
    key: ApiKey


def make_key(
    account: Account,
    *,
    scopes: frozenset[Scope],
    label: str = "",
    expires_at: datetime | None = None,
    accounts: AccountRepository,
    now: datetime,
    randomness: Randomness = secrets.token_urlsafe,
) -> NewKey:
    """Give an account one more key. Keys that are over make room.

    Raises LimitReachedError if the tier gives no more, also if others asked for the last one at the same moment.
    """
    most = account.tier.terms.keys
    made = _made(account, scopes, randomness, label=label, created_at=now, expires_at=expires_at)
    if not _has_place(made.key, most, accounts, now):
        raise LimitReachedError(f"tier {account.tier} has at most {most} keys; revoke one first")
    accounts.put_key(made.key)
    return made


def _has_place(new: ApiKey, most: int, accounts: AccountRepository, now: datetime) -> bool:
    """Take one of `most` places for a new key; keys that are over give theirs back."""

    def good_keys() -> list[str]:
        keys = accounts.keys_of(new.account_id)
        for over in keys:
            if not over.is_good(now):
                _remove_key(over, accounts)
        return [key.key_hash for key in keys if key.is_good(now)]

    return take_place(
        new.account_id, Limited.KEYS, new.key_hash, most=most, there=good_keys, accounts=accounts, now=now
    )


def revoke_key(key: ApiKey, *, accounts: AccountRepository, connections: FollowerRepository) -> None:
    """Remove a key, known or not: from then on it opens nothing (`memory.REVOCATION_BOUND`), and what it opened is told
    no more. It goes last, so that a call that died half way can be made again."""
    accounts.put_key(replace(key, revoked=True))
    connections.remove_of(key.account_id, key.key_hash)
    _remove_key(key, accounts)


def _remove_key(key: ApiKey, accounts: AccountRepository) -> None:
    accounts.remove_key(key.key_hash)
    give_back(key.account_id, Limited.KEYS, key.key_hash, accounts=accounts)


def find_key(account_id: str, prefix: str, *, accounts: AccountRepository) -> ApiKey | None:
    """Return the key of this account that begins with `prefix`, good or not, or None."""
    return next((key for key in accounts.keys_of(account_id) if key.prefix == prefix), None)


def rotate_key(
    account: Account,
    key: ApiKey,
    *,
    accounts: AccountRepository,
    now: datetime,
    randomness: Randomness = secrets.token_urlsafe,
) -> NewKey:
    """Give `key` a successor with its scopes, label and life; the old one stays good for `KEY_OVERLAP` at most.

    The successor is stored first: a call that dies half way leaves two good keys, not none. Raises LimitReachedError if
    as many keys wait for their end as the tier gives.
    """
    life = key.expires_at - key.created_at if key.expires_at and key.created_at else None
    ends = now + life if life else None
    successor = _made(account, key.scopes, randomness, label=key.label, created_at=now, expires_at=ends)
    if not _has_place(successor.key, 2 * account.tier.terms.keys, accounts, now):
        raise LimitReachedError(f"tier {account.tier} rotates at most {account.tier.terms.keys} keys a day")
    accounts.put_key(successor.key)
    until = min(now + KEY_OVERLAP, key.expires_at or now + KEY_OVERLAP)
    accounts.put_key(replace(key, expires_at=until))
    return successor


def websocket_token(
    account: Account,
    scopes: frozenset[Scope],
    *,
    key_hash: str = "",
    secret: bytes,
    now: datetime,
    randomness: Randomness = secrets.token_urlsafe,
) -> tuple[str, datetime]:
    """Return a token that opens one WebSocket connection within `WEBSOCKET_LIFE`, and when it is over. `key_hash` names
    the key it is asked for with, if it is one: without that key it opens nothing."""
    token = SignedToken(
        audience=Audience.WEBSOCKET,
        account_id=account.account_id,
        token_id=randomness(12),
        expires_at=now + WEBSOCKET_LIFE,
        scopes=scopes,
        subject=key_hash,
    )
    return sign(token, secret), token.expires_at


def change_tier(
    account: Account,
    tier: Tier,
    *,
    accounts: AccountRepository,
    subscriptions: SubscriptionRepository,
    connections: FollowerRepository,
) -> Account:
    """Give an account, and what it subscribed to, another tier; who is connected by the old one must connect again."""
    changed = replace(account, tier=tier)
    accounts.put_account(changed)
    for subscription in subscriptions.of_account(account.account_id):
        subscriptions.put(replace(subscription, tier=tier))
    if tier is not account.tier:
        connections.remove_of(account.account_id)
    return changed


def erase(
    account: Account,
    *,
    accounts: AccountRepository,
    subscriptions: SubscriptionRepository,
    deliveries: DeliveryRepository,
    alerts: AlertRepository,
    topics: TopicWriter,
    connections: FollowerRepository,
    devices: DeviceRepository,
    platform: PushPlatform | None,
) -> bool:
    """Erase what we know of a person; return False if there is more than one call can do: then call again.

    The account goes last, so that whoever may ask for this may ask again. What remains in the tables says nothing of
    anybody: that a random id was sent this or that, until deliveries age out. `docs/operations.md` names what copies
    of a note or an address pass by themselves, and when.
    """
    for subscription in subscriptions.of_account(account.account_id):
        subscriptions.remove(account.account_id, subscription.subscription_id)
    for alert in alerts.of_account(account.account_id):
        alerts.remove(account.account_id, alert.alert_id)
    # After the alerts: what is gone fires no more. Their notes are in the topic.
    for topic in (topic_of(account.account_id), deliveries_topic(account.account_id)):
        topics.forget(topic)
    for device in devices.of_account(account.account_id):
        remove_device(account.account_id, device.device_id, accounts=accounts, devices=devices, platform=platform)
    if deliveries.forget_recipient(account.account_id, ERASED_AT_ONCE) == ERASED_AT_ONCE:
        return False
    for key in accounts.keys_of(account.account_id):
        accounts.remove_key(key.key_hash)
    accounts.remove_account(account)
    connections.remove_of(account.account_id)
    return True


def _made(account: Account, scopes: frozenset[Scope], randomness: Randomness, **told: Any) -> NewKey:
    """Return a new key, which begins with letters that tell it apart and nothing else."""
    prefix = f"sbx_{hash_text(randomness(16))[:8]}"
    text = f"{prefix}_{randomness(32)}"
    return NewKey(text, ApiKey(hash_text(text), account.account_id, prefix, account.tier, scopes=scopes, **told))
