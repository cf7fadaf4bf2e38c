"""The warm window: fewer reads, and never another answer than the store's own."""

from dataclasses import replace

import numpy as np
import pytest

from signalbox.adapters.storage.warm_candles import ALWAYS_READ, WarmCandleStore
from signalbox.domain.instants import to_ms
from signalbox.domain.market.candles import Candle, CandleGrid
from signalbox.domain.market.data_revision import DataRevision
from signalbox.domain.market.gaps import MOST_ATTEMPTS, Gap, StoredCandles
from signalbox.domain.market.timeframe import Timeframe
from tests.builders import NOW, make_grid
from tests.fakes.market import InMemoryCandles, same_grid

H1 = Timeframe.H1
HOUR = H1.milliseconds
START = to_ms(NOW)
SYMBOLS = ("A/USDT", "B/USDT")


class CountingCandles(InMemoryCandles):
    """Candles that remember which spans were read, in candles after START."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[tuple[int, int]] = []

    def read(self, exchange, timeframe, bucket, symbols, first_open, last_open) -> StoredCandles:  # noqa: PLR0917
        self.reads.append(((first_open - START) // HOUR, (last_open - START) // HOUR))
        return super().read(exchange, timeframe, bucket, symbols, first_open, last_open)


@pytest.fixture
def store() -> CountingCandles:
    return CountingCandles()


@pytest.fixture
def warm(store: CountingCandles) -> WarmCandleStore:
    return WarmCandleStore(store)


def closes(count: int, start: float = 1.0) -> list[float]:
    return (start + np.arange(count) / 8).tolist()


def fill(store: InMemoryCandles, count: int) -> None:
    store.save(make_grid({"A/USDT": closes(count), "B/USDT": closes(count, 5.0)}), 0)


def window(store: InMemoryCandles | WarmCandleStore, first: int, last: int, symbols=SYMBOLS) -> CandleGrid:
    return store.load("binance", H1, 0, symbols, START + first * HOUR, START + last * HOUR)


def test_the_next_turn_reads_the_newest_rows_alone(store: CountingCandles, warm: WarmCandleStore):
    fill(store, 20)
    window(warm, 0, 19)
    fill(store, 21)
    found = window(warm, 1, 20)

    assert store.reads == [(0, 19), (20 - ALWAYS_READ, 20)]
    assert same_grid(found, window(cold_view(store), 1, 20))


def cold_view(store: InMemoryCandles) -> InMemoryCandles:
    cold = InMemoryCandles()
    cold.stored, cold.gaps, cold.packed = store.stored, store.gaps, store.packed
    return cold


def same_as_cold(store: CountingCandles, warm: WarmCandleStore, first: int, last: int, symbols=SYMBOLS) -> bool:
    return same_grid(window(warm, first, last, symbols), window(cold_view(store), first, last, symbols))


def test_many_turns_read_what_the_store_holds(store: CountingCandles, warm: WarmCandleStore):
    for turn in range(12, 30):
        fill(store, turn + 1)
        assert same_as_cold(store, warm, turn - 11, turn)
    assert sum(last - first + 1 for first, last in store.reads[1:]) <= 17 * (ALWAYS_READ + 1)


def test_newer_frames_of_another_worker_are_seen(store: CountingCandles, warm: WarmCandleStore):
    fill(store, 10)
    window(warm, 0, 9)
    fill(store, 16)

    assert same_as_cold(store, warm, 6, 15)
    assert window(warm, 6, 15).present.all()


def test_another_workers_late_version_of_a_candle_changes_nothing(store: CountingCandles, warm: WarmCandleStore):
    fill(store, 10)
    window(warm, 0, 9)
    fuller = make_grid({"A/USDT": [7.0]}, start=NOW)
    fuller = replace(fuller, times=np.array([START + 9 * HOUR]), volume=np.array([[99.0]]))
    stored = warm.save(fuller, 0)

    assert stored.close[0, 0] != 7.0
    assert same_as_cold(store, warm, 0, 9)


def test_a_hole_that_another_worker_filled_is_seen(store: CountingCandles, warm: WarmCandleStore):
    store.save(make_grid({"A/USDT": closes(12), "B/USDT": closes(4)}), 0)
    store.save(make_grid({"B/USDT": closes(12)[6:]}, start=NOW + 6 * (NOW - NOW.replace(hour=12))), 0)
    assert not window(warm, 0, 11).present.all()
    fill(store, 12)

    assert window(warm, 0, 11).present.all()


def test_a_genuine_gap_is_not_read_again(store: CountingCandles, warm: WarmCandleStore):
    fill(store, 20)
    for time in (3, 4):
        del store.stored["binance", "1h", 0, "B/USDT", START + time * HOUR]
    for attempt in range(MOST_ATTEMPTS):
        gap = Gap("B/USDT", START + 3 * HOUR, START + 4 * HOUR, 1, START + (5 + attempt) * HOUR)
        store.note_gaps("binance", H1, 0, [gap])
    window(warm, 0, 19)
    store.reads.clear()
    found = warm.read("binance", H1, 0, SYMBOLS, START, START + 20 * HOUR)

    assert store.reads == [(18, 20)]
    assert found.settled[:20].all()
    assert not found.grid.present[3, 1]


def test_another_split_of_the_bucket_is_another_window(store: CountingCandles, warm: WarmCandleStore):
    fill(store, 10)
    window(warm, 0, 9)

    for symbols in (("B/USDT",), ("B/USDT", "A/USDT"), ("A/USDT", "C/USDT")):
        assert same_as_cold(store, warm, 0, 9, symbols)
    assert store.reads == [(0, 9)] * 4


def test_a_data_revision_changes_no_stored_candle_and_so_no_window(store: CountingCandles, warm: WarmCandleStore):
    fill(store, 10)
    before = window(warm, 0, 9)
    candle = Candle(START, 1.0, 1.0, 1.0, 1.0, 10.0)
    revision = DataRevision("A/USDT", candle, candle._replace(close=1.5, high=1.5), seen_at=START + 10 * HOUR)

    assert warm.add_revisions("binance", H1, [revision]) == 1
    assert warm.revisions_of("binance", H1, "A/USDT") == [revision]
    assert same_grid(window(warm, 0, 9), before)
    assert same_as_cold(store, warm, 0, 9)


def test_an_older_turn_and_a_longer_window_are_right(store: CountingCandles, warm: WarmCandleStore):
    fill(store, 30)
    window(warm, 10, 29)

    assert same_as_cold(store, warm, 8, 27)
    assert same_as_cold(store, warm, 10, 19)
    assert same_as_cold(store, warm, 0, 29)
    assert same_as_cold(store, warm, 29, 29)


def test_what_a_caller_does_to_its_grid_stays_its_own(store: CountingCandles, warm: WarmCandleStore):
    fill(store, 10)
    window(warm, 0, 9).close[:] = -1.0
    window(warm, 0, 9).close[:] = -1.0

    assert same_as_cold(store, warm, 0, 9)


def test_only_so_many_windows_are_kept(store: CountingCandles):
    warm = WarmCandleStore(store, most_windows=2)
    fill(store, 10)
    for symbols in (("A/USDT",), ("B/USDT",), SYMBOLS, ("A/USDT",)):
        window(warm, 0, 9, symbols)

    assert store.reads == [(0, 9)] * 4


def test_what_this_worker_wrote_counts_once_it_is_read(store: CountingCandles, warm: WarmCandleStore):
    warm.save(make_grid({"A/USDT": closes(10), "B/USDT": closes(10)}), 0)
    window(warm, 0, 9)

    assert store.reads == [(0, 9)]
