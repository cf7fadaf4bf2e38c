"""When a subscriber wants to be told: quiet hours and digests, in their own time zone.

Local times that a change to summer time leaves out are the moment they would have been; of those that a change back
gives twice, the first that lies ahead counts.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from signalbox.domain.errors import InvalidValueError

DAILY_DIGEST_AT = time(8)
"""When, in local time, the daily digest is sent."""
_HOUR = timedelta(hours=1)


class Digest(StrEnum):
    """How e-mail is gathered."""

    IMMEDIATE = "immediate"
    HOURLY = "hourly"
    DAILY = "daily"


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Local hours in which nobody is to be disturbed: from `start` (included) to `end` (not), over midnight or not."""

    start: time
    end: time

    def __post_init__(self) -> None:
        """Refuse hours that would never or always be quiet."""
        if self.start == self.end:
            raise InvalidValueError(f"quiet hours must end at another time than they start, were {self.start} twice")

    def contains(self, local: time) -> bool:
        """Return whether it is quiet at this local time."""
        if self.start < self.end:
            return self.start <= local < self.end
        return local >= self.start or local < self.end


def zone(name: str) -> ZoneInfo:
    """Return an IANA time zone; raise InvalidValueError if there is none of this name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as e:
        raise InvalidValueError(f"must be an IANA time zone, as Europe/Berlin, was {name[:60]!r}") from e


def local_day(moment: datetime, time_zone: str) -> str:
    """Return the local date of a moment, ISO 8601."""
    return moment.astimezone(zone(time_zone)).date().isoformat()


def next_local(moment: datetime, wanted: time, time_zone: str) -> datetime:
    """Return the first moment after `moment`, in UTC, at which clocks in `time_zone` show `wanted`."""
    where = zone(time_zone)
    today = moment.astimezone(where).date()
    candidates = [
        datetime.combine(today + timedelta(days=days), wanted, where).replace(fold=fold).astimezone(UTC)
        for days in (0, 1)
        for fold in (0, 1)
    ]
    shown = [each for each in candidates if each.astimezone(where).time() == wanted]
    # Where the clocks leave `wanted` out, fold 0 is the moment it would have been.
    left_out = [first for first, second in (candidates[:2], candidates[2:]) if second < first]
    return min(each for each in shown + left_out if each > moment)


def next_multiple(moment: datetime, step: timedelta) -> datetime:
    """Return the first moment after `moment` that is a whole number of `step` after midnight UTC."""
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + ((moment - midnight) // step + 1) * step


def next_digest(moment: datetime, digest: Digest, time_zone: str) -> datetime:
    """Return when the digest that takes up what happened at `moment` is sent: always later than `moment`.

    Raises InvalidValueError for IMMEDIATE, which has none.
    """
    if digest is Digest.DAILY:
        return next_local(moment, DAILY_DIGEST_AT, time_zone)
    if digest is Digest.HOURLY:
        return next_multiple(moment, _HOUR)
    raise InvalidValueError("digest must be hourly or daily, was immediate")


def after_quiet(moment: datetime, quiet: QuietHours | None, time_zone: str) -> datetime:
    """Return `moment`, or the end of the quiet hours it falls into."""
    if quiet is None or not quiet.contains(moment.astimezone(zone(time_zone)).time()):
        return moment
    return next_local(moment, quiet.end, time_zone)
