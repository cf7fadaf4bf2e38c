"""Tokens: short texts that prove something once or for a while.

A *signed* token carries what it says, under an HMAC: sessions of pages, WebSocket connections, unsubscribe links. A
*one-time* token is a random text that was mailed; only its hash is stored, and taking it removes it.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest, digest
from typing import Any

from signalbox.domain.accounts.account import Scope
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import from_ms, to_ms

PREFIX = "sbt_"
"""How every signed token begins; no API key does."""
SESSION_LIFE = timedelta(hours=1)
WEBSOCKET_LIFE = timedelta(seconds=60)
"""From asking for a token to connecting with it; the connection may last longer."""
UNSUBSCRIBE_LIFE = timedelta(days=400)
"""A mail's link must work as long as anybody keeps the mail."""
MAILED_LIFE = timedelta(minutes=15)
"""How long a mailed one-time link is good."""
_LONGEST = 1024


class Audience(StrEnum):
    """What a signed token is for; one for another purpose is no token."""

    SESSION = "session"
    WEBSOCKET = "websocket"
    UNSUBSCRIBE = "unsubscribe"


class Purpose(StrEnum):
    """What a one-time token proves."""

    SIGN_IN = "sign-in"
    CONFIRM_EMAIL = "confirm-email"
    CONNECT = "connect"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedToken:
    """What a signed token says. `subject` is the subscription that an unsubscribe token is for, or the hash of the key
    that a WebSocket token was asked for with, else empty."""

    audience: Audience
    account_id: str
    token_id: str
    expires_at: datetime
    scopes: frozenset[Scope] = frozenset()
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OneTimeToken:
    """A one-time token as stored. `subject` is the e-mail address, or the subscription, that it is about."""

    token_hash: str
    purpose: Purpose
    account_id: str
    subject: str
    expires_at: datetime


def hash_text(text: str) -> str:
    """Return what is stored of a secret text: its SHA-256, in hex.

    The texts are random and long, so a slow hash would add nothing.
    """
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def sign(token: SignedToken, secret: bytes) -> str:
    """Return the text of `token`: URL-safe, `sbt_<what it says>.<signature>`."""
    body = json.dumps(
        {
            "aud": token.audience,
            "sub": token.account_id,
            "jti": token.token_id,
            "exp": to_ms(token.expires_at),
            "scp": sorted(token.scopes),
            "for": token.subject,
        },
        separators=(",", ":"),
    )
    encoded = _encode(body.encode())
    return f"{PREFIX}{encoded}.{_signature(encoded, secret)}"


def read(text: str, secret: bytes, *, audience: Audience, now: datetime) -> SignedToken:
    """Return what a signed token says.

    Raises
    ------
    InvalidValueError
        If it was not signed with `secret`, is for another audience, or is over. The message does not say which.
    """
    encoded, _, signature = text.removeprefix(PREFIX).partition(".")
    refusal = InvalidValueError(f"token must be a current one for {audience}, was not")
    if len(text) > _LONGEST or not text.startswith(PREFIX):
        raise refusal
    # Compared as text: a signature has one spelling. Only what was signed is decoded.
    if not compare_digest(signature.encode("utf-8", "replace"), _signature(encoded, secret).encode()):
        raise refusal
    token = _token(json.loads(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))))
    if token.audience is not audience or now >= token.expires_at:
        raise refusal
    return token


def _token(said: dict[str, Any]) -> SignedToken:
    return SignedToken(
        audience=Audience(said["aud"]),
        account_id=said["sub"],
        token_id=said["jti"],
        expires_at=from_ms(said["exp"]),
        scopes=frozenset(map(Scope, said["scp"])),
        subject=said["for"],
    )


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _signature(encoded: str, secret: bytes) -> str:
    return _encode(digest(secret, b"signalbox token\0" + encoded.encode("utf-8", "replace"), sha256))
