"""Suppressions: candidates that were not sent, kept with their reason and resolved like signals."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from signalbox.domain.market.suppression_reason import SuppressionReason
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.identity import SignalKey
from signalbox.domain.signals.signal import Ending, Levels, Origin, Signal, SignalType

__all__ = ["Suppression", "SuppressionReason"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """One candidate that was not sent.

    A symbol whose data were refused as a whole (stale, bad data) has no candidate: then `strategy` is `any` and
    `signal_type` and `levels` are None. `ending` is how the signal would have ended, once that is known.
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
    ending: Ending | None = None

    @property
    def key(self) -> SignalKey:
        """What makes this suppression the same suppression."""
        return SignalKey(self.symbol, self.created_at, self.strategy, self.timeframe)

    @property
    def is_candidate(self) -> bool:
        """Whether there is a signal that it would have been: one with levels and a life."""
        return self.signal_type is not None and self.levels is not None and self.expires_at is not None

    def as_signal(self, published_at: datetime) -> Signal | None:
        """Return the open signal that this would have been, to be resolved by the signals' own rules and never stored;
        None where there was no candidate with levels.
        """
        if self.signal_type is None or self.levels is None or self.expires_at is None:
            return None
        return Signal(
            symbol=self.symbol,
            exchange=self.exchange,
            timeframe=self.timeframe,
            strategy=self.strategy,
            strategy_version=0,
            signal_type=self.signal_type,
            levels=self.levels,
            created_at=self.created_at,
            published_at=published_at,
            expires_at=self.expires_at,
            quality_score=self.quality_score or 0.0,
            quality_parts={},
            confidence=None,
            regime="",
            reasons={},
            summary="",
            features=self.features or {},
            feature_version=self.feature_version or 0,
            origin=self.origin,
            code_version="",
        )
