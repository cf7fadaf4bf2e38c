"""Which symbols to watch: the largest by quote volume, or a fixed list. Nobody who joined ever leaves the record."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime
from zlib import crc32

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.universe.universe import Member, Universe

BUCKET_SYMBOLS = 100
"""Symbols per bucket: one candle of so many fits three write units."""

PEGGED = frozenset(
    {"USDC", "USDT", "FDUSD", "TUSD", "DAI", "BUSD", "USDP", "USDE", "USD1", "PYUSD", "EUR", "EURI", "AEUR"}
)
"""Bases that follow a currency: their candles move by basis points and their signals mean nothing."""


def choose_symbols(volumes: Mapping[str, float], quote_currency: str, size: int) -> list[str]:
    """Return the `size` symbols of `quote_currency` with the largest 24 h quote volume, largest first."""
    eligible = [
        symbol for symbol in volumes if symbol.endswith(f"/{quote_currency}") and symbol.partition("/")[0] not in PEGGED
    ]
    return sorted(eligible, key=lambda symbol: (-volumes[symbol], symbol))[:size]


def next_universe(
    before: Universe | None, chosen: Sequence[str], listings: Mapping[str, Set[str]], since: datetime
) -> Universe:
    """Return the universe from `since` on.

    Parameters
    ----------
    before : Universe or None
        The version in force until then.
    chosen : sequence of str
        The symbols to watch.
    listings : mapping of str to set of str
        What each exchange that answered trades now, in order of preference: the first that lists a new symbol becomes
        its home. A member whose home answered without it is no longer listed.
    since : datetime
        When the new version begins.

    Returns
    -------
    Universe
        Members keep their home exchange and bucket for good, as their candles lie there; new ones join the first
        bucket with room.

    Raises
    ------
    InvalidValueError
        If two symbols share the checksum by which candle frames tell them apart.
    """
    wanted = set(chosen)
    members = [
        replace(
            member,
            watched=member.symbol in wanted,
            listed=member.symbol in listings[member.exchange] if member.exchange in listings else member.listed,
        )
        for member in (before.members if before else ())
    ]
    known = {member.symbol for member in members}
    for symbol in chosen:
        home = next((exchange for exchange, listed in listings.items() if symbol in listed), None)
        if home is not None and symbol not in known:
            members.append(Member(symbol, home, bucket=len(members) // BUCKET_SYMBOLS))
    _require_distinct_checksums(members)
    return Universe(since, tuple(members))


def _require_distinct_checksums(members: Sequence[Member]) -> None:
    seen: dict[int, str] = {}
    for member in members:
        other = seen.setdefault(crc32(member.symbol.encode()), member.symbol)
        if other != member.symbol:
            raise InvalidValueError(
                f"symbols of a universe must have distinct checksums, {other} and {member.symbol} do not"
            )
