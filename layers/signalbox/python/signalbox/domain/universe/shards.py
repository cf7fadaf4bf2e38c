"""Shards: the part of the universe that one message asks a worker to do."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import from_iso, to_iso
from signalbox.domain.market.timeframe import Timeframe

Job = Literal["generate_signals", "reprice_signals"]


@dataclass(frozen=True, slots=True)
class Shard:
    """One message of work: these symbols of one bucket of one home exchange, for the turn `as_of`.

    `number` and `count` place it in its plan; `timeframe` is the one to generate for, or, for re-pricing,
    the shortest one in use.
    """

    job: Job
    number: int
    count: int
    exchange: str
    bucket: int
    timeframe: Timeframe
    symbols: tuple[str, ...]
    as_of: datetime

    def to_message(self) -> dict[str, Any]:
        """Return the JSON body of this shard's message."""
        return {
            "job": self.job,
            "number": self.number,
            "count": self.count,
            "exchange": self.exchange,
            "bucket": self.bucket,
            "timeframe": str(self.timeframe),
            "symbols": list(self.symbols),
            "as_of": to_iso(self.as_of),
        }

    @classmethod
    def from_message(cls, body: dict[str, Any]) -> "Shard":
        """Read a message's body; raise InvalidValueError if it is not a shard's."""
        try:
            return cls(
                job=body["job"],
                number=int(body["number"]),
                count=int(body["count"]),
                exchange=body["exchange"],
                bucket=int(body["bucket"]),
                timeframe=Timeframe.of(body["timeframe"]),
                symbols=tuple(body["symbols"]),
                as_of=from_iso(body["as_of"]),
            )
        except (KeyError, TypeError) as e:
            raise InvalidValueError(f"message must be a shard, was {str(body)[:200]}") from e
