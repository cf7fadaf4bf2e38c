from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from signalbox.adapters.storage.candles import DynamoCandleStore
from signalbox.domain.instants import to_ms
from signalbox.domain.market.candles import COLUMNS, CandleGrid
from signalbox.domain.market.timeframe import Timeframe
from signalbox.ports.market import CandleStore
from tests.builders import NOW, make_grid
from tests.contracts.implementations import either
from tests.fakes.market import InMemoryCandles, same_grid

store = either(InMemoryCandles, DynamoCandleStore)

HOUR = Timeframe.H1.milliseconds
START = to_ms(NOW)


def load(store: CandleStore, like: CandleGrid, bucket: int = 0) -> CandleGrid:
    return store.load(like.exchange, like.timeframe, bucket, like.symbols, int(like.times[0]), int(like.times[-1]))


def with_volume(grid: CandleGrid, volume: float) -> CandleGrid:
    return replace(grid, volume=np.where(grid.present, volume, np.nan))


def test_candles_come_back_to_the_last_bit(store: CandleStore):
    grid = make_grid(
        {"BTC/USDT": [42283.58, 42290.01], "SHIB/USDT": [0.00000987, 0.00000988], "X/USDT": [1 / 3, 2 / 3]}
    )
    store.save(grid, bucket=0)

    assert same_grid(load(store, grid), grid)


def test_what_is_not_stored_is_a_hole(store: CandleStore):
    store.save(make_grid({"BTC/USDT": [1.0, 2.0]}), bucket=0)

    found = store.load("binance", Timeframe.H1, 0, ["ETH/USDT", "BTC/USDT"], START - HOUR, START + 2 * HOUR)

    assert found.times.tolist() == [START - HOUR, START, START + HOUR, START + 2 * HOUR]
    assert found.present.tolist() == [[False, False], [False, True], [False, True], [False, False]]
    assert all(np.isnan(getattr(found, name)[:, 0]).all() for name in COLUMNS)


def test_columns_come_in_the_order_asked_for(store: CandleStore):
    store.save(make_grid({"A/USDT": [1.0], "B/USDT": [2.0], "C/USDT": [3.0]}), bucket=0)

    found = store.load("binance", Timeframe.H1, 0, ("C/USDT", "A/USDT"), START, START)

    assert found.symbols == ("C/USDT", "A/USDT")
    assert found.close.tolist() == [[3.0, 1.0]]


def test_shards_of_one_bucket_do_not_overwrite_each_other(store: CandleStore):
    store.save(make_grid({"A/USDT": [1.0, 1.5], "B/USDT": [2.0, 2.5]}), bucket=0)
    store.save(make_grid({"C/USDT": [3.0, 3.5], "B/USDT": [2.0, 2.5]}), bucket=0)

    found = store.load("binance", Timeframe.H1, 0, ("A/USDT", "B/USDT", "C/USDT"), START, START + HOUR)

    assert found.close.tolist() == [[1.0, 2.0, 3.0], [1.5, 2.5, 3.5]]


def test_saving_twice_leaves_candles_once_and_holes_overwrite_nothing(store: CandleStore):
    whole = make_grid({"A/USDT": [1.0, 1.5], "B/USDT": [2.0, 2.5]})
    store.save(whole, bucket=0)
    store.save(make_grid({"A/USDT": [1.0, 1.5], "B/USDT": [2.0]}), bucket=0)
    store.save(whole, bucket=0)

    assert same_grid(load(store, whole), whole)


@pytest.mark.parametrize("fuller_first", [True, False])
def test_of_two_views_of_one_candle_the_one_stored_first_counts(store: CandleStore, fuller_first):
    early = with_volume(make_grid({"A/USDT": [1.0], "B/USDT": [5.0]}), 3.0)
    late = with_volume(make_grid({"A/USDT": [1.25]}), 4.0)
    for grid in (late, early) if fuller_first else (early, late):
        store.save(grid, bucket=0)

    found = store.load("binance", Timeframe.H1, 0, ("A/USDT", "B/USDT"), START, START)

    assert found.close.tolist() == [[1.25 if fuller_first else 1.0, 5.0]]


def test_a_stored_candle_is_not_replaced_and_whoever_comes_late_is_told(store: CandleStore):
    first = make_grid({"A/USDT": [101.0], "B/USDT": [5.0]})
    assert same_grid(store.save(first, bucket=0), first)

    again = store.save(make_grid({"A/USDT": [90.0], "B/USDT": [5.0]}), bucket=0)

    assert same_grid(again, first)
    assert same_grid(load(store, first), first)


def test_what_is_told_to_whoever_comes_late_is_only_of_the_candles_that_came(store: CandleStore):
    store.save(make_grid({"A/USDT": [1.0, 1.5], "B/USDT": [5.0, 5.5]}), bucket=0)

    stored = store.save(make_grid({"B/USDT": [6.0], "C/USDT": [7.0, 8.0]}), bucket=0)

    assert stored.symbols == ("B/USDT", "C/USDT")
    assert stored.present.tolist() == [[True, True], [False, True]]
    assert stored.close[0].tolist() == [5.0, 7.0]
    assert stored.close[1, 1] == 8.0


def test_which_view_was_first_is_known_candle_by_candle(store: CandleStore):
    one, other = make_grid({"A/USDT": [1.0, 1.0]}), make_grid({"A/USDT": [2.0, 2.0], "B/USDT": [3.0, 3.0]})
    store.save(one.rows(0, 1), bucket=0)
    store.save(other, bucket=0)
    store.save(one, bucket=0)

    assert load(store, one).close.tolist() == [[1.0], [2.0]]


def test_series_are_apart(store: CandleStore):
    grid = make_grid({"A/USDT": [1.0]})
    store.save(grid, bucket=0)

    assert not load(store, grid, bucket=1).present.any()
    assert not load(store, replace(grid, exchange="kraken")).present.any()
    assert not load(store, make_grid({"A/USDT": [1.0]}, timeframe=Timeframe.H4)).present.any()


def test_an_empty_span_is_an_empty_grid(store: CandleStore):
    found = store.load("binance", Timeframe.H1, 0, ("A/USDT",), START, START - HOUR)

    assert found.close.shape == (0, 1)


def test_nothing_is_stored_of_a_grid_of_holes(store: CandleStore):
    grid = make_grid({"A/USDT": [1.0], "B/USDT": []})
    hole = store.load("binance", Timeframe.H1, 9, ("A/USDT",), START, START)
    store.save(hole, bucket=0)
    store.save(grid, bucket=0)

    assert same_grid(load(store, grid), grid)


def test_a_long_first_load_is_stored_whole(store: CandleStore):
    rng = np.random.default_rng(7)
    closes = {f"C{number}/USDT": rng.uniform(1, 2, 60).round(4).tolist() for number in range(3)}
    grid = make_grid(closes, start=NOW - timedelta(days=30))
    store.save(grid, bucket=3)

    assert same_grid(load(store, grid, bucket=3), grid)
