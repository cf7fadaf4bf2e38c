"""How long a kept answer is good: as long as its data, and not longer. There is no guessed time to live.

A kept answer is good while the version of its data is the one it was read under. Versions are read before the data, so
a write in between makes the answer old, never wrongly new. Indexes follow their table with a delay: an answer read
shortly after a write may lack it under the new version already, and so is good for two seconds only. What an answer
says may also change with time alone, as when a signal expires: it is good until that moment of the system clock.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil

from signalbox.domain.caching.versions import DataVersion

INDEX_LAG = timedelta(seconds=5)
"""How long an index may lag behind its table."""
UNSURE_LIFE = timedelta(seconds=2)
"""How long an answer is good that was read within `INDEX_LAG` of the newest write."""
OLDEST_STALE = timedelta(seconds=60)
"""How old an answer may be that is given, with its age, while somebody reads the new one."""
LEASE = timedelta(seconds=5)
"""How long a reader who went to read the new answer keeps the next one from doing so."""


class Use(StrEnum):
    """What a kept answer may be used for."""

    FRESH = "fresh"
    STALE = "stale"
    """Only while somebody else reads the new one."""
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What is known of a kept answer: the version of its data, when these were read and until when it is good.

    `good_until` None is until the next write: for data of a closed month in practice for ever. `turns_at` is when what
    it says changes by itself, None for never, by the system clock; all other moments are the wall clock's. `units` are
    the read units that reading it took.
    """

    token: str
    read_at: datetime
    good_until: datetime | None
    units: float
    turns_at: datetime | None = None

    def use(self, version: DataVersion, now: datetime, system_now: datetime) -> Use:
        """Return what the answer is good for under the data's version of `now`."""
        is_same = self.token == version.token and (self.turns_at is None or system_now < self.turns_at)
        if is_same and (self.good_until is None or now < self.good_until):
            return Use.FRESH
        return Use.STALE if timedelta(0) <= now - self.read_at <= OLDEST_STALE else Use.NONE

    def age(self, now: datetime) -> int:
        """Return the whole seconds since the data were read, never too few."""
        return max(ceil((now - self.read_at).total_seconds()), 0)


def stamp(version: DataVersion, read_at: datetime, units: float, turns_at: datetime | None = None) -> Stamp:
    """Return the stamp of an answer whose data were read from `read_at` on, after their version was."""
    is_sure = version.moved_at is None or read_at - version.moved_at >= INDEX_LAG
    return Stamp(
        token=version.token,
        read_at=read_at,
        good_until=None if is_sure else read_at + UNSURE_LIFE,
        units=units,
        turns_at=turns_at,
    )
