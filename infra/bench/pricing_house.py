"""A house for the benchmark: 2,000 open signals on recorded candles, re-priced and their symbols looked at for alerts,
over stores that count their items."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from infra.bench.counting import (
    CountingCandles,
    CountingChanges,
    CountingChecks,
    CountingFrames,
    CountingSignals,
    CountingUniverse,
)
from infra.bench.registry import SkippedError
from signalbox.domain.alerts.alert import Window
from signalbox.domain.instants import from_ms
from signalbox.domain.market.candles import Candle
from signalbox.domain.market.consensus import ConsensusPrice, PriceFrame, agree_all
from signalbox.domain.market.quotes import Quote
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import Levels, Origin, Signal, SignalType
from signalbox.domain.universe.planning import plan
from signalbox.domain.universe.shards import Shard
from signalbox.domain.universe.universe import Member, Universe
from signalbox.services.evaluate_alerts import evaluate_alerts
from signalbox.services.quotes import QuoteRound
from signalbox.services.reprice_signals import reprice_shard
from tests.fakes.alerts import InMemoryAlerts
from tests.fakes.delivery import InMemoryAccounts
from tests.fakes.market import FakeExchange

SYMBOLS, OPEN_SIGNALS = 200, 2000
BUCKET_SYMBOLS, SHARD_SYMBOLS = 100, 40
STEP = Timeframe.M5.milliseconds
MINUTE = 60_000
HOUR = 12 * STEP
GRACE_SECONDS = 10
WARM_UP_MINUTES = 4
EXCHANGES = ("binance", "bybit", "kraken")


@dataclass(frozen=True)
class Recorded:
    """5m candles of 24 symbols: `times` (n,) epoch ms; `prices` (n, 24, 4) open, high, low, close."""

    names: tuple[str, ...]
    times: Any
    prices: Any

    @classmethod
    def load(cls) -> "Recorded":
        """Read the candles in `SIGNALBOX_DATA`; raise SkippedError if it is not set."""
        folder = os.environ.get("SIGNALBOX_DATA")
        if not folder:
            raise SkippedError("SIGNALBOX_DATA names no folder of recorded candles")
        from pyarrow import parquet

        table = parquet.read_table(Path(folder) / "candles-5m-2024H1-24-symbols.parquet")
        times = np.asarray(table["date"]).astype("datetime64[ms]").astype(np.int64)
        names, column = np.unique(np.asarray(table["symbol"].to_pylist()), return_inverse=True)
        grid = np.unique(times)
        prices = np.full((len(grid), len(names), 4), np.nan)
        row = np.searchsorted(grid, times)
        for at, name in enumerate(("open", "high", "low", "close")):
            prices[row, column, at] = np.asarray(table[name])
        return cls(tuple(str(name).replace("_", "/") for name in names), grid, prices)

    def minutes(self) -> dict[str, int]:
        """Return the close (epoch ms) of a calm, a normal and the worst 5m candle, by the move of all symbols."""
        moves = np.nanmean(self.prices[:, :, 3] / self.prices[:, :, 0] - 1, axis=1)[300:-300]
        size = np.abs(moves)
        at = {
            "calm": int(np.argmin(np.abs(size - np.quantile(size, 0.05)))),
            "normal": int(np.argmin(np.abs(size - np.median(size)))),
            "crash": int(np.argmin(moves)),
        }
        return {kind: int(self.times[300 + row]) + STEP for kind, row in at.items()}


class House:
    """2,000 open signals over 200 symbols in two buckets, made of 24 recorded ones, filled
    at the open of the candle that closes at `moment`."""

    def __init__(self, recorded: Recorded, moment: int) -> None:
        self.count: Counter[str] = Counter()
        copies = [
            (f"{name.partition('/')[0]}{copy or ''}/USDT", at)
            for copy in range(9)
            for at, name in enumerate(recorded.names)
        ]
        self.column = dict(copies[:SYMBOLS])
        self.recorded, self.moment = recorded, moment
        members = tuple(Member(symbol, "binance", at // BUCKET_SYMBOLS) for at, symbol in enumerate(self.column))
        self.universe = Universe(from_ms(moment - 24 * HOUR), members)
        self.signals, self.frames = CountingSignals(self.count), CountingFrames(self.count)
        self.changes = CountingChanges(self.count, self.signals)
        self.candles, self.universes = CountingCandles(self.count), CountingUniverse(self.count, self.universe)
        self.alerts, self.checks = InMemoryAlerts(), CountingChecks(self.count)
        self.exchanges = [FakeExchange(exchange_id) for exchange_id in EXCHANGES]
        rng, filled = np.random.default_rng(1), moment - STEP
        for number in range(OPEN_SIGNALS):
            symbol = members[number % SYMBOLS].symbol
            self.signals.add(bench_signal(symbol, self._price(symbol, filled), filled, number, rng))
        for window in Window:
            self._store_frames(moment - window.length // timedelta(milliseconds=1))

    def cycle(self, at: int) -> Counter[str]:
        """Re-price every shard at `at` (epoch ms); return what that cost."""
        self.count.clear()
        changed = 0
        for exchange in self.exchanges:
            exchange.quoted = {symbol: self._quote(symbol, exchange.exchange_id, at) for symbol in self.column}
        self.exchanges[0].stored = {symbol: self._candles(symbol, at) for symbol in self.column}
        shards = plan(
            self.universe.members,
            job="reprice_signals",
            timeframe=Timeframe.M5,
            as_of=from_ms(at),
            shard_symbols=SHARD_SYMBOLS,
        )
        for shard in shards:
            report = reprice_shard(
                shard,
                exchanges=self.exchanges,
                candles=self.candles,
                signals=self.signals,
                changes=self.changes,
                frames=self.frames,
                universes=self.universes,
                now=from_ms(at) + timedelta(seconds=GRACE_SECONDS),
                grace_seconds=GRACE_SECONDS,
                ask=_ask,
                then=lambda prices, opened, shard=shard: self._check_alerts(shard, prices, opened),  # type: ignore[misc]
            )
            changed += report.fills + report.revisions + report.endings
            # A reservation of each exchange's budget.
            self.count["requests"] += len(EXCHANGES)
            self.count["items written"] += len(EXCHANGES)
        return self.count + Counter({"changed": changed})

    def _check_alerts(self, shard: Shard, prices: Mapping[str, ConsensusPrice], opened: Sequence[Signal]) -> None:
        evaluate_alerts(
            shard,
            prices,
            opened,
            alerts=self.alerts,
            checks=self.checks,
            accounts=InMemoryAccounts(),
            candles=self.candles,
            frames=self.frames,
            now=shard.as_of + timedelta(seconds=GRACE_SECONDS),
            grace_seconds=GRACE_SECONDS,
        )

    def _store_frames(self, at: int) -> None:
        """Store what was quoted at `at` (epoch ms): what moves within a window are measured from."""
        quotes = [self._quote(symbol, exchange_id, at) for symbol in self.column for exchange_id in EXCHANGES]
        prices = agree_all(quotes, now_ms=at).prices
        for bucket in {member.bucket for member in self.universe.members}:
            mine = [member.symbol for member in self.universe.members if member.bucket == bucket]
            self.frames.save(PriceFrame(bucket, from_ms(at), {symbol: prices[symbol] for symbol in mine}))

    def _row(self, at: int) -> int:
        return int(np.searchsorted(self.recorded.times, at - at % STEP))

    def _price(self, symbol: str, at: int) -> float:
        """The price on the way from a candle's open to its close."""
        opened, _, _, close = self.recorded.prices[self._row(at), self.column[symbol]]
        return float(opened + (close - opened) * (at % STEP) / STEP)

    def _quote(self, symbol: str, exchange_id: str, at: int) -> Quote:
        price = self._price(symbol, at)
        return Quote(symbol, exchange_id, at, price * 0.9999, price * 1.0001, price, 1e6)

    def _candles(self, symbol: str, at: int) -> list[Candle]:
        rows = range(self._row(at - HOUR), self._row(at) + 1)
        prices = self.recorded.prices[:, self.column[symbol]]
        found = []
        for row in rows:
            opened, high, low, close = (float(price) for price in prices[row])
            found.append(Candle(int(self.recorded.times[row]), opened, high, low, close, 1.0))
        return found


