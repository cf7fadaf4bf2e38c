"""The keys by which signals are ordered: texts that sort as what they stand for.

The null strategy's signals have the same keys behind a prefix of their own. Every range of the others ends before it,
so that no question reads a coin flip unless it asks for it, whichever index answers.
"""

import struct
from datetime import datetime, timedelta
from zlib import crc32

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.history.filters import Sort
from signalbox.domain.instants import EPOCH, to_iso
from signalbox.domain.signals.identity import SignalKey
from signalbox.domain.signals.signal import NULL_STRATEGY, Signal

NULL_SPACE = f"{NULL_STRATEGY}#"
"""What the keys of the null strategy's signals begin with; all others begin with a digit or a letter up to f."""


def space_of(strategy: str) -> str:
    """Return the prefix of the keys of a strategy's signals."""
    return NULL_SPACE if strategy == NULL_STRATEGY else ""


def created_key(key: SignalKey) -> str:
    """Return the sort key that a signal is stored under: `created_at#signal_id`."""
    return space_of(key.strategy) + key.sort_key


def without_space(key: str) -> str:
    """Return a sort key as it would be if there were no spaces: what pages of several spaces are ordered by."""
    return key.removeprefix(NULL_SPACE)


def number_key(value: float) -> str:
    """Return 16 hexadecimal digits that sort as numbers do and lose nothing.

    Raises
    ------
    InvalidValueError
        If `value` is negative or NaN: such numbers do not sort so.
    """
    if not value >= 0:
        raise InvalidValueError(f"a number to sort by must be at least 0, was {value}")
    return struct.pack(">d", value + 0.0).hex()


def quality_key(signal: Signal) -> str:
    """Return where a signal stands by quality: `quality#created_key`."""
    return f"{space_of(signal.strategy)}{number_key(signal.quality_score)}#{signal.key.sort_key}"


def confidence_key(signal: Signal) -> str | None:
    """Return where a signal stands by confidence, None if it has none."""
    if signal.confidence is None:
        return None
    return f"{space_of(signal.strategy)}{number_key(signal.confidence)}#{signal.key.sort_key}"


def order_key(signal: Signal, sort: Sort) -> str | None:
    """Return the text by which a signal is ordered among all others, None if it has no place in this order."""
    if sort is Sort.CREATED:
        return signal.key.sort_key
    key = quality_key(signal) if sort is Sort.QUALITY else confidence_key(signal)
    return None if key is None else without_space(key)


def key_bound(moment: datetime) -> str:
    """Return the text that keys of signals created at or after `moment` are not below.

    Signals are created at whole seconds, so a fraction rounds up.
    """
    seconds = -((EPOCH - moment) // timedelta(seconds=1))
    return to_iso(EPOCH + timedelta(seconds=seconds))


def feed_buckets(month: str) -> int:  # noqa: ARG001 - a month keeps the number it was written with
    """Return over how many partitions the signals of `month` ("2024-01") are spread: 1 up to 500 symbols."""
    return 1


def feed_partition(symbol: str, created_at: datetime) -> str:
    """Return the partition of the feed (`month#bucket`) that a signal lies in."""
    month = to_iso(created_at)[:7]
    return f"{month}#{crc32(symbol.encode()) % feed_buckets(month)}"
