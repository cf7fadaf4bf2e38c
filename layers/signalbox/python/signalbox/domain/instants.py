"""Moments: aware UTC datetimes in values, ISO 8601 with `Z` in text, epoch milliseconds in arrays."""

from datetime import UTC, datetime, timedelta

from signalbox.domain.errors import InvalidValueError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


def to_ms(moment: datetime) -> int:
    """Return the epoch milliseconds of an aware datetime; raise InvalidValueError if it is naive."""
    if moment.tzinfo is None:
        raise InvalidValueError(f"moment must have a time zone, was {moment.isoformat()}")
    return (moment - EPOCH) // MILLISECOND


def from_ms(milliseconds: int) -> datetime:
    """Return the UTC datetime of epoch milliseconds."""
    return EPOCH + timedelta(milliseconds=int(milliseconds))


def to_iso(moment: datetime) -> str:
    """Return ISO 8601 in UTC with `Z`, to the second, or to the millisecond where there is a fraction.

    Text of whole seconds sorts as the moments do, which storage keys rely on.
    """
    utc = from_ms(to_ms(moment))
    return utc.isoformat(timespec="milliseconds" if utc.microsecond else "seconds").replace("+00:00", "Z")


def from_iso(text: str) -> datetime:
    """Return the UTC datetime of an ISO 8601 text; raise InvalidValueError if it is none or names no zone."""
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError) as e:
        raise InvalidValueError(f"moment must be ISO 8601 with a zone, was {text!r}") from e
    return from_ms(to_ms(moment))
