"""Compaction: whatever happens meanwhile, every candle is read as it was, and packed in the end."""

from collections.abc import Callable
from threading import Lock
from typing import Any

import numpy as np
import pytest
from botocore.exceptions import EndpointConnectionError

from signalbox.adapters.aws import client
from signalbox.adapters.storage.candle_table import FrameItem
from signalbox.adapters.storage.candles import DynamoCandleStore
from signalbox.adapters.storage.chunk_table import ChunkKey, StoredChunk, fetch_chunks, packed_upto, put_chunk
from signalbox.adapters.storage.compaction import DynamoCandleCompactor
from signalbox.adapters.storage.dynamo import call
from signalbox.domain.errors import StorageUnavailableError
from signalbox.domain.instants import from_ms
from signalbox.domain.market.candles import CandleGrid
from signalbox.domain.market.gaps import Gap
from signalbox.domain.market.packing import CHUNK_CANDLES
from signalbox.domain.market.timeframe import Timeframe
from tests.builders import make_grid
from tests.fakes.market import same_grid

H1 = Timeframe.H1
HOUR = H1.milliseconds
EDGE = 999 * CHUNK_CANDLES * HOUR
"""Where a chunk begins."""
SYMBOLS = ("A/USDT", "B/USDT", "C/USDT")


class Unreliable:
    """A client that lets through `calls` calls, and then none."""

    def __init__(self, inner: Any, calls: int) -> None:
        self._inner, self.left, self._lock = inner, calls, Lock()

    def __getattr__(self, name: str) -> Any:
        def made(**arguments: Any) -> Any:
            with self._lock:
                self.left -= 1
                if self.left < 0:
                    raise EndpointConnectionError(endpoint_url="http://dynamodb")
            return getattr(self._inner, name)(**arguments)

        return made


class Meddling:
    """A client that does something else just before each call of one operation."""

    def __init__(self, inner: Any, operation: str, meddle: Callable[[], object]) -> None:
        self._inner, self._operation, self._meddle = inner, operation, meddle

    def __getattr__(self, name: str) -> Any:
        if name == self._operation:
            self._meddle()
        return getattr(self._inner, name)


def candles(first: int, count: int, symbols: tuple[str, ...] = SYMBOLS, seed: int = 1) -> CandleGrid:
    """`count` candles of each symbol from `first` candles after `EDGE` on."""
    rng = np.random.default_rng(seed)
    closes = {symbol: (rng.uniform(1, 2, count)).round(4).tolist() for symbol in symbols}
    return make_grid(closes, start=from_ms(EDGE + first * HOUR))


def at(candle: int) -> int:
    return EDGE + candle * HOUR


def load(first: int, last: int, symbols: tuple[str, ...] = SYMBOLS) -> CandleGrid:
    return DynamoCandleStore().load("binance", H1, 0, symbols, at(first), at(last))


def compact(last: int, symbols: tuple[str, ...] = SYMBOLS) -> Any:
    return DynamoCandleCompactor().compact("binance", H1, 0, symbols, at(last))


