"""Signal events: what happened to a signal, for everything that reacts to it."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import from_iso, to_iso
from signalbox.domain.signals.signal import Signal


class EventKind(StrEnum):
    """What happened."""

    PUBLISHED = "published"
    REVISED = "revised"
    FILLED = "filled"
    """It got its price: told to nobody, but what is kept of it is old now."""
    ENDED = "ended"
    ALERT = "alert"
    """A user's alert fired: no event of a signal, though it may be about one (`domain.alerts.firing`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalEvent:
    """One thing that happened once to one signal, told in words that need no second look.

    `event_id` is the same however often and in whatever order the event arrives: `<signal_id>!<kind>!<revision>`.
    `as_of` is the moment it happened: publication, revision, fill or ending. `published_at` is the signal's: before it
    is a tier's delay old, nothing but the ending may be known there. `stored_at` is when storage took it, by the wall
    clock, to the second; it is no part of what makes two events the same.
    """

    kind: EventKind
    signal_id: str
    revision: int
    as_of: datetime
    published_at: datetime
    symbol: str
    strategy: str
    timeframe: str
    signal_type: str
    status: str
    quality_score: float
    origin: str
    confidence: float | None = None
    stored_at: datetime | None = field(default=None, compare=False)

    @property
    def event_id(self) -> str:
        """What makes this event the same event."""
        return f"{self.signal_id}!{self.kind}!{self.revision}"

    def to_message(self) -> dict[str, Any]:
        """Return the JSON body of this event's message."""
        stored = None if self.stored_at is None else to_iso(self.stored_at)
        moments = {"as_of": to_iso(self.as_of), "published_at": to_iso(self.published_at), "stored_at": stored}
        return {**asdict(self), **moments, "kind": str(self.kind)}

    @classmethod
    def from_message(cls, body: dict[str, Any]) -> "SignalEvent":
        """Read a message's body; raise InvalidValueError if it is not a signal event's."""
        try:
            stored = body.get("stored_at")
            moments = {name: from_iso(body[name]) for name in ("as_of", "published_at")}
            stored_at = None if stored is None else from_iso(stored)
            return cls(**{**body, **moments, "stored_at": stored_at, "kind": EventKind(body["kind"])})
        except (KeyError, TypeError, ValueError) as e:
            raise InvalidValueError(f"message must be a signal event, was {str(body)[:200]}") from e


def event_of(kind: EventKind, signal: Signal, stored_at: datetime | None = None) -> SignalEvent:
    """Return the event of `kind` that `signal`, as it is now, tells of; `ALERT` is no event of a signal."""
    moments = {
        EventKind.PUBLISHED: signal.published_at,
        EventKind.FILLED: signal.filled_at or signal.published_at,
        EventKind.REVISED: signal.revised_at or signal.published_at,
        EventKind.ENDED: signal.ending.ended_at if signal.ending else signal.expires_at,
    }
    return SignalEvent(
        kind=kind,
        signal_id=signal.signal_id,
        revision=signal.revision,
        as_of=moments[kind],
        published_at=signal.published_at,
        symbol=signal.symbol,
        strategy=signal.strategy,
        timeframe=str(signal.timeframe),
        signal_type=str(signal.signal_type),
        status=str(signal.status),
        quality_score=signal.quality_score,
        origin=str(signal.origin),
        confidence=signal.confidence,
        stored_at=stored_at,
    )
