"""The universe: which symbols are watched, versioned by date. A symbol that leaves stays in the record."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Member:
    """One symbol of the universe: its home exchange and the bucket its candle frames lie in.

    `watched` says whether signals are generated for it; one that left the watch list keeps its open signals priced.
    `listed` is False once its home exchange no longer trades it.
    """

    symbol: str
    exchange: str
    bucket: int
    watched: bool = True
    listed: bool = True


@dataclass(frozen=True, slots=True)
class Universe:
    """Every symbol that is or was watched, from `since` on."""

    since: datetime
    members: tuple[Member, ...]

    @property
    def watched(self) -> tuple[Member, ...]:
        """The members that signals are generated for: watched and still listed."""
        return tuple(member for member in self.members if member.watched and member.listed)
