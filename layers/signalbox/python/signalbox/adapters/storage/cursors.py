"""Cursors: where the next page begins, as one URL-safe word that only we can write or read."""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64Error
from hashlib import sha256
from hmac import compare_digest, digest

from signalbox.domain.errors import InvalidValueError

LOCAL_SECRET = "cursors of a system that was given no CURSOR_SECRET"  # noqa: S105 - for one laptop's own eyes
_SIGNATURE_BYTES = 12
_BLOCK_BYTES = 32
_LONGEST = 512


class Cursors:
    """Writes and reads cursors.

    A page that ends early may end at a signal that its caller must not know of yet, and that is the cursor's position:
    so positions are encrypted, and their lengths rounded up. What may be seen from a position does not depend on the
    cursor; the signature exists to answer a mangled one, or one of another query, with an error instead of a wrong
    page. It is also what makes two key streams differ, so that nothing random is needed and a page comes again with the
    same cursor.

    Parameters
    ----------
    secret : bytes, optional
        What signs and encrypts; `CURSOR_SECRET` from the environment if not given, else a fixed local one.

    References
    ----------
    Rogaway and Shrimpton, "Deterministic authenticated-encryption", 2006: the signature is the synthetic IV.
    """

    def __init__(self, secret: bytes | None = None) -> None:
        self._secret = secret or os.environ.get("CURSOR_SECRET", LOCAL_SECRET).encode()

    def write(self, position: str, scope: str) -> str:
        """Return the cursor for `position` (a sort key) in the pages of one query, which `scope` identifies."""
        plain = position.encode()
        body = plain.ljust(-(-len(plain) // _BLOCK_BYTES) * _BLOCK_BYTES, b"\0")
        signature = self._sign(body, scope)
        return self._spell(signature + self._crypt(body, signature))

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
        signature = raw[:_SIGNATURE_BYTES]
        body = self._crypt(raw[_SIGNATURE_BYTES:], signature)
        if not compare_digest(signature, self._sign(body, scope)) or self._spell(raw) != cursor:
            raise InvalidValueError(f"cursor must be one that this query's previous page gave, was {cursor[:80]!r}")
        return body.rstrip(b"\0").decode()

    @staticmethod
    def _spell(raw: bytes) -> str:
        return urlsafe_b64encode(raw).decode().rstrip("=")

    def _crypt(self, text: bytes, signature: bytes) -> bytes:
        """Return `text` encrypted, or decrypted if it was: a key stream of HMACs over the signature and a counter."""
        # No scope begins with a zero byte, so no signature is ever part of a key stream.
        blocks = range(-(-len(text) // _BLOCK_BYTES))
        stream = b"".join(digest(self._secret, b"\0" + signature + bytes([block]), sha256) for block in blocks)
        return bytes(one ^ other for one, other in zip(text, stream, strict=False))

    def _sign(self, body: bytes, scope: str) -> bytes:
        return digest(self._secret, scope.encode() + b"\0" + body, sha256)[:_SIGNATURE_BYTES]
