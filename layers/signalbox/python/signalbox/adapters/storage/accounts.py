"""Accounts, their keys, and the addresses they sign in by, in DynamoDB.

An address is claimed by an item of its own in the table of accounts, under `email#<hash>`: two first sign-ins at the
same moment get one account. So are the places that an account has taken of what its tier limits, under `room#...`.
"""

from contextlib import suppress
from dataclasses import asdict
from typing import Any

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex

from signalbox.adapters.storage.attributes import (
    CompactJSONAttribute,
    MomentAttribute,
    WholeAttribute,
    WordAttribute,
    WordsAttribute,
)
from signalbox.adapters.storage.dynamo import ConditionFailedError, RawItem, Table
from signalbox.domain.accounts.account import ALL_SCOPES, Account, ApiKey, Scope, Tier
from signalbox.domain.accounts.room import Limited, Room
from signalbox.domain.accounts.tokens import hash_text
from signalbox.domain.instants import from_ms, to_ms


class AccountItem(Table):
    """One account, the claim of one address, or the places that an account took of one kind."""

    class Meta:
        table_name = ""

    setting = "ACCOUNTS_TABLE"
    account_id = UnicodeAttribute(hash_key=True)  # or "email#<hash of the address>", "room#<account>#<kind>"
    tier = WordAttribute(Tier, null=True)
    email = UnicodeAttribute(null=True)
    mail_off = BooleanAttribute(null=True)  # absent in accounts older than the word
    owner = UnicodeAttribute(null=True)  # only of a claim: the account
    version = WholeAttribute(null=True)  # only of a room, like what follows
    taken = CompactJSONAttribute(null=True)  # epoch ms by what the place is for


class ByAccountIndex(GlobalSecondaryIndex["KeyItem"]):  # type: ignore[no-untyped-call] # PynamoDB leaves it untyped
    """Which keys does this account have?"""

    class Meta:
        index_name = "by-account"
        projection = AllProjection()

    account_id = UnicodeAttribute(hash_key=True)
    prefix = UnicodeAttribute(range_key=True)


class KeyItem(Table):
    """One API key, found by the hash of its text."""

    class Meta:
        table_name = ""

    setting = "KEYS_TABLE"
    by_account = ByAccountIndex()

    key_hash = UnicodeAttribute(hash_key=True)
    account_id = UnicodeAttribute()
    prefix = UnicodeAttribute()
    tier = WordAttribute(Tier)
    revoked = BooleanAttribute()
    scopes = WordsAttribute(null=True)  # absent in keys older than scopes, which had all
    label = UnicodeAttribute(null=True)
    created_at = MomentAttribute(null=True)
    expires_at = MomentAttribute(null=True)


class DynamoAccountRepository:
    """Implements `ports.AccountRepository`."""

    def put(self, account: Account, key: ApiKey) -> None:
        """Store an account and one key of it, the account first: there is never a key without one."""
        self.put_account(account)
        self.put_key(key)

    def put_account(self, account: Account) -> None:
        """Store or replace an account."""
        AccountItem(**asdict(account)).save()

    def put_key(self, key: ApiKey) -> None:
        """Store or replace a key."""
        KeyItem(**asdict(key) | {"scopes": sorted(key.scopes)}).save()

    def account(self, account_id: str) -> Account | None:
        """Return the account, or None; read consistently."""
        values = AccountItem.fetch(account_id=account_id)
        if values is None or values["tier"] is None:
            return None
        return Account(values["account_id"], values["tier"], values["email"], bool(values["mail_off"]))

    def switch_mail(self, account_id: str, *, off: bool) -> None:
        """Let an account get no mail at its own address, or get it again; one that is not there stays so."""
        with suppress(ConditionFailedError):
            AccountItem(account_id).update([AccountItem.mail_off.set(off)], AccountItem.tier.exists())

    def key(self, key_hash: str) -> ApiKey | None:
        """Return the key with this hash, or None; read consistently."""
        values = KeyItem.fetch(key_hash=key_hash)
        return None if values is None else _key_of(values)

    def keys_of(self, account_id: str) -> list[ApiKey]:
        """Return the keys of an account, in order of their prefixes."""
        pages = KeyItem.query_raw("#account_id = :account", {":account": {"S": account_id}}, IndexName="by-account")
        items: list[RawItem] = [raw for page in pages for raw in page]
        return [_key_of(KeyItem.values(raw)) for raw in items]

    def remove_key(self, key_hash: str) -> None:
        """Remove a key, known or not."""
        KeyItem(key_hash).delete()

    def claim_email(self, email: str, account_id: str) -> str:
        """Return the id of the account that `email` signs in to: `account_id` from now on, if there was none."""
        claim = _claim(email)
        if AccountItem(claim, owner=account_id).put_new():
            return account_id
        values = AccountItem.fetch(account_id=claim)
        # None if the address was given up between the two calls: then it is claimed by nobody, and the next try wins.
        return account_id if values is None else str(values["owner"])

    def remove_account(self, account: Account) -> None:
        """Remove an account, known or not, the claim of its address, and the places it took; the account first."""
        AccountItem(account.account_id).delete()
        if account.email:
            AccountItem(_claim(account.email)).delete()
        for kind in Limited:
            AccountItem(_room(account.account_id, kind)).delete()

    def room(self, account_id: str, kind: Limited) -> Room:
        """Return the places that an account has taken of what a tier limits; read consistently."""
        values = AccountItem.fetch(account_id=_room(account_id, kind))
        if values is None:
            return Room()
        return Room(values["version"], {name: from_ms(at) for name, at in values["taken"].items()})

    def keep_room(self, account_id: str, kind: Limited, room: Room) -> bool:
        """Store `room` under its next version; return False, changing nothing, if it was changed since it was read."""
        taken = {name: to_ms(at) for name, at in room.taken.items()}
        item = AccountItem(_room(account_id, kind), version=room.version + 1, taken=taken)
        known = AccountItem.version == room.version if room.version else AccountItem.account_id.does_not_exist()
        try:
            item.save(known)
        except ConditionFailedError:
            return False
        return True


def _claim(email: str) -> str:
    return f"email#{hash_text(email)}"


def _room(account_id: str, kind: Limited) -> str:
    return f"room#{account_id}#{kind}"


def _key_of(values: dict[str, Any]) -> ApiKey:
    scopes = values["scopes"]
    known = ALL_SCOPES if scopes is None else frozenset(map(Scope, scopes))
    return ApiKey(**values | {"scopes": known, "label": values["label"] or ""})
