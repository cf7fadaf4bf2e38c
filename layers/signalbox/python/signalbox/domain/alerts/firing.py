"""Firings: that an alert fired, told in words that need no second look."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import from_iso, to_iso

ALERT_EVENT = "alert"
"""The kind of the event that a firing is, beside those of signals."""
TOPIC = "alerts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """One time that one alert fired.

    `occasion` names what it fired for, so that the same thing never fires an alert twice: the firing's number where an
    alert waits for a price, else the signal or the regime change. `value` is the value that fired it, as text. A firing
    that tells of an open signal carries its id and publication, before which plus the tier's delay nobody may see it.
    """

    alert_id: str
    account_id: str
    occasion: str
    kind: str
    symbol: str
    at: datetime
    value: str
    headline: str
    note: str
    channels: tuple[str, ...]
    signal_id: str | None = None
    signal_published_at: datetime | None = None

    @property
    def event_id(self) -> str:
        """What makes this firing the same firing, however often it is told."""
        return f"{self.alert_id}!{ALERT_EVENT}!{self.occasion}"

    @property
    def topic(self) -> str:
        """The topic of the account's firings."""
        return topic_of(self.account_id)

    def held_back(self, delay: timedelta, now: datetime) -> timedelta:
        """Return how much longer than `now` it must be kept from an account with this tier delay, 0 if it need not."""
        if self.signal_published_at is None:
            return timedelta(0)
        return max(self.signal_published_at + delay - now, timedelta(0))

    def to_record(self) -> dict[str, Any]:
        """Return it as made of JSON's own types."""
        published = self.signal_published_at
        return {
            "alert_id": self.alert_id,
            "account_id": self.account_id,
            "occasion": self.occasion,
            "kind": self.kind,
            "symbol": self.symbol,
            "at": to_iso(self.at),
            "value": self.value,
            "headline": self.headline,
            "note": self.note,
            "channels": list(self.channels),
            "signal_id": self.signal_id,
            "signal_published_at": None if published is None else to_iso(published),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Firing":
        """Read what `to_record` gave; raise InvalidValueError if it is something else."""
        try:
            published = record["signal_published_at"]
            return cls(
                **{
                    **record,
                    "at": from_iso(record["at"]),
                    "channels": tuple(record["channels"]),
                    "signal_published_at": None if published is None else from_iso(published),
                }
            )
        except (KeyError, TypeError, ValueError) as e:
            raise InvalidValueError(f"record must be a firing, was {str(record)[:200]}") from e


@dataclass(frozen=True, slots=True)
class FiringEvent:
    """A firing in its place in the topic of its account, as the log's stream tells it."""

    firing: Firing
    sequence: int

    def to_message(self) -> dict[str, Any]:
        """Return the JSON body of this event's message."""
        return {"kind": ALERT_EVENT, "sequence": self.sequence, "firing": self.firing.to_record()}

    @classmethod
    def from_message(cls, body: Mapping[str, Any]) -> "FiringEvent":
        """Read a message's body; raise InvalidValueError if it is none of a firing."""
        try:
            return cls(Firing.from_record(body["firing"]), int(body["sequence"]))
        except (KeyError, TypeError, ValueError) as e:
            raise InvalidValueError(f"message must be a firing's, was {str(body)[:200]}") from e


def topic_of(account_id: str) -> str:
    """Return the topic of an account's firings."""
    return f"{TOPIC}:{account_id}"


def subject_of(account_id: str, sequence: int) -> str:
    """Return what a delivery of a firing is about: the place of the firing in its topic, as one word."""
    return f"{topic_of(account_id)}!{sequence}"


def read_subject(subject: str) -> tuple[str, int]:
    """Return topic and sequence of what `subject_of` gave; raise InvalidValueError if it is something else."""
    topic, _, number = subject.rpartition("!")
    if not topic.startswith(f"{TOPIC}:") or not number.isdecimal():
        raise InvalidValueError(f"subject must be a firing's place in its topic, was {subject!r}")
    return topic, int(number)
