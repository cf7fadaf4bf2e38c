"""1h signals on real 5m candles: every ending equals that of the independent resolver."""

import os
from bisect import bisect_left
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from signalbox.domain.instants import from_ms, to_ms
from signalbox.domain.market.candles import Candle, CandleGrid
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.batch_resolution import settle_many
from signalbox.domain.signals.costs import DEFAULT_COSTS
from signalbox.domain.signals.generation import find_all
from signalbox.domain.signals.resolution import settle
from signalbox.domain.signals.signal import Origin, Signal, SignalType
from signalbox.domain.strategies.registry import strategies
from signalbox.services.generate_signals import Provenance, publish
from tests.naive_resolver import Outcome, resolve
from tests.proof import cases
from tests.unit.domain.signals.cases import make_signal

HOUR = 3_600_000
DAYS = cases(30, 181)
PER_SYMBOL = 100
PROVENANCE = Provenance(Origin.REPLAY, "test")


@pytest.fixture(scope="module")
def candles() -> dict[str, list[Candle]]:
    """A month of 5m candles by symbol (the half year in `make prove`), one in five hundred taken away, so that holes
    occur."""
    folder = os.environ.get("SIGNALBOX_DATA")
    if not folder:
        pytest.skip("SIGNALBOX_DATA names no folder of real candles")
    table = pytest.importorskip("pyarrow.parquet").read_table(
        Path(folder) / "candles-5m-2024H1-24-symbols.parquet",
        filters=[("date", "<", from_ms(1_704_067_200_000 + DAYS * 24 * HOUR))],
    )
    columns = [table[name].to_pylist() for name in ("open", "high", "low", "close", "volume")]
    times = np.asarray(table["date"]).astype("datetime64[ms]").astype(np.int64).tolist()
    by_symbol: dict[str, list[Candle]] = {}
    rng = np.random.default_rng(5)
    for symbol, time, kept, *row in zip(
        table["symbol"].to_pylist(), times, rng.random(len(times)) > 0.002, *columns, strict=True
    ):
        if kept:
            by_symbol.setdefault(symbol.replace("_", "/"), []).append(Candle(time, *row))
    return by_symbol


