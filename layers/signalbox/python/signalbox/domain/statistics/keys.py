"""Under which keys a signal is counted: strategy, timeframe, origin, one cut at a time, and the day it was created."""

from datetime import date
from typing import NamedTuple

from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import Origin, Signal

ALL = "all"
"""The cut that leaves nothing out, and its kind."""


class StatisticsKey(NamedTuple):
    """What one value of daily statistics is about. Origins are never added up."""

    origin: Origin
    strategy: str
    timeframe: Timeframe
    cut: str
    day: date


def keys_of(signal: Signal) -> tuple[StatisticsKey, ...]:
    """Return every key that a signal counts under: all, and by symbol, signal type and regime."""
    cuts = (
        ALL,
        f"symbol={signal.symbol}",
        f"signal_type={signal.signal_type}",
        f"regime={signal.regime}",
    )
    day = signal.created_at.date()
    return tuple(StatisticsKey(signal.origin, signal.strategy, signal.timeframe, cut, day) for cut in cuts)


def kind_of(cut: str) -> str:
    """Return what a cut tells signals apart by: `symbol` of `symbol=BTC/USDT`, `all` of itself."""
    return cut.partition("=")[0]


def value_of(cut: str) -> str:
    """Return which ones a cut leaves: `BTC/USDT` of `symbol=BTC/USDT`, nothing of `all`."""
    return cut.partition("=")[2]
