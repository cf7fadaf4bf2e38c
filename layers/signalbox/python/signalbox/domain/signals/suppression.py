"""Suppressions: candidates that were not sent, kept with their reason and resolved like signals."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from signalbox.domain.market.suppression_reason import SuppressionReason
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.identity import SignalKey
from signalbox.domain.signals.signal import Levels, Origin, SignalType

__all__ = ["Suppression", "SuppressionReason"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """One candidate that was not sent.

    A symbol whose data were refused as a whole (stale, bad data) has no candidate: then `strategy` is `any` and
    `signal_type` and `levels` are None.
    """

    symbol: str
    exchange: str
    timeframe: Timeframe
    strategy: str
    created_at: datetime
    reason: SuppressionReason
    detail: str
    origin: Origin
    signal_type: SignalType | None = None
    levels: Levels | None = None
    expires_at: datetime | None = None
    quality_score: float | None = None
    features: Mapping[str, float] | None = None
    feature_version: int | None = None

    @property
    def key(self) -> SignalKey:
        """What makes this suppression the same suppression."""
        return SignalKey(self.symbol, self.created_at, self.strategy, self.timeframe)
