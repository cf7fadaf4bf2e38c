"""The one place where the failures of exchanges become Signalbox's errors.

ccxt's class of an error is a good guess, but it folds refusals (403, 451) and unknown paths (404) into the same class
as maintenance. So the HTTP status of the failed reply is asked first, ccxt's class second.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from signalbox.adapters.exchanges.ccxt_import import ccxt_errors
from signalbox.domain.errors import (
    ExchangeRefusedError,
    ExchangeReplyError,
    ExchangeUnavailableError,
    RateLimitedError,
    SignalboxError,
    UnknownSymbolError,
)

RATE_LIMIT_SECONDS = 10.0
"""Silence after a 429, or a rate limit told in the body, that does not say how long."""

IP_BAN_SECONDS = 120.0
"""Silence after a 418 that does not say how long: Binance's shortest ban of an address is two minutes."""

LOCKOUT_SECONDS = 900.0
"""Silence after Kraken's `EGeneral:Temporary lockout`, which lasts fifteen minutes."""

FORBIDDEN_RATE_SECONDS = 600.0
"""Silence after Bybit's `403 access too frequent`, which lasts ten minutes."""

LONGEST_BAN_SECONDS = 3 * 86_400.0
"""Binance's longest ban; an exchange that asks for more is asked again after this."""

_BANNED_UNTIL = re.compile(r"banned until (\d{13})")
_TOO_FREQUENT = re.compile(r"too frequent|too many|rate.?limit", re.IGNORECASE)
_UNKNOWN_SYMBOL = re.compile(r'"(?:retMsg|msg)": ?"[^"]*(?:symbol|instrument)|Unknown asset pair', re.IGNORECASE)
_TRY_LATER = re.compile(r"system error|try again later|server error", re.IGNORECASE)
_LONGEST_TEXT = 300


@dataclass(frozen=True, slots=True)
class Reply:
    """What an exchange answered to one request, as HTTP: status, headers, and the body's text."""

    status: int
    headers: Mapping[str, str]
    text: str


def to_signalbox_error(error: Exception, exchange_id: str, reply: Reply | None, now: datetime) -> SignalboxError:
    """Return the error of Signalbox that says what a caller should do about `error`.

    Parameters
    ----------
    error : Exception
        What ccxt raised, or what its reading of a strange reply raised (KeyError, TypeError, ...).
    exchange_id : str
        ccxt's id, for the message.
    reply : Reply or None
        The reply that `error` is about; None if there was none.
    now : datetime
        Aware; what a Retry-After date is counted from.

    Returns
    -------
    SignalboxError
        To be raised `from error`.
    """
    kinds = ccxt_errors()
    status = reply.status if reply else None
    text = f"{error} {reply.text[:_LONGEST_TEXT]}" if reply else str(error)
    message = f"{exchange_id}: {type(error).__name__}: {' '.join(text.split())[:_LONGEST_TEXT]}"

    if _is_rate_limit(error, status, text, kinds):
        return RateLimitedError(message, retry_after_seconds(status, reply.headers if reply else {}, text, now))
    rules: tuple[tuple[bool, type[SignalboxError]], ...] = (
        (
            status in (401, 403, 451) or isinstance(error, (kinds.AuthenticationError, kinds.RestrictedLocation)),
            ExchangeRefusedError,
        ),
        (status is not None and (status >= 500 or status == 408), ExchangeUnavailableError),
        (_is_unknown_symbol(error, text, kinds), UnknownSymbolError),
        (status in (404, 405, 410), ExchangeReplyError),
        (isinstance(error, kinds.NetworkError) or _TRY_LATER.search(text) is not None, ExchangeUnavailableError),
    )
    return next((kind for holds, kind in rules if holds), ExchangeReplyError)(message)


def retry_after_seconds(status: int | None, headers: Mapping[str, str], text: str, now: datetime) -> float:
    """Return how long the exchange wants silence, in seconds, at least 0.

    Read from the Retry-After header (seconds or an HTTP date, any spelling of its name), else from Binance's "banned
    until", else a default by `status` and `text`.
    """
    asked = _header(headers, "retry-after")
    seconds = _parse_retry_after(asked, now) if asked else None
    if seconds is None and (until := _BANNED_UNTIL.search(text)):
        seconds = int(until.group(1)) / 1000 - now.timestamp()
    if seconds is None:
        seconds = _default_seconds(status, text)
    return min(max(seconds, 0.0), LONGEST_BAN_SECONDS)


def _is_rate_limit(error: Exception, status: int | None, text: str, kinds: Any) -> bool:
    if status in (418, 429) or isinstance(error, (kinds.RateLimitExceeded, kinds.DDoSProtection)):
        return True
    return status == 403 and _TOO_FREQUENT.search(text) is not None


def _is_unknown_symbol(error: Exception, text: str, kinds: Any) -> bool:
    """Tell whether the exchange does not list the symbol.

    Bybit has one code for any wrong parameter, and ccxt lacks Kraken's "Unknown asset pair": their words decide.
    """
    if isinstance(error, kinds.BadSymbol):
        return True
    return isinstance(error, kinds.ExchangeError) and _UNKNOWN_SYMBOL.search(text) is not None


def _default_seconds(status: int | None, text: str) -> float:
    if status == 418:
        return IP_BAN_SECONDS
    if status == 403:
        return FORBIDDEN_RATE_SECONDS
    return LOCKOUT_SECONDS if "Temporary lockout" in text else RATE_LIMIT_SECONDS


def _header(headers: Mapping[str, str], name: str) -> str | None:
    return next((value for key, value in headers.items() if key.lower() == name), None)


def _parse_retry_after(asked: str, now: datetime) -> float | None:
    if asked.strip().isdecimal():
        return float(asked)
    try:
        moment = parsedate_to_datetime(asked)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - now).total_seconds()
