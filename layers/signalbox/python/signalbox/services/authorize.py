"""Who asks: the account behind an API key, or nobody in particular."""

from hashlib import sha256

from signalbox.domain.accounts.account import ANONYMOUS, Account
from signalbox.ports.delivery import AccountRepository


def hash_key(text: str) -> str:
    """Return what is stored of an API key: the SHA-256 of its text, in hex."""
    return sha256(text.encode()).hexdigest()


def authenticate(text: str | None, *, accounts: AccountRepository) -> Account | None:
    """Return the account that the key `text` belongs to, `ANONYMOUS` without a key, None for a key that is not good."""
    if not text:
        return ANONYMOUS
    key = accounts.key(hash_key(text))
    if key is None or key.revoked:
        return None
    return Account(account_id=key.account_id, tier=key.tier)
