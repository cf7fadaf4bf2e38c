"""Accounts and their keys in DynamoDB."""

from dataclasses import asdict

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute

from signalbox.adapters.storage.attributes import WordAttribute
from signalbox.adapters.storage.dynamo import Table
from signalbox.domain.accounts.account import Account, ApiKey, Tier


class AccountItem(Table):
    """One account."""

    class Meta:
        table_name = ""

    setting = "ACCOUNTS_TABLE"
    account_id = UnicodeAttribute(hash_key=True)
    tier = WordAttribute(Tier)
    email = UnicodeAttribute(null=True)


class KeyItem(Table):
    """One API key, found by the hash of its text."""

    class Meta:
        table_name = ""

    setting = "KEYS_TABLE"
    key_hash = UnicodeAttribute(hash_key=True)
    account_id = UnicodeAttribute()
    prefix = UnicodeAttribute()
    tier = WordAttribute(Tier)
    revoked = BooleanAttribute()


class DynamoAccountRepository:
    """Implements `ports.AccountRepository`."""

    def put(self, account: Account, key: ApiKey) -> None:
        """Store an account and one key of it, the account first: there is never a key without one."""
        AccountItem(**asdict(account)).save()
        KeyItem(**asdict(key)).save()

    def account(self, account_id: str) -> Account | None:
        """Return the account, or None."""
        values = AccountItem.fetch(account_id=account_id)
        return None if values is None else Account(**values)

    def key(self, key_hash: str) -> ApiKey | None:
        """Return the key with this hash, or None; read consistently, so that a revoked key is revoked at once."""
        values = KeyItem.fetch(key_hash=key_hash)
        return None if values is None else ApiKey(**values)
