"""Texts that people give us: checked once, at the door, so that nothing behind it needs to."""

import re
import unicodedata

from signalbox.domain.errors import InvalidValueError

LONGEST_EMAIL = 254
LONGEST_NAME = 60
_EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)
_ADDRESS = re.compile(r"[^\s<>()\[\]\"',;:]+@[^\s<>()\[\]\"',;:]+")
_MARKUP = frozenset("<>{}\"'`\\")


def checked_email(text: str) -> str:
    """Return an e-mail address in lower case.

    One plain ASCII address: no display name, comment, quoting, list or line break, so that nothing can be added to a
    mail's header through it. Raises InvalidValueError for anything else.
    """
    local = text.partition("@")[0]
    dots = local.startswith(".") or local.endswith(".") or ".." in local
    if len(text) > LONGEST_EMAIL or dots or not _EMAIL.fullmatch(text):
        raise InvalidValueError("must be one plain e-mail address, as ada@example.com")
    return text.lower()


def without_addresses(text: str, but: str = "") -> str:
    """Return a service's free text without e-mail addresses, other than `but`: it may be kept for long."""
    return _ADDRESS.sub(lambda found: found[0] if found[0].rstrip(".") == but else "(address)", text)


def checked_name(text: str, longest: int = LONGEST_NAME) -> str:
    """Return the name that somebody gave to a thing of theirs, with single spaces and in composed form.

    At most `longest` printable characters, and none that means something in HTML, in a template or in a header. Raises
    InvalidValueError otherwise.
    """
    name = " ".join(filter(None, unicodedata.normalize("NFC", text).split(" ")))
    if len(name) > longest or not name.isprintable() or _MARKUP & set(name):
        raise InvalidValueError(f"must be at most {longest} printable characters without {' '.join(sorted(_MARKUP))}")
    return name
