"""The universe: which symbols are watched, versioned by date. A symbol that leaves stays in the record."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Member:
    """One watched symbol: its home exchange, the bucket its candle frames lie in, and whether it is still listed."""

    symbol: str
    exchange: str
    bucket: int
    listed: bool = True


@dataclass(frozen=True, slots=True)
class Universe:
    """The watched symbols from `since` on, in order of quote volume when they joined."""

    since: datetime
    members: tuple[Member, ...]

    @property
    def listed(self) -> tuple[Member, ...]:
        """The members that still trade."""
        return tuple(member for member in self.members if member.listed)
