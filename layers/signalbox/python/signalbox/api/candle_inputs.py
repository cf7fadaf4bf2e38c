"""Strict input about candles."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from signalbox.api.inputs import Moment, Symbol, require_order
from signalbox.api.problems import refused
from signalbox.domain.instants import to_ms
from signalbox.domain.market.timeframe import Timeframe

MOST_CANDLES = 1000
"""Candles in one answer."""
_DEFAULT = 100


class CandlesQuery(BaseModel):
    """Whose candles, and which: open times from `from` (included) to `to` (not included), or `limit` of them."""

    model_config = ConfigDict(extra="forbid", defer_build=True, populate_by_name=False)

    symbol: Symbol
    timeframe: Timeframe = Timeframe.H1
    since: Moment | None = Field(default=None, alias="from")
    until: Moment | None = Field(default=None, alias="to")
    limit: Annotated[int, Field(ge=1, le=MOST_CANDLES)] | None = None

    def span(self, now: datetime) -> tuple[int, int]:
        """Return the first and the last open time asked for, epoch ms, none later than the newest closed candle's.

        The last is before the first where nothing is left. Raises ProblemError (400) for a span that is upside down or
        holds too many candles, and for both a span and a limit.
        """
        step = self.timeframe.milliseconds
        newest = self.timeframe.last_closed_open(to_ms(now))
        first = None if self.since is None else -(-to_ms(self.since) // step) * step
        last = newest if self.until is None else min(newest, -(-to_ms(self.until) // step) * step - step)
        require_order(self.since, self.until)
        if self.since is not None and self.until is not None:
            if self.limit is not None:
                raise refused("limit", "must not be given with both from and to")
            if (self.until - self.since).total_seconds() * 1000 > MOST_CANDLES * step:
                raise refused("to", f"must be at most {MOST_CANDLES} candles of {self.timeframe} after from")
        count = self.limit or _DEFAULT
        if first is None:
            return last - (count - 1) * step, last
        if self.until is None:
            last = min(last, first + (count - 1) * step)
        return first, max(last, first - step)
