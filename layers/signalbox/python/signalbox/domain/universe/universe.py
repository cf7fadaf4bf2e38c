"""The universe: which symbols are watched, versioned by date. A symbol that leaves stays in the record."""

from dataclasses import dataclass
from datetime import datetime, timedelta

GONE_AFTER = timedelta(days=1)
"""A market that is listed but inactive for so long is gone: halts last hours, and what was delisted stays on an
exchange's list for days."""


@dataclass(frozen=True, slots=True)
class Member:
    """One symbol of the universe: its home exchange and the bucket its candle frames lie in.

    `watched` says whether signals are generated for it; one that left the watch list keeps its open signals priced.
    `inactive_since` is when a refresh first found that its home exchange does not trade it, None while it does.
    `listed` is False once it is gone: off its home's list, or inactive for `GONE_AFTER`.
    """

    symbol: str
    exchange: str
    bucket: int
    watched: bool = True
    listed: bool = True
    inactive_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Universe:
    """Every symbol that is or was watched, from `since` on."""

    since: datetime
    members: tuple[Member, ...]

    @property
    def watched(self) -> tuple[Member, ...]:
        """The members that signals are generated for: watched and still listed."""
        return tuple(member for member in self.members if member.watched and member.listed)
