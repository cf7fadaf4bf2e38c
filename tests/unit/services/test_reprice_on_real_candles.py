"""1h signals re-priced cycle by cycle on real 5m candles: each ends as the independent resolver says."""

import os
from bisect import bisect_left
from collections import Counter
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from signalbox.domain.instants import from_ms, to_ms
from signalbox.domain.market.candles import Candle, CandleGrid
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.costs import DEFAULT_COSTS
from signalbox.domain.signals.signal import Signal
from signalbox.ports.market import CandleStore
from tests.fakes.market import InMemoryCandles
from tests.naive_resolver import resolve
from tests.proof import cases
from tests.unit.domain.signals.cases import make_signal
from tests.unit.domain.signals.test_resolution_on_real_candles import as_outcome
from tests.unit.services.repricing_house import House

STEP = Timeframe.M5.milliseconds
HOUR = 12 * STEP
START = 1_704_067_200_000 + 10 * 24 * HOUR
DAYS = cases(3, 14)
PER_SYMBOL = 4 * DAYS


class SeriesStore(InMemoryCandles):
    """Only ever asked for spans of series that are handed in whole, so reading is slicing."""

    def __init__(self, series: dict[str, list[Candle]]) -> None:
        super().__init__()
        self._series = series
        self._times = {symbol: [candle.time for candle in candles] for symbol, candles in series.items()}

    def load(self, exchange, timeframe, bucket, symbols, first_open, last_open):  # noqa: ARG002, PLR0917 - the port's own
        columns = {}
        for symbol in symbols:
            times = self._times[symbol] if timeframe is Timeframe.M5 else []
            columns[symbol] = self._series[symbol][bisect_left(times, first_open) : bisect_left(times, last_open + 1)]
            columns[symbol] = columns[symbol] if timeframe is Timeframe.M5 else []
        return CandleGrid.from_columns(exchange, timeframe, columns, first_open, last_open)


@pytest.fixture(scope="module")
def series() -> dict[str, list[Candle]]:
    """Some days of 5m candles by symbol, one in a hundred taken away, so that holes occur."""
    folder = os.environ.get("SIGNALBOX_DATA")
    if not folder:
        pytest.skip("SIGNALBOX_DATA names no folder of real candles")
    first, last = from_ms(START), from_ms(START + (DAYS + 1) * 24 * HOUR)
    table = pytest.importorskip("pyarrow.parquet").read_table(
        Path(folder) / "candles-5m-2024H1-24-symbols.parquet",
        filters=[("date", ">=", first), ("date", "<", last)],
    )
    columns = [table[name].to_pylist() for name in ("open", "high", "low", "close", "volume")]
    times = np.asarray(table["date"]).astype("datetime64[ms]").astype(np.int64).tolist()
    rng = np.random.default_rng(6)
    found: dict[str, list[Candle]] = {}
    rows = zip(table["symbol"].to_pylist(), times, rng.random(len(times)) > 0.01, *columns, strict=True)
    for symbol, time, kept, *row in rows:
        if kept:
            found.setdefault(symbol.replace("_", "/"), []).append(Candle(time, *row))
    return found


def random_signals(series: dict[str, list[Candle]]) -> list[Signal]:
    """Signals at random full hours of all days but the last, 0.4 to 5 % from their levels, good for up to a day."""
    rng = np.random.default_rng(9)
    signals = []
    for symbol, candles in series.items():
        for hour in rng.choice(np.arange(1, 24 * (DAYS - 1)), PER_SYMBOL, replace=False).tolist():
            created = START + hour * HOUR
            near = candles[bisect_left(candles, created, key=lambda candle: candle.time) - 1]
            entry, side = Decimal(repr(near.close)), 1 if rng.random() < 0.5 else -1
            reach, risk = (Decimal(repr(round(float(x), 4))) for x in rng.choice([0.004, 0.008, 0.02, 0.05], 2))
            signals.append(
                make_signal(
                    buy=side == 1,
                    entry=str(entry),
                    target=str(entry * (1 + side * reach)),
                    stop=str(entry * (1 - side * risk)),
                    symbol=symbol,
                    created_at=from_ms(created),
                    published_at=from_ms(created + 11_000),
                    expires_at=from_ms(created + int(rng.choice([4, 8, 24])) * HOUR),
                )
            )
    return signals


def price_at(candles: list[Candle], moment: int) -> float:
    return candles[max(0, bisect_left(candles, moment, key=lambda candle: candle.time) - 1)].close


@pytest.mark.data
@pytest.mark.prove
def test_every_signal_ends_as_the_independent_resolver_says(series: dict[str, list[Candle]]):
    store: CandleStore = SeriesStore(series)
    house = House(tuple(series), timeframe=Timeframe.M5, candles=store)
    signals = random_signals(series)
    waiting = sorted(signals, key=lambda signal: signal.created_at)
    changes: Counter[str] = Counter()
    rng = np.random.default_rng(10)
    for as_of in range(START, START + (DAYS + 1) * 24 * HOUR, STEP):
        moment = from_ms(as_of)
        while waiting and waiting[0].created_at <= moment:
            house.signals.add(waiting.pop(0))
        if rng.random() < 0.1:  # A cycle that was missed is caught up by the next one.
            continue
        house.show(moment, {symbol: price_at(candles, as_of) for symbol, candles in series.items()})
        report = house.reprice(moment)
        changes += Counter(endings=report.endings, revisions=report.revisions)
        assert all(signal.expires_at >= moment for signal in house.signals.open_of(series))

    outcomes: Counter[str] = Counter()
    for signal in signals:
        stored = house.signals.get(signal.signal_id)
        candles = series[signal.symbol]
        span = slice(
            bisect_left(candles, to_ms(signal.created_at), key=lambda candle: candle.time),
            bisect_left(candles, to_ms(signal.expires_at) + HOUR, key=lambda candle: candle.time),
        )
        assert as_outcome(stored) == resolve(signal, candles[span], STEP, DEFAULT_COSTS.side_fraction), signal.signal_id
        assert stored.levels == signal.levels
        outcomes[str(stored.status)] += 1
        records = house.history.of_signal(signal.signal_id)
        assert [record["number"] for record in records] == list(range(1, len(records) + 1))
        assert [record["kind"] for record in records].count("ended") == 1
    assert outcomes.total() == changes["endings"] == PER_SYMBOL * len(series)
    assert min(outcomes[status] for status in ("TARGET_HIT", "STOP_HIT", "EXPIRED", "DATA_GAP")) > 5
    assert changes["revisions"] > 100
