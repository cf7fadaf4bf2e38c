"""Which symbols to watch: the largest by quote volume, or a fixed list. Nobody who joined ever leaves the record."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from zlib import crc32

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.universe.universe import GONE_AFTER, Member, Universe

BUCKET_SYMBOLS = 100
"""Symbols per bucket: one candle of so many fits three write units."""

PEGGED = frozenset(
    {"USDC", "USDT", "FDUSD", "TUSD", "DAI", "BUSD", "USDP", "USDE", "USD1", "PYUSD", "EUR", "EURI", "AEUR"}
)
"""Bases that follow a currency: their candles move by basis points and their signals mean nothing."""

Listing = Mapping[str, bool]
"""By symbol that an exchange lists, whether it trades now: halted and freshly delisted ones do not."""


def choose_symbols(volumes: Mapping[str, float], quote_currency: str, size: int) -> list[str]:
    """Return the `size` symbols of `quote_currency` with the largest 24 h quote volume, largest first."""
    eligible = [
        symbol for symbol in volumes if symbol.endswith(f"/{quote_currency}") and symbol.partition("/")[0] not in PEGGED
    ]
    return sorted(eligible, key=lambda symbol: (-volumes[symbol], symbol))[:size]


def next_universe(
    before: Universe | None, chosen: Sequence[str], listings: Mapping[str, Listing], since: datetime
) -> Universe:
    """Return the universe from `since` on.

    Parameters
    ----------
    before : Universe or None
        The version in force until then.
    chosen : sequence of str
        The symbols to watch.
    listings : mapping of str to Listing
        What each exchange that answered lists, in order of preference: the first that trades a new symbol becomes its
        home. A member whose home answered without it, or has not traded it for `GONE_AFTER`, is no longer listed; until
        then it is halted, and watched on.
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
        _as_answered(member, listings.get(member.exchange), wanted=member.symbol in wanted, since=since)
        for member in (before.members if before else ())
    ]
    known = {member.symbol for member in members}
    for symbol in chosen:
        home = next((exchange for exchange, listing in listings.items() if listing.get(symbol)), None)
        if home is not None and symbol not in known:
            members.append(Member(symbol, home, bucket=len(members) // BUCKET_SYMBOLS))
    _require_distinct_checksums(members)
    return Universe(since, tuple(members))


def _as_answered(member: Member, listing: Listing | None, *, wanted: bool, since: datetime) -> Member:
    """Return a member as its home's answer leaves it; None is no answer."""
    if listing is None:
        return replace(member, watched=wanted)
    trades = listing.get(member.symbol, False)
    inactive_since = None if trades else member.inactive_since or since
    halted = inactive_since is not None and member.symbol in listing and since - inactive_since < GONE_AFTER
    # What is gone comes back by trading only. What is halted has no volume to be chosen by.
    listed = trades or (member.listed and halted)
    watched = wanted or (member.watched and listed and halted)
    return replace(member, watched=watched, listed=listed, inactive_since=inactive_since)


def _require_distinct_checksums(members: Sequence[Member]) -> None:
    seen: dict[int, str] = {}
    for member in members:
        other = seen.setdefault(crc32(member.symbol.encode()), member.symbol)
        if other != member.symbol:
            raise InvalidValueError(
                f"symbols of a universe must have distinct checksums, {other} and {member.symbol} do not"
            )
