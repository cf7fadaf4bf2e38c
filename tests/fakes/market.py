"""Candles, prices and an exchange in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np

from signalbox.adapters.storage.exchange_budgets import WINDOW_MS, refuse_banned, require_weight, spent_error
from signalbox.domain.instants import to_ms
from signalbox.domain.market.candles import COLUMNS, Candle, CandleGrid
from signalbox.domain.market.consensus import ConsensusPrice, PriceFrame
from signalbox.domain.market.data_revision import DataRevision
from signalbox.domain.market.gaps import MOST_ATTEMPTS, Gap, StoredCandles
from signalbox.domain.market.quotes import Quote
from signalbox.domain.market.timeframe import Timeframe
from signalbox.ports.market import Compaction, Market


class InMemoryCandles:
    """`ports.CandleStore`. Of two candles of one time the one saved first counts."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, str, int, str, int], Candle] = {}
        self.gaps: dict[tuple[str, str, int, str, int], Gap] = {}
        self.revisions: dict[tuple[str, str, str], list[DataRevision]] = {}
        self.packed: dict[tuple[str, str, int], int] = {}

    def load(  # noqa: PLR0917 - the port's own
        self, exchange: str, timeframe: Timeframe, bucket: int, symbols: Sequence[str], first_open: int, last_open: int
    ) -> CandleGrid:
        columns: dict[str, list[Candle]] = {symbol: [] for symbol in symbols}
        for (*series, symbol, time), candle in self.stored.items():
            if series == [exchange, timeframe, bucket] and symbol in columns and first_open <= time <= last_open:
                columns[symbol].append(candle)
        return CandleGrid.from_columns(exchange, timeframe, columns, first_open, last_open)

    def save(self, grid: CandleGrid, bucket: int) -> CandleGrid:
        columns = {
            symbol: [
                self.stored.setdefault((grid.exchange, str(grid.timeframe), bucket, symbol, candle.time), candle)
                for candle in grid.column(symbol)
            ]
            for symbol in grid.symbols
        }
        times = grid.times if len(grid.times) else np.array([0, -1])
        return CandleGrid.from_columns(grid.exchange, grid.timeframe, columns, int(times[0]), int(times[-1]))

    def read(  # noqa: PLR0917 - the port's own
        self, exchange: str, timeframe: Timeframe, bucket: int, symbols: Sequence[str], first_open: int, last_open: int
    ) -> StoredCandles:
        grid = self.load(exchange, timeframe, bucket, symbols, first_open, last_open)
        found = [
            gap
            for (*series, symbol, end), gap in self.gaps.items()
            if series == [exchange, timeframe, bucket] and symbol in symbols and first_open <= end <= last_open
        ]
        return StoredCandles(grid, (*found, *self._packed_gaps(grid, bucket)))

    def note_gaps(self, exchange: str, timeframe: Timeframe, bucket: int, gaps: Sequence[Gap]) -> None:
        for gap in gaps:
            key = (exchange, str(timeframe), bucket, gap.symbol, gap.last_open)
            known = self.gaps.get(key)
            if known is None or known.asked_at < gap.asked_at:
                self.gaps[key] = replace(gap, attempts=known.attempts + 1 if known else 1)

    def add_revisions(self, exchange: str, timeframe: Timeframe, revisions: Sequence[DataRevision]) -> int:
        added = 0
        for revision in revisions:
            known = self.revisions.setdefault((exchange, str(timeframe), revision.symbol), [])
            if all((each.stored, each.came) != (revision.stored, revision.came) for each in known):
                known.append(revision)
                added += 1
        return added

    def revisions_of(self, exchange: str, timeframe: Timeframe, symbol: str) -> list[DataRevision]:
        found = self.revisions.get((exchange, str(timeframe), symbol), [])
        return sorted(found, key=lambda revision: (revision.stored.time, revision.seen_at))

    def compact(
        self, exchange: str, timeframe: Timeframe, bucket: int, symbols: Sequence[str], upto: int
    ) -> Compaction:
        """`ports.CandleCompactor`: nothing to pack, only the mark until which gaps are genuine."""
        series = (exchange, str(timeframe), bucket)
        before = self.packed.get(series, -1)
        times = {key[4] for key in self.stored if key[:3] == series and before < key[4] <= upto}
        self.packed[series] = max(before, upto)
        return Compaction(chunks=len(symbols) if times else 0, frames=len(times))

    def packed_upto(self, exchange: str, timeframe: Timeframe, bucket: int) -> int | None:
        return self.packed.get((exchange, str(timeframe), bucket))

    def _packed_gaps(self, grid: CandleGrid, bucket: int) -> list[Gap]:
        upto = self.packed.get((grid.exchange, str(grid.timeframe), bucket))
        if upto is None:
            return []
        found = []
        for column, symbol in enumerate(grid.symbols):
            series = (grid.exchange, str(grid.timeframe), bucket, symbol)
            times = [key[4] for key in self.stored if key[:4] == series and key[4] <= upto]
            for row in np.flatnonzero(~grid.present[:, column]):
                time = int(grid.times[row])
                if times and min(times) < time < max(times):
                    found.append(Gap(symbol, time, time, MOST_ATTEMPTS, 0))
        return found


