"""In-memory ports of what readers look at: candles one symbol at a time, and queues."""

from dataclasses import dataclass, field

from signalbox.domain.market.candle import Candle
from signalbox.domain.market.candles import COLUMNS, CandleGrid
from signalbox.domain.market.timeframe import Timeframe
from signalbox.ports.market import CandleStore
from signalbox.ports.work import QueueDepth
from tests.fakes.market import InMemoryCandles


@dataclass
class InMemoryCandleReader:
    """`ports.CandleReader` on what a fake store holds."""

    store: InMemoryCandles = field(default_factory=InMemoryCandles)

    def read(  # noqa: PLR0917 - the port's own
        self, exchange: str, timeframe: Timeframe, bucket: int, symbol: str, first_open: int, last_open: int
    ) -> list[Candle]:
        return sorted(
            candle
            for key, candle in self.store.stored.items()
            if key[:4] == (exchange, timeframe, bucket, symbol) and first_open <= candle.time <= last_open
        )

    def newest_open(self, exchange: str, timeframe: Timeframe, bucket: int) -> int | None:
        return max((key[4] for key in self.store.stored if key[:3] == (exchange, timeframe, bucket)), default=None)


@dataclass
class FixedQueueWatch:
    """`ports.QueueWatch` that always sees the same."""

    seen: list[QueueDepth] = field(default_factory=list)

    def depths(self) -> list[QueueDepth]:
        return list(self.seen)


def save_in_turn(store: CandleStore, grid: CandleGrid, bucket: int) -> None:
    """Save a grid row by row: the store writes many at once in threads, which moto does not stand."""
    for row in range(len(grid.times)):
        cells = (getattr(grid, name)[row : row + 1] for name in COLUMNS)
        store.save(CandleGrid(grid.exchange, grid.timeframe, grid.symbols, grid.times[row : row + 1], *cells), bucket)
