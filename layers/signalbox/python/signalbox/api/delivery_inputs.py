"""What deliveries can be asked for, and what is answered."""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from signalbox.api.inputs import Moment, require_order
from signalbox.domain.accounts.account import Tier
from signalbox.domain.accounts.channel import Channel


class ReceiptQuery(BaseModel):
    """Parameters of the receipt: a span of `queued_at` (`to` not included)."""

    model_config = ConfigDict(extra="forbid", defer_build=True, populate_by_name=False)

    since: Moment | None = Field(default=None, alias="from")
    until: Moment | None = Field(default=None, alias="to")

    def span(self, length: timedelta, now: datetime) -> tuple[datetime, datetime]:
        """Return the span that is asked for: of `length` where its beginning is not given, up to now where its end is
        not. Raises ProblemError (400) if it ends before it begins."""
        require_order(self.since, self.until)
        until = self.until or max(now + timedelta(seconds=1), self.since or now)
        return self.since or until - length, until


class DeliveriesQuery(ReceiptQuery):
    """Parameters of the list: a span of `queued_at`, and how many of the newest."""

    limit: Annotated[int, Field(ge=1, le=500)] = 100


class DeliveryAnswer(TypedDict):
    """One delivery. `latency_seconds` is from publication to acceptance by the channel's service."""

    delivery_id: str
    signal_id: str
    event: str
    channel: str
    state: str
    reason: str | None
    attempts: int
    queued_at: str
    due_at: str | None
    accepted_at: str | None
    latency_seconds: float | None


class DeliveriesAnswer(TypedDict):
    """Deliveries, newest first."""

    deliveries: list[DeliveryAnswer]


class SignalDeliveriesAnswer(TypedDict):
    """The caller's deliveries of one signal, newest first."""

    signal_id: str
    deliveries: list[DeliveryAnswer]


class NumbersAnswer(TypedDict):
    """The numbers of one topic."""

    first: int
    last: int
    count: int


# The functional form, since `from` is a word of Python's own.
ReceiptAnswer = TypedDict(
    "ReceiptAnswer",
    {
        "from": str,
        "to": str,
        "count": int,
        "states": dict[str, dict[str, int]],
        "topics": dict[str, NumbersAnswer],
        "checksum": str,
        "complete": bool,
    },
)


class LatencyAnswer(TypedDict):
    """What deliveries by one channel to one tier took from publication to acceptance, known to 5 %. `delay_seconds` is
    the tier's own, which announcements of signals wait out. What waits as its subscriber wishes is not counted."""

    channel: Channel
    tier: Tier
    count: Annotated[int, Field(ge=0)]
    p50_seconds: Annotated[float, Field(ge=0)]
    p95_seconds: Annotated[float, Field(ge=0)]
    delay_seconds: Annotated[float, Field(ge=0)]


class LatenciesAnswer(TypedDict):
    """Latencies of two hours, the first of which began at `since`: of this one and the one before, or for a caller who
    sees signals late of the newest that were over 15 minutes ago."""

    since: str
    by_channel_and_tier: list[LatencyAnswer]
