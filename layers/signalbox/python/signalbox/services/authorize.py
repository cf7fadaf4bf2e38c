"""Who asks: the account behind an API key or a signed token, or nobody in particular."""

from dataclasses import dataclass
from datetime import datetime

from signalbox.domain.accounts.account import NOBODY, Account, ApiKey, Caller, Scope
from signalbox.domain.accounts.memory import Memory
from signalbox.domain.accounts.tokens import PREFIX, Audience, OneTimeToken, Purpose, SignedToken, hash_text, read
from signalbox.domain.errors import InvalidValueError
from signalbox.ports.access import OneTimeTokenRepository
from signalbox.ports.delivery import AccountRepository

hash_key = hash_text


@dataclass(frozen=True, slots=True)
class Authorizer:
    """Says who asks. An account that is gone opens nothing, whatever key or token names it.

    Parameters
    ----------
    accounts : AccountRepository
    tokens : OneTimeTokenRepository
        Where tokens that are good once are marked as used.
    secret : bytes
        What signed tokens are signed with.
    keys, known : Memory
        What this worker remembers of keys, by hash, and of accounts, by id.
    """

    accounts: AccountRepository
    tokens: OneTimeTokenRepository
    secret: bytes
    keys: Memory[ApiKey]
    known: Memory[Account]

    def rest(self, credential: str | None, now: datetime) -> Caller | None:
        """Return who asks by REST: nobody in particular without a credential, None for one that is not good."""
        if not credential:
            return NOBODY
        if not credential.startswith(PREFIX):
            return self._by_key(credential, now)
        token = self._token(credential, Audience.SESSION, now)
        return None if token is None else self._of(token.account_id, token.scopes, "", now)

    def websocket(self, credential: str | None, now: datetime) -> Caller | None:
        """Return who connects, or None: nobody may without a credential that reads.

        A signed token is good for one connection: it stands in an address, which logs and histories keep.
        """
        if not credential:
            return None
        if not credential.startswith(PREFIX):
            caller = self._by_key(credential, now)
            return caller if caller is not None and Scope.READ in caller.scopes else None
        token = self._token(credential, Audience.WEBSOCKET, now)
        if token is None or Scope.READ not in token.scopes:
            return None
        caller = self._of(token.account_id, token.scopes, token.subject, now)
        return caller if caller is not None and self._first_use(token) else None

    def _by_key(self, text: str, now: datetime) -> Caller | None:
        key = self.keys.recall(hash_text(text), now, self.accounts.key)
        if key is None or not key.is_good(now):
            return None
        return self._of(key.account_id, key.scopes, key.key_hash, now)

    def _of(self, account_id: str, scopes: frozenset[Scope], key_hash: str, now: datetime) -> Caller | None:
        account = self.known.recall(account_id, now, self.accounts.account)
        return None if account is None else Caller(account, scopes, key_hash)

    def _token(self, text: str, audience: Audience, now: datetime) -> SignedToken | None:
        try:
            return read(text, self.secret, audience=audience, now=now)
        except InvalidValueError:
            return None

    def _first_use(self, token: SignedToken) -> bool:
        return self.tokens.add(
            OneTimeToken(
                token_hash=hash_text(token.token_id),
                purpose=Purpose.CONNECT,
                account_id=token.account_id,
                subject="",
                expires_at=token.expires_at,
            )
        )
