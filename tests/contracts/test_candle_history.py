"""What a candle store keeps beside candles: gaps, data revisions, packed history."""

from dataclasses import replace

import pytest

from signalbox.adapters.storage.candles import DynamoCandleStore
from signalbox.adapters.storage.compaction import DynamoCandleCompactor
from signalbox.domain.instants import to_ms
from signalbox.domain.market.candles import Candle
from signalbox.domain.market.data_revision import DataRevision
from signalbox.domain.market.gaps import MOST_ATTEMPTS, Gap
from signalbox.domain.market.timeframe import Timeframe
from signalbox.ports.market import CandleStore, Compaction
from tests.builders import NOW, make_grid
from tests.contracts.implementations import either
from tests.fakes.market import InMemoryCandles, same_grid


class DynamoCandles(DynamoCandleStore, DynamoCandleCompactor):
    """The two adapters of one table, as the fake has both ports in one."""


store = either(InMemoryCandles, DynamoCandles)

H1 = Timeframe.H1
HOUR = H1.milliseconds
START = to_ms(NOW)
GAP = Gap("A/USDT", START + HOUR, START + 2 * HOUR, attempts=1, asked_at=START + 5 * HOUR)
STORED = Candle(START, 1.0, 2.0, 0.5, 1.5, 10.0)
REVISION = DataRevision("A/USDT", STORED, STORED._replace(close=1.75), seen_at=START + 9 * HOUR)


def gaps(store: CandleStore, symbols=("A/USDT", "B/USDT"), first=0, last=9, bucket=0) -> list[Gap]:
    found = store.read("binance", H1, bucket, symbols, START + first * HOUR, START + last * HOUR).gaps
    return sorted(found, key=lambda gap: (gap.symbol, gap.last_open))


def note(store: CandleStore, *noted: Gap) -> None:
    store.note_gaps("binance", H1, 0, noted)


def test_a_gap_is_found_where_it_ends(store: CandleStore):
    other = replace(GAP, symbol="B/USDT")
    note(store, GAP, other)

    assert gaps(store) == [GAP, other]
    assert gaps(store, symbols=("B/USDT",)) == [other]
    assert gaps(store, first=2, last=2) == [GAP, other]
    assert gaps(store, first=3) == gaps(store, last=1) == gaps(store, bucket=1) == []


def test_attempts_are_counted_once_a_turn_whatever_the_caller_thinks(store: CandleStore):
    for turn in (5, 5, 7, 5, 7, 6):
        note(store, replace(GAP, attempts=9, asked_at=START + turn * HOUR))

    assert gaps(store) == [replace(GAP, attempts=2, asked_at=START + 7 * HOUR)]


def test_a_gap_that_was_asked_for_from_further_back_says_so(store: CandleStore):
    note(store, GAP)
    note(store, replace(GAP, first_open=START - 5 * HOUR, asked_at=START + 8 * HOUR))

    assert gaps(store)[0].first_open == START - 5 * HOUR


def test_a_gap_is_no_candle_and_candles_are_no_gap(store: CandleStore):
    note(store, GAP)
    grid = make_grid({"A/USDT": [1.0] * 10})
    store.save(grid, 0)

    assert gaps(store) == [GAP]
    assert same_grid(store.load("binance", H1, 0, ("A/USDT",), START, START + 9 * HOUR), grid)


def test_a_revision_is_kept_once_with_the_moment_it_was_first_seen(store: CandleStore):
    assert store.add_revisions("binance", H1, [REVISION]) == 1
    assert store.add_revisions("binance", H1, [replace(REVISION, seen_at=START + 20 * HOUR)]) == 0

    assert store.revisions_of("binance", H1, "A/USDT") == [REVISION]


def test_revisions_are_listed_by_symbol_in_order(store: CandleStore):
    again = replace(REVISION, came=STORED._replace(volume=1 / 3), seen_at=START + 11 * HOUR)
    earlier = replace(
        REVISION, stored=STORED._replace(time=START - HOUR), came=STORED._replace(time=START - HOUR, low=0.25)
    )
    other = replace(REVISION, symbol="B/USDT")

    assert store.add_revisions("binance", H1, [again, other, REVISION, earlier]) == 4
    assert store.revisions_of("binance", H1, "A/USDT") == [earlier, REVISION, again]
    assert store.revisions_of("binance", H1, "B/USDT") == [other]
    assert store.revisions_of("binance", Timeframe.H4, "A/USDT") == []
    assert store.revisions_of("kraken", H1, "A/USDT") == []


def test_a_revision_leaves_the_stored_candle_as_it_is(store: CandleStore):
    grid = make_grid({"A/USDT": [1.5]})
    store.save(grid, 0)
    store.add_revisions("binance", H1, [REVISION])

    assert same_grid(store.load("binance", H1, 0, ("A/USDT",), START, START), grid)


@pytest.mark.parametrize("nights", [(4,), (2, 6), (6, 6)])
def test_packing_changes_nothing_that_is_read(store, nights):
    grid = make_grid({"A/USDT": [1.0, 1.5, 1.25] * 3, "B/USDT": [3.0] * 5})
    store.save(grid, 0)
    for last in nights:
        store.compact("binance", H1, 0, grid.symbols, START + last * HOUR)

    assert same_grid(store.load("binance", H1, 0, grid.symbols, START, START + 8 * HOUR), grid)


def test_packing_says_what_it_packed_and_that_there_is_nothing_more(store):
    grid = make_grid({"A/USDT": [1.0] * 9, "B/USDT": [3.0] * 9})
    store.save(grid, 0)

    assert store.compact("binance", H1, 0, grid.symbols, START + 4 * HOUR).frames == 5
    assert store.compact("binance", H1, 0, grid.symbols, START + 4 * HOUR).frames == 0
    assert store.compact("binance", H1, 0, grid.symbols, START + 6 * HOUR).frames == 2


def test_what_is_packed_until_later_stays(store):
    grid = make_grid({"A/USDT": [1.0] * 9})
    store.save(grid, 0)
    assert store.packed_upto("binance", H1, 0) is None
    store.compact("binance", H1, 0, grid.symbols, START + 6 * HOUR)

    assert store.compact("binance", H1, 0, grid.symbols, START + 4 * HOUR) == Compaction()
    assert store.packed_upto("binance", H1, 0) == START + 6 * HOUR


def test_a_hole_between_packed_candles_is_a_genuine_gap(store):
    store.save(make_grid({"A/USDT": [1.0] * 2, "B/USDT": [3.0] * 6}), 0)
    store.save(make_grid({"A/USDT": [1.0] * 2}, start=NOW + 4 * (NOW - NOW.replace(hour=12))), 0)
    before = store.read("binance", H1, 0, ("A/USDT",), START, START + 5 * HOUR)
    store.compact("binance", H1, 0, ("A/USDT", "B/USDT"), START + 5 * HOUR)
    after = store.read("binance", H1, 0, ("A/USDT",), START, START + 5 * HOUR)

    assert before.settled[:, 0].tolist() == [True, True, False, False, True, True]
    assert after.settled.all()
    assert {gap.attempts for gap in after.gaps} == {MOST_ATTEMPTS}
