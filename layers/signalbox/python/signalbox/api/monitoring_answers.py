"""The shape of `/signals/api/monitoring`."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from signalbox.api.answers import Count, MomentText, TurnDocument
from signalbox.api.delivery_inputs import LatenciesAnswer
from signalbox.domain.market.timeframe import Timeframe


class WatchedTurn(TurnDocument):
    """A turn, how old it is, and whether the next is overdue."""

    age_seconds: float
    late: bool


class QueueDocument(TypedDict):
    """How many messages a queue holds, about: to be taken, taken and not yet done, and held back."""

    name: str
    waiting: Count
    in_flight: Count
    delayed: Count


class CandleAge(TypedDict):
    """The newest stored candle of an exchange; null before the first."""

    exchange: str
    timeframe: Timeframe
    closed_at: MomentText | None
    age_seconds: float | None


class CacheDocument(TypedDict):
    """What the cache of answers did today (UTC), over all workers; up to half a minute behind.

    `hit_rate` is the share of requests that read no table. `spent_read_units` are the cache's own, `saved_read_units`
    about those that kept answers made unnecessary.
    """

    requests: Count
    hit_rate: Annotated[float, Field(ge=0, le=1)]
    mean_age_seconds: Annotated[float, Field(ge=0)]
    stale_answers: Count
    evictions: Count
    saved_read_units: Annotated[float, Field(ge=0)]
    spent_read_units: Annotated[float, Field(ge=0)]


class MonitoringAnswer(TypedDict):
    """How the system keeps up. Some seconds old at worst: `measured_at` says when it was looked. `queues`,
    `dead_letters` and `cache` are null for a caller who sees signals late: they would tell of signals at once."""

    status: Literal["ok", "late", "starting"]
    measured_at: MomentText
    turns: list[WatchedTurn]
    queues: list[QueueDocument] | None
    dead_letters: Count | None
    candles: list[CandleAge]
    deliveries: LatenciesAnswer
    cache: CacheDocument | None
