"""The statistics in memory, with the semantics of the real ones."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.signals.signal import Origin
from signalbox.domain.statistics.contributions import Contribution
from signalbox.domain.statistics.daily import DailyStatistics
from signalbox.domain.statistics.keys import StatisticsKey, kind_of
from signalbox.domain.statistics.periods import Grain, Span, piece_name
from signalbox.ports.statistics import Pieces, Series


@dataclass
class Generation:
    """One whole set of statistics: what was counted, and the numbers of each key's day."""

    counted: set[str] = field(default_factory=set)
    stored: dict[StatisticsKey, DailyStatistics] = field(default_factory=dict)

    def add(self, contributions: Iterable[Contribution]) -> int:
        fresh = 0
        for each in contributions:
            if each.event not in self.counted:
                fresh += 1
                self.counted.add(each.event)
                for key in each.keys:
                    self.stored[key] = self.stored.get(key, DailyStatistics()) + each.numbers
        return fresh

    def series(self, origin: Origin) -> list[Series]:
        cuts: dict[tuple[str, str], set[str]] = {}
        for key in self.stored:
            if key.origin == origin:
                cuts.setdefault((key.strategy, key.timeframe), set()).add(key.cut)
        return [
            Series(strategy, timeframe, frozenset(cuts[strategy, timeframe])) for strategy, timeframe in sorted(cuts)
        ]

    def pieces(self, origin: Origin, series: Series, kind: str, span: Span) -> Pieces:
        cuts = [cut for cut in sorted(series.cuts) if kind_of(cut) == kind]
        found = {cut: self.pieces_of(origin, series, cut, span) for cut in cuts}
        return {cut: pieces for cut, pieces in found.items() if pieces}

    def pieces_of(self, origin: Origin, series: Series, cut: str, span: Span) -> Mapping[date, DailyStatistics]:
        found: dict[date, DailyStatistics] = {}
        for key, numbers in sorted(self.stored.items(), key=lambda item: item[0].day):
            asked_for = (key.origin, key.strategy, key.timeframe, key.cut) == (
                origin, series.strategy, series.timeframe, cut,
            )  # fmt: skip
            first, last = (piece_name(span.grain, day) for day in (span.first, span.last))
            if asked_for and first <= piece_name(span.grain, key.day) <= last:
                start = key.day if span.grain is Grain.DAY else key.day.replace(day=1)
                found[start] = found.get(start, DailyStatistics()) + numbers
        return found


class InMemoryStatistics:
    """`ports.StatisticsRepository`."""

    def __init__(self) -> None:
        self._serving = Generation()
        self._building: Generation | None = None
        self.asked_at: list[datetime] = []

    def count(self, contributions: Sequence[Contribution], now: datetime) -> int:
        self.asked_at.append(now)
        if self._building is not None:
            self._building.add(contributions)
        return self._serving.add(contributions)

    def reader(self) -> Generation:
        return self._serving

    def begin_rebuild(self) -> None:
        self._building = Generation()

    def recount(self, contributions: Iterable[Contribution], now: datetime) -> int:
        self.asked_at.append(now)
        return self._require_building().add(contributions)

    def finish_rebuild(self) -> None:
        self._serving, self._building = self._require_building(), None

    def _require_building(self) -> Generation:
        if self._building is None:
            raise InvalidValueError("a rebuild must have begun, none has")
        return self._building
