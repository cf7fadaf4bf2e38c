"""What the services need of the read models: additive statistics, in which each event is counted once.

Every method may raise `TransientError` (try again) or `PermanentError` (do not).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import Origin
from signalbox.domain.statistics.contributions import Contribution
from signalbox.domain.statistics.daily import DailyStatistics
from signalbox.domain.statistics.periods import Span


@dataclass(frozen=True, slots=True)
class Series:
    """One strategy on one timeframe that has statistics, and the cuts it has them for (`all`, `symbol=BTC/USDT`)."""

    strategy: str
    timeframe: Timeframe
    cuts: frozenset[str]


Pieces = Mapping[str, Mapping[date, DailyStatistics]]
"""By cut the pieces of a span by their first day, in order; those without a signal are left out."""


class StatisticsReader(Protocol):
    """The statistics as they are served, from the first call to the last of the same generation."""

    def series(self, origin: Origin) -> list[Series]:
        """Return what there are statistics of, by strategy and timeframe."""
        ...

    def pieces(self, origin: Origin, series: Series, kind: str, span: Span) -> Pieces:
        """Return the stored pieces of a span, by cut, of every cut of a kind (`all`, `symbol`)."""
        ...

    def pieces_of(self, origin: Origin, series: Series, cut: str, span: Span) -> Mapping[date, DailyStatistics]:
        """Return those of one cut; dear where its kind has no other, cheap where it has many."""
        ...


class StatisticsRepository(Protocol):
    """Counts events and hands out readers.

    A generation is one whole set of statistics. A rebuild makes the next one beside the one that is served: live
    events are counted in both meanwhile, the record is recounted into the new one, and then that is served.
    """

    def count(self, contributions: Sequence[Contribution], now: datetime) -> int:
        """Add those contributions that were not added before, each whole or not at all; `now` is the wall clock's.

        Returns how many were new to the generation that is served. Raises StorageUnavailableError where other workers
        were in the way for long.
        """
        ...

    def reader(self) -> StatisticsReader:
        """Return a reader of the generation that is served now."""
        ...

    def begin_rebuild(self) -> None:
        """Begin a new, empty generation, and forget every other one that is not served."""
        ...

    def recount(self, contributions: Iterable[Contribution], now: datetime) -> int:
        """Add to the new generation what it does not hold yet; return how many were new to it.

        Raises InvalidValueError if none was begun.
        """
        ...

    def finish_rebuild(self) -> None:
        """Serve the new generation from now on. Raises InvalidValueError if none was begun."""
        ...