def random_signals(symbol: str, candles: list[Candle], rng: np.random.Generator) -> list[Signal]:
    """Signals at random full hours: levels 0.2 to 3 % away, so that hits, ties, gaps and expiries all occur."""
    signals = []
    for at in rng.integers(0, len(candles) - 600, PER_SYMBOL):
        time = (candles[at].time // HOUR + 1) * HOUR
        near = next(candle for candle in candles[at:] if candle.time >= time - 300_000)
        entry = Decimal(repr(near.close))
        buy = bool(rng.random() < 0.5)
        reach, risk = (Decimal(repr(round(float(x), 4))) for x in rng.choice([0.002, 0.005, 0.01, 0.03], 2))
        side = 1 if buy else -1
        signals.append(
            make_signal(
                buy=buy,
                entry=str(entry),
                target=str(entry * (1 + side * reach)),
                stop=str(entry * (1 - side * risk)),
                symbol=symbol,
                created_at=from_ms(time),
                published_at=from_ms(time + int(rng.integers(0, 90_000))),
                expires_at=from_ms(time) + timedelta(hours=float(rng.choice([1, 8, 24, 36.02]))),
            )
        )
    return signals


def as_outcome(signal: Signal) -> Outcome:
    ending = signal.ending
    return Outcome(
        str(signal.status),
        int(ending.ended_at.timestamp() * 1000),
        None if ending.exit_price is None else float(ending.exit_price),
        ending.r,
        ending.optimistic_r,
        ending.ambiguous,
        None if signal.filled_price is None else float(signal.filled_price),
        ending.candles_hash,
    )


def hourly(candles: list[Candle], least: int = 12) -> list[Candle]:
    """1h candles of hours with at least so many 5m candles, to settle by, with the 5m ones to drill into."""
    hours: dict[int, list[Candle]] = {}
    for candle in candles:
        hours.setdefault(candle.time // HOUR * HOUR, []).append(candle)
    return [
        Candle(time, g[0].open, max(c.high for c in g), min(c.low for c in g), g[-1].close, sum(c.volume for c in g))
        for time, g in hours.items()
        if len(g) >= least
    ]


@pytest.mark.data
def test_every_ending_equals_that_of_the_independent_resolver(candles: dict[str, list[Candle]]):
    rng = np.random.default_rng(7)
    statuses: dict[str, int] = {}
    for symbol, series in candles.items():
        now = from_ms(series[-1].time) + timedelta(days=2)
        signals = random_signals(symbol, series, rng)
        grid = CandleGrid.from_columns("binance", Timeframe.M5, {symbol: series}, series[0].time, series[-1].time)
        for signal, batch in zip(signals, settle_many(signals, grid, now=now), strict=True):
            one = settle(signal, series, timeframe=Timeframe.M5, now=now)
            start = bisect_left(series, signal.created_at.timestamp() * 1000, key=lambda candle: candle.time)
            assert as_outcome(one) == resolve(signal, series[start : start + 500], 300_000, DEFAULT_COSTS.side_fraction)
            assert batch == one
            statuses[str(one.status)] = statuses.get(str(one.status), 0) + 1
    assert sum(statuses.values()) == PER_SYMBOL * len(candles)
    assert min(statuses.get(status, 0) for status in ("TARGET_HIT", "STOP_HIT", "EXPIRED", "DATA_GAP")) > 5


@pytest.mark.data
def test_every_drilled_ending_equals_that_of_the_independent_resolver(candles: dict[str, list[Candle]]):
    rng = np.random.default_rng(8)
    drilled = 0
    for symbol, series in candles.items():
        full = hourly(series)
        by_time = {candle.time: candle for candle in series}
        now = from_ms(series[-1].time) + timedelta(days=2)

        def finer(start: int, end: int, by_time: dict[int, Candle] = by_time) -> list[Candle]:
            return [by_time[time] for time in range(start, end, 300_000) if time in by_time]

        for signal in random_signals(symbol, series, rng)[:40]:
            one = settle(signal, full, timeframe=Timeframe.H1, now=now, finer=finer)
            assert as_outcome(one) == resolve(signal, full, HOUR, DEFAULT_COSTS.side_fraction, finer)
            drilled += one.ending.ended_at.minute != 0
    assert drilled > 20


@pytest.mark.data
@pytest.mark.prove
def test_every_1h_signal_that_any_strategy_gives_ends_as_the_independent_resolver_says(
    candles: dict[str, list[Candle]],
) -> None:
    columns = {symbol: hourly(series, least=1) for symbol, series in candles.items()}
    first, last = min(each[0].time for each in columns.values()), max(each[-1].time for each in columns.values())
    grid = CandleGrid.from_columns("binance", Timeframe.H1, columns, first, last)
    given: dict[str, list[Signal]] = {symbol: [] for symbol in candles}
    for candidate in find_all(grid, price_steps=dict.fromkeys(candles, Decimal("0.00000001"))):
        if candidate.levels is not None:
            published = publish(candidate, candidate.created_at + timedelta(seconds=10), PROVENANCE)
            given[candidate.symbol].append(published)
    statuses: Counter[str] = Counter()
    for symbol, series in candles.items():
        times, now = [candle.time for candle in series], from_ms(last) + timedelta(days=9)
        settled = settle_many(
            given[symbol], CandleGrid.from_columns("binance", Timeframe.M5, {symbol: series}, first, times[-1]), now=now
        )
        for signal, ended in zip(given[symbol], settled, strict=True):
            life = slice(
                bisect_left(times, to_ms(signal.created_at)), bisect_left(times, to_ms(signal.expires_at)) + 12
            )
            assert as_outcome(ended) == resolve(signal, series[life], 300_000, DEFAULT_COSTS.side_fraction)
            statuses[str(ended.status)] += 1
    names = {signal.strategy for signals in given.values() for signal in signals}
    assert names == {strategy.name for strategy in strategies()}
    assert statuses.total() > 20 * DAYS
    assert min(statuses[status] for status in ("TARGET_HIT", "STOP_HIT", "EXPIRED")) > DAYS


def test_the_two_resolvers_share_no_code():
    source = Path(resolve.__code__.co_filename).read_text(encoding="utf-8")
    assert "import signalbox" not in source
    assert "from signalbox" not in source
    assert SignalType.BUY.value == "BUY"
