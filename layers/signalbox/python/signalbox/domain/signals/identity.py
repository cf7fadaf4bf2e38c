"""Signal ids: the key of a signal, as one URL-safe word.

A signal is (symbol, created_at, strategy, timeframe). Its id is these four, spelled so that it can be read back:
`BTC-USDT~20240105T130000Z~trend_following~1h`. A message handled twice therefore gives the same id twice.
"""

import re
from datetime import UTC, datetime
from typing import NamedTuple

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import to_iso
from signalbox.domain.market.timeframe import Timeframe

_STAMP = "%Y%m%dT%H%M%SZ"
_UNSAFE = re.compile(r"[^A-Za-z0-9/]")
_ESCAPE = re.compile(r"_([0-9A-F]{2,6})_")
_ID = re.compile(r"[A-Za-z0-9_-]{1,80}~\d{8}T\d{6}Z~[a-z0-9_]{1,40}~\d{1,2}[mhd]", re.ASCII)


class SignalKey(NamedTuple):
    """What makes a signal the same signal."""

    symbol: str
    created_at: datetime
    strategy: str
    timeframe: Timeframe

    @property
    def signal_id(self) -> str:
        """The key as one URL-safe word."""
        return "~".join((_escape(self.symbol), f"{self.created_at:{_STAMP}}", self.strategy, self.timeframe))

    @property
    def sort_key(self) -> str:
        """`created_at#signal_id`: sorts the signals of a symbol by time."""
        return f"{to_iso(self.created_at)}#{self.signal_id}"


def decode(signal_id: str) -> SignalKey:
    """Return the key that `signal_id` spells; raise InvalidValueError if it is no signal id."""
    if not _ID.fullmatch(signal_id):
        raise InvalidValueError(
            f"signal_id must look like BTC-USDT~20240105T130000Z~strategy~1h, was {signal_id[:120]!r}"
        )
    escaped, stamp, strategy, timeframe = signal_id.split("~")
    try:
        symbol = _unescape(escaped)
        symbol.encode()  # half a surrogate pair is a character to Python, and to nobody else
        created_at = datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
        key = SignalKey(symbol, created_at, strategy, Timeframe.of(timeframe))
    except (ValueError, OverflowError) as e:
        raise InvalidValueError(f"signal_id must name a moment and a timeframe, was {signal_id!r}") from e
    if key.signal_id != signal_id:
        raise InvalidValueError(f"signal_id must be spelled as {key.signal_id!r}, was {signal_id!r}")
    return key


def _escape(symbol: str) -> str:
    return _UNSAFE.sub(lambda found: f"_{ord(found[0]):02X}_", symbol).replace("/", "-")


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text.replace("-", "/"))