def frame_times() -> list[int]:
    items = call("Scan", {"TableName": FrameItem.name()})["Items"]
    times = [int(item["time"]["N"]) for item in items if item["frame_series"]["S"] == "binance#1h#0"]
    return sorted((time - EDGE) // HOUR for time in times)


def test_what_is_packed_reads_as_before_and_its_frames_are_gone(tables: None):
    grid = candles(-10, 30)
    DynamoCandleStore().save(grid, 0)
    done = compact(7)

    assert (done.chunks, done.frames) == (6, 18)
    assert frame_times() == list(range(8, 20))
    assert same_grid(load(-10, 19), grid)


def test_packed_again_nothing_is_left_to_do(tables: None):
    DynamoCandleStore().save(candles(-10, 30), 0)
    compact(7)

    assert compact(7) == compact(7)
    assert (compact(7).chunks, compact(7).frames) == (0, 0)


@pytest.mark.parametrize("nights", [(3, 8, 14), (-4, -1, 25), (25,)])
def test_night_after_night_history_grows_and_nothing_of_it_changes(tables: None, nights: tuple[int, ...]):
    grid = candles(-30, 60)
    DynamoCandleStore().save(grid, 0)
    for last in nights:
        compact(last)
        assert same_grid(load(-30, 29), grid)
        assert same_grid(load(-20, -5), grid.since(at(-20)).upto(at(-5)))

    assert packed_upto("binance", H1, 0) == at(nights[-1])


def test_history_of_several_chunks_is_packed_in_one_night(tables: None):
    store = DynamoCandleStore()
    pieces = {first: candles(first, 3, symbols=("A/USDT",), seed=abs(first)) for first in (-500, -20, 3, 470, 490)}
    for grid in pieces.values():
        store.save(grid, 0)
    compact(490, symbols=("A/USDT",))

    for first, grid in pieces.items():
        assert same_grid(load(first, first + 2, symbols=("A/USDT",)), grid)
    keys = [ChunkKey("A/USDT", at(chunk * CHUNK_CANDLES)) for chunk in (-2, -1, 0, 1)]
    assert sorted(fetch_chunks("binance", H1, keys)) == keys


@pytest.mark.parametrize("calls", range(2, 22, 2))
def test_after_a_crash_at_any_call_nothing_is_lost_and_the_next_run_finishes(
    tables: None, use_client: Callable[[Any], None], calls: int
):
    grid = candles(-12, 18)
    DynamoCandleStore().save(grid, 0)
    compact(-9)
    real = client("dynamodb")
    use_client(Unreliable(real, calls))
    with pytest.raises(StorageUnavailableError):
        compact(2)

    use_client(real)
    assert same_grid(load(-12, 5), grid)
    compact(2)
    assert same_grid(load(-12, 5), grid)
    assert frame_times() == [3, 4, 5]


def test_whoever_reads_while_frames_are_packed_reads_right(tables: None, use_client: Callable[[Any], None]):
    grid = candles(-12, 18)
    DynamoCandleStore().save(grid, 0)
    compact(-9)
    reads: list[bool] = []
    use_client(Meddling(client("dynamodb"), "delete_item", lambda: reads.append(same_grid(load(-12, 5), grid))))
    compact(2)

    assert len(reads) == 11
    assert all(reads)


@pytest.mark.parametrize("operation", ["query", "get_item", "batch_get_item"])
def test_a_reader_that_compaction_overtakes_reads_right(
    tables: None, use_client: Callable[[Any], None], operation: str
):
    grid = candles(-12, 18)
    DynamoCandleStore().save(grid, 0)
    compact(-2)
    nights = iter([4])
    use_client(Meddling(client("dynamodb"), operation, lambda: [compact(last) for last in nights]))

    assert same_grid(load(-12, 5), grid)
    assert packed_upto("binance", H1, 0) == at(4)


def test_a_frame_written_meanwhile_is_kept_and_packed_the_next_night(tables: None, use_client: Callable[[Any], None]):
    store, late = DynamoCandleStore(), candles(0, 6, symbols=("D/USDT",), seed=2)
    store.save(candles(0, 10), 0)
    real = client("dynamodb")
    use_client(Meddling(real, "put_item", lambda: store.save(late, 0)))
    compact(5, symbols=(*SYMBOLS, "D/USDT"))

    use_client(real)
    assert same_grid(load(0, 5, symbols=("D/USDT",)), late)
    assert frame_times() == list(range(10))
    compact(5, symbols=(*SYMBOLS, "D/USDT"))
    assert frame_times() == [6, 7, 8, 9]
    assert same_grid(load(0, 5, symbols=("D/USDT",)), late)


def test_a_frame_of_a_symbol_nobody_named_is_kept(tables: None):
    DynamoCandleStore().save(candles(0, 10), 0)
    done = compact(5, symbols=("A/USDT", "B/USDT"))

    assert done.frames == 0
    assert same_grid(load(0, 9), candles(0, 10))


def test_a_symbol_that_joins_late_has_its_own_older_candles_packed(tables: None):
    store = DynamoCandleStore()
    old, joined = candles(-20, 30), candles(-15, 25, symbols=("D/USDT",), seed=4)
    store.save(old, 0)
    compact(-1)
    store.save(joined, 0)

    assert same_grid(load(-15, 9, symbols=("D/USDT",)), joined)
    compact(4, symbols=(*SYMBOLS, "D/USDT"))
    assert same_grid(load(-15, 9, symbols=("D/USDT",)), joined)
    assert same_grid(load(-20, 9), old)


def test_a_halted_symbol_stays_readable_as_the_others_go_on(tables: None):
    store = DynamoCandleStore()
    halted = candles(-40, 20, symbols=("H/USDT",), seed=9)
    store.save(halted, 0)
    store.save(candles(-40, 80, symbols=("A/USDT",)), 0)
    for last in (-10, 5, 30):
        compact(last, symbols=("A/USDT", "H/USDT"))
        assert same_grid(load(-40, -21, symbols=("H/USDT",)), halted)


def test_a_packed_hole_is_a_genuine_gap_and_what_was_never_asked_for_is_not(tables: None):
    store = DynamoCandleStore()
    store.save(candles(0, 3, symbols=("A/USDT",)), 0)
    store.save(candles(5, 6, symbols=("A/USDT",)), 0)
    compact(8, symbols=("A/USDT",))
    found = store.read("binance", H1, 0, ("A/USDT",), at(-2), at(10))

    assert found.settled[:, 0].tolist() == [False, False, *[True] * 11]
    assert found.grid.present[:, 0].tolist() == [False, False, True, True, True, False, False, *[True] * 6]


def test_that_a_symbol_has_nothing_before_its_listing_is_packed_too(tables: None):
    store = DynamoCandleStore()
    store.save(candles(0, 10, symbols=("A/USDT",)), 0)
    for turn in range(4):
        gap = Gap("A/USDT", at(-5), at(-1), attempts=turn + 1, asked_at=at(turn))
        store.note_gaps("binance", H1, 0, [gap])
    compact(6, symbols=("A/USDT",))

    assert frame_times() == [7, 8, 9]
    assert store.read("binance", H1, 0, ("A/USDT",), at(-5), at(9)).settled.all()


def test_of_two_versions_of_a_candle_one_is_packed_and_the_other_recorded(tables: None):
    store = DynamoCandleStore()
    first = make_grid({"A/USDT": [1.0], "B/USDT": [5.0]}, start=from_ms(at(0)))
    other = CandleGrid("binance", H1, ("A/USDT",), first.times, *(np.array([[v]]) for v in (1.0, 1.5, 1.0, 1.25, 40.0)))
    store.save(first, 0)
    store.save(other, 0)
    done = compact(0, symbols=("A/USDT", "B/USDT"))

    assert done.data_revisions == 1
    assert load(0, 0, symbols=("A/USDT", "B/USDT")).close.tolist() == [[1.0, 5.0]]
    (revision,) = store.revisions_of("binance", H1, "A/USDT")
    assert (revision.stored.close, revision.came.close) == (1.0, 1.25)
    assert revision.seen_at == at(1)


def test_a_chunk_that_reads_back_otherwise_stops_the_night_before_anything_is_deleted(
    tables: None, use_client: Callable[[Any], None]
):
    DynamoCandleStore().save(candles(0, 10), 0)
    real = client("dynamodb")

    class Lossy:
        def __getattr__(self, name: str) -> Any:
            return (lambda **_: {}) if name == "put_item" else getattr(real, name)

    use_client(Lossy())
    with pytest.raises(StorageUnavailableError, match="must read back as written"):
        compact(5)

    use_client(real)
    assert frame_times() == list(range(10))
    assert packed_upto("binance", H1, 0) is None


def test_a_slow_worker_does_not_undo_a_later_night(tables: None):
    key = ChunkKey("A/USDT", EDGE)
    put_chunk("binance", H1, key, StoredChunk(b"later", at(20)))

    with pytest.raises(StorageUnavailableError, match="another worker was ahead"):
        put_chunk("binance", H1, key, StoredChunk(b"earlier", at(10)))
    assert fetch_chunks("binance", H1, [key]) == {key: StoredChunk(b"later", at(20))}
