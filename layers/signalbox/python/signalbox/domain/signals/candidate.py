"""Candidates: what a strategy found, before it is known whether it will be sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.identity import SignalKey
from signalbox.domain.signals.signal import NULL_STRATEGY, Levels, SignalType


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A signal that may be.

    `levels` is None where none could be placed, and `levels_problem` then says why; `select` never lets such a
    candidate through. `confidence` is absent: nothing has calibrated it. `features` leaves out what was not known.
    """

    symbol: str
    exchange: str
    timeframe: Timeframe
    strategy: str
    strategy_version: int
    signal_type: SignalType
    levels: Levels | None
    levels_problem: str
    created_at: datetime
    expires_at: datetime
    quality_score: float
    quality_parts: Mapping[str, float]
    regime: str
    reasons: Mapping[str, float]
    summary: str
    features: Mapping[str, float]
    feature_version: int

    @property
    def key(self) -> SignalKey:
        """What would make the signal the same signal."""
        return SignalKey(self.symbol, self.created_at, self.strategy, self.timeframe)

    @property
    def deliverable(self) -> bool:
        """Whether it may ever be sent to anybody: everything but the coin."""
        return self.strategy != NULL_STRATEGY

    @property
    def placed(self) -> Levels:
        """The levels of a candidate that was selected; raise InvalidValueError if it has none."""
        if self.levels is None:
            raise InvalidValueError(f"candidate {self.key.signal_id} must have levels: {self.levels_problem}")
        return self.levels
