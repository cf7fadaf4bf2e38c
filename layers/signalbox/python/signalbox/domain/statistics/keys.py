"""Under which keys a signal is counted: strategy, timeframe, origin, one cut at a time, and the day it was created."""

from datetime import date
from typing import NamedTuple

from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import Origin, Signal

ALL = "all"
"""The cut that leaves nothing out."""


class StatisticsKey(NamedTuple):
    """What one value of daily statistics is about. Origins are never added up."""

    origin: Origin
    strategy: str
    timeframe: Timeframe
    cut: str
    day: date


def keys_of(signal: Signal) -> tuple[StatisticsKey, ...]:
    """Return every key that a signal counts under: all, and by symbol, signal type, regime and quality."""
    cuts = (
        ALL,
        f"symbol={signal.symbol}",
        f"signal_type={signal.signal_type}",
        f"regime={signal.regime}",
        f"quality={min(int(signal.quality_score // 10), 9) * 10}",
    )
    day = signal.created_at.date()
    return tuple(StatisticsKey(signal.origin, signal.strategy, signal.timeframe, cut, day) for cut in cuts)
