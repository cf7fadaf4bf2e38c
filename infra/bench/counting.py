"""Stores that count the items that are read and written: the fakes of the tests, as the tables would be asked."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from signalbox.adapters.storage.signal_items import open_bucket
from signalbox.domain.alerts.checks import Check
from signalbox.domain.market.candles import CandleGrid
from signalbox.domain.market.consensus import PriceFrame
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import Signal
from signalbox.domain.universe.universe import Universe
from tests.fakes.alerts import InMemoryAlertChecks
from tests.fakes.market import InMemoryCandles, InMemoryPriceFrames
from tests.fakes.signals import InMemoryPriceHistory, InMemorySignalChanges, InMemorySignals
from tests.fakes.work import InMemoryUniverse


class CountingSignals(InMemorySignals):
    """Counts what the index's queries read: of each partition all from the first wanted symbol to the last."""

    def __init__(self, count: Counter[str]) -> None:
        super().__init__()
        self._count = count

    def open_of(self, symbols: Iterable[str]) -> list[Signal]:
        wanted: dict[int, list[str]] = {}
        for symbol in symbols:
            wanted.setdefault(open_bucket(symbol), []).append(symbol)
        every = Counter(signal.symbol for signal in self.stored.values() if signal.ending is None)
        for bucket, names in wanted.items():
            self._count["requests"] += 1
            self._count["items read"] += sum(
                number
                for symbol, number in every.items()
                if open_bucket(symbol) == bucket and min(names) <= symbol <= max(names)
            )
        return super().open_of([symbol for names in wanted.values() for symbol in names])


class CountingChanges(InMemorySignalChanges):
    """Counts a signal, and the record of it, as one item each."""

    def __init__(self, count: Counter[str], signals: InMemorySignals) -> None:
        super().__init__(signals, InMemoryPriceHistory())
        self._count = count

    def apply(self, before: Signal, after: Signal, record: Mapping[str, Any] | None = None) -> bool:
        self._count["requests"] += 1
        self._count["items written"] += 1 if record is None else 2
        return super().apply(before, after, record)


class CountingFrames(InMemoryPriceFrames):
    """Counts price frames."""

    def __init__(self, count: Counter[str]) -> None:
        super().__init__()
        self._count = count

    def save(self, frame: PriceFrame) -> bool:
        self._count["requests"] += 1
        self._count["items written"] += 1
        return super().save(frame)

    def before(self, bucket: int, moment: datetime, count: int) -> list[PriceFrame]:
        found = super().before(bucket, moment, count)
        self._count["requests"] += 1
        self._count["items read"] += len(found)
        return found


class CountingCandles(InMemoryCandles):
    """Counts candle frames: one item is one candle of all symbols of a bucket."""

    def __init__(self, count: Counter[str]) -> None:
        super().__init__()
        self._count = count

    def load(  # noqa: PLR0913, PLR0917 - the port's own
        self, exchange: str, timeframe: Timeframe, bucket: int, symbols: Sequence[str], first_open: int, last_open: int
    ) -> CandleGrid:
        grid = super().load(exchange, timeframe, bucket, symbols, first_open, last_open)
        self._count["requests"] += 1
        self._count["items read"] += int(grid.present.any(axis=1).sum())
        return grid

    def save(self, grid: CandleGrid, bucket: int) -> CandleGrid:
        self._count["requests"] += 1
        self._count["items written"] += int(grid.present.any(axis=1).sum())
        return super().save(grid, bucket)


class CountingUniverse(InMemoryUniverse):
    """Counts the universe as one item."""

    def __init__(self, count: Counter[str], universe: Universe) -> None:
        super().__init__(universe)
        self._count = count

    def current(self, at: datetime) -> Universe | None:
        self._count["requests"] += 1
        self._count["items read"] += 1
        return super().current(at)


class CountingChecks(InMemoryAlertChecks):
    """Counts what symbols were looked at last as the items they are kept in: one for each shard that writes."""

    def __init__(self, count: Counter[str]) -> None:
        super().__init__()
        self._count = count
        self._items: dict[int, set[frozenset[str]]] = {}

    def load(self, bucket: int) -> dict[str, Check]:
        self._count["requests"] += 1
        self._count["items read"] += len(self._items.get(bucket, ()))
        return super().load(bucket)

    def save(self, bucket: int, checks: Mapping[str, Check]) -> None:
        self._count["requests"] += 1
        self._count["items written"] += 1
        self._items.setdefault(bucket, set()).add(frozenset(checks))
        super().save(bucket, checks)
