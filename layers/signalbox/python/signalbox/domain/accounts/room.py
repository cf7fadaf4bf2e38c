"""Room within the limits of an account: who asks at the same moment as others gets the last place, or does not.

What an account has is stored elsewhere, and counting it there, then adding to it, lets two in where there is room for
one. So a place is taken here first, under a version that only one of them can move on. What was taken and never used
(a worker died) is free again when `SETTLING` is over; what nobody took a place for is counted all the same.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

SETTLING = timedelta(seconds=60)
"""How long a place may be taken for something that cannot be found yet."""


class Limited(StrEnum):
    """What a tier limits."""

    KEYS = "keys"
    SUBSCRIPTIONS = "subscriptions"
    DEVICES = "devices"
    ALERTS = "alerts"


@dataclass(frozen=True, slots=True)
class Room:
    """The places that an account has taken of one kind, by what for, and when. `version` moves with every change."""

    version: int = 0
    taken: Mapping[str, datetime] = field(default_factory=dict)

    def with_place(self, item: str, there: Collection[str], most: int, now: datetime) -> "Room | None":
        """Return the room with a place for `item`, or None if that would be more than `most`.

        `there` is what is found stored: as much of it as is not taken here counts too, and what was taken long ago and
        is not there counts no more.
        """
        held = {name: at for name, at in self.taken.items() if name in there or now < at + SETTLING}
        held |= {name: now for name in there if name not in held}
        if item not in held and len(held) >= most:
            return None
        return replace(self, taken=held | {item: now})

    def without(self, item: str) -> "Room":
        """Return the room after `item` gave its place back."""
        return replace(self, taken={name: at for name, at in self.taken.items() if name != item})