def _ask(exchanges: Sequence[Any], symbols: Sequence[str]) -> QuoteRound:
    return QuoteRound([quote for exchange in exchanges for quote in exchange.quotes(symbols).values()], {})


def bench_signal(symbol: str, price: float, at: int, number: int, rng: np.random.Generator) -> Signal:
    """An open, filled signal with the stop 1.5 % and the target 3 % away, as trend strategies give them."""
    side = 1 if rng.random() < 0.5 else -1
    entry = Decimal(repr(price))
    created = from_ms(at - number * 1000)
    return Signal(
        symbol=symbol,
        exchange="binance",
        timeframe=Timeframe.H1,
        strategy=f"bench_{number}",
        strategy_version=1,
        signal_type=SignalType.BUY if side == 1 else SignalType.SELL,
        levels=Levels(
            entry_price=entry,
            target_price=entry * (1 + side * Decimal("0.03")),
            stop_loss=entry * (1 - side * Decimal("0.015")),
        ),
        created_at=created,
        published_at=created,
        expires_at=from_ms(at + 24 * HOUR),
        quality_score=50.0,
        quality_parts={},
        confidence=None,
        regime="UP/NORMAL",
        reasons={},
        summary="",
        features={"atr_14_pct": 0.8},
        feature_version=1,
        origin=Origin.SIMULATED,
        code_version="bench",
        filled_price=entry,
        filled_at=from_ms(at),
        checked_until=from_ms(at),
    )
