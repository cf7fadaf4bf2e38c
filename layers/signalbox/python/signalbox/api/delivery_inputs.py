"""What deliveries can be asked for, and what is answered."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from signalbox.api.inputs import Moment


class ReceiptQuery(BaseModel):
    """Parameters of the receipt: a span of `queued_at` (`to` not included)."""

    model_config = ConfigDict(extra="forbid", defer_build=True, populate_by_name=False)

    since: Moment | None = Field(default=None, alias="from")
    until: Moment | None = Field(default=None, alias="to")


class DeliveriesQuery(ReceiptQuery):
    """Parameters of the list: a span of `queued_at`, and how many of the newest."""

    limit: Annotated[int, Field(ge=1, le=500)] = 100


class DeliveryAnswer(TypedDict):
    """One delivery. `latency_seconds` is from queueing to acceptance by the channel's service."""

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