class InMemoryExchangeBudgets:
    """`ports.ExchangeBudgets`; `reservations` lists what was asked for."""

    def __init__(self) -> None:
        self.windows: dict[str, tuple[int, int]] = {}
        self.bans: dict[str, int] = {}
        self.reservations: list[tuple[str, int]] = []

    def reserve(self, exchange_id: str, weight: int, limit: int, now: datetime) -> None:
        require_weight(weight, limit)
        self.reservations.append((exchange_id, weight))
        refuse_banned(exchange_id, self.bans.get(exchange_id), to_ms(now))
        asked = to_ms(now) - to_ms(now) % WINDOW_MS
        window, spent = self.windows.get(exchange_id, (asked, 0))
        if window < asked:
            window, spent = asked, 0
        if spent + weight > limit:
            raise spent_error(exchange_id, weight, spent, limit, window + WINDOW_MS - to_ms(now))
        self.windows[exchange_id] = (window, spent + weight)

    def ban(self, exchange_id: str, until: datetime) -> None:
        self.bans[exchange_id] = max(to_ms(until), self.bans.get(exchange_id, 0))


class InMemoryPriceFrames:
    """`ports.PriceFrameStore`: each shard's part of a bucket's cycle on its own, merged when read."""

    def __init__(self) -> None:
        self.stored: dict[tuple[int, datetime], dict[frozenset[str], PriceFrame]] = {}

    def save(self, frame: PriceFrame) -> bool:
        parts = self.stored.setdefault((frame.bucket, frame.as_of), {})
        part = frozenset(frame.asked or frame.prices)
        if part in parts and parts[part].newest > frame.newest:
            return False
        parts[part] = frame
        return True

    def latest(self, bucket: int) -> PriceFrame | None:
        newest = max((key for key in self.stored if key[0] == bucket), default=None)
        return None if newest is None else self._merged(newest)

    def before(self, bucket: int, moment: datetime, count: int) -> list[PriceFrame]:
        cycles = sorted((key for key in self.stored if key[0] == bucket and key[1] < moment), reverse=True)
        return [self._merged(key) for key in cycles[:count]]

    def after(self, bucket: int, moment: datetime, count: int) -> list[PriceFrame]:
        cycles = sorted(key for key in self.stored if key[0] == bucket and key[1] > moment)
        return [self._merged(key) for key in cycles[:count]]

    def _merged(self, key: tuple[int, datetime]) -> PriceFrame:
        prices: dict[str, ConsensusPrice] = {}
        silent: dict[str, str] = {}
        settled: dict[str, int] = {}
        refused: dict[str, Mapping[str, str]] = {}
        for part in self.stored[key].values():
            silent |= part.silent
            refused |= part.refused
            settled |= part.settled
            for symbol, price in part.prices.items():
                if symbol not in prices or price.time > prices[symbol].time:
                    prices[symbol] = price
        refused = {symbol: why for symbol, why in refused.items() if symbol not in prices}
        return PriceFrame(*key, prices, silent, settled=settled, refused=refused)


@dataclass
class FakeExchange:
    """`ports.Exchange`: what it is told to answer.

    `candle_errors` raise for one symbol, `quote_error` and `market_error` for every call; `calls` lists what was asked.
    """

    exchange_id: str = "binance"
    listed: dict[str, Market] = field(default_factory=dict)
    stored: dict[str, list[Candle]] = field(default_factory=dict)
    quoted: dict[str, Quote] = field(default_factory=dict)
    candle_errors: dict[str, Exception] = field(default_factory=dict)
    quote_error: Exception | None = None
    market_error: Exception | None = None
    calls: list[tuple[Any, ...]] = field(default_factory=list)

    def markets(self) -> Mapping[str, Market]:
        self.calls.append(("markets",))
        if self.market_error is not None:
            raise self.market_error
        return self.listed

    def candles(self, symbol: str, timeframe: Timeframe, since: int, limit: int) -> list[Candle]:
        self.calls.append(("candles", symbol, timeframe, since, limit))
        if symbol in self.candle_errors:
            raise self.candle_errors[symbol]
        return [candle for candle in self.stored.get(symbol, []) if candle.time >= since][:limit]

    def quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        self.calls.append(("quotes", *symbols))
        if self.quote_error is not None:
            raise self.quote_error
        return {symbol: self.quoted[symbol] for symbol in symbols if symbol in self.quoted}


def same_grid(one: CandleGrid, other: CandleGrid) -> bool:
    """Whether two grids hold the same candles, holes included, to the last bit of each number."""
    return (one.exchange, one.timeframe, one.symbols) == (other.exchange, other.timeframe, other.symbols) and all(
        np.array_equal(getattr(one, name), getattr(other, name), equal_nan=name != "times")
        for name in ("times", *COLUMNS)
    )
