"""Cursors: where the next page begins, as one opaque URL-safe word that only we can write."""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64Error
from hashlib import sha256
from hmac import compare_digest, digest

from signalbox.domain.errors import InvalidValueError

LOCAL_SECRET = "cursors of a system that was given no CURSOR_SECRET"  # noqa: S105 - protects nothing: see Cursors
_SIGNATURE_BYTES = 12
_LONGEST = 512


class Cursors:
    """Writes and reads cursors.

    A cursor holds a position and says nothing about what may be seen from there, so a forged one gains nothing; the
    signature exists to answer a mangled one, or one of another query, with an error instead of a wrong page.

    Parameters
    ----------
    secret : bytes, optional
        The key of the signature; `CURSOR_SECRET` from the environment if not given, else a fixed local one.
    """

    def __init__(self, secret: bytes | None = None) -> None:
        self._secret = secret or os.environ.get("CURSOR_SECRET", LOCAL_SECRET).encode()

    def write(self, position: str, scope: str) -> str:
        """Return the cursor for `position` (a sort key) in the pages of one query, which `scope` identifies."""
        body = position.encode()
        return urlsafe_b64encode(self._sign(body, scope) + body).decode().rstrip("=")

    def read(self, cursor: str, scope: str) -> str:
        """Return the position that `cursor` holds; raise InvalidValueError if it was not written for `scope`."""
        try:
            raw = (
                urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
                if len(cursor) <= _LONGEST
                else b""
            )
        except (UnicodeEncodeError, NotBase64Error):
            raw = b""
        signature, body = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not compare_digest(signature, self._sign(body, scope)) or self._respell(raw) != cursor:
            raise InvalidValueError(f"cursor must be one that this query's previous page gave, was {cursor[:80]!r}")
        return body.decode()

    @staticmethod
    def _respell(raw: bytes) -> str:
        return urlsafe_b64encode(raw).decode().rstrip("=")

    def _sign(self, body: bytes, scope: str) -> bytes:
        return digest(self._secret, scope.encode() + b"\0" + body, sha256)[:_SIGNATURE_BYTES]
