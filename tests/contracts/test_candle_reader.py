from dataclasses import dataclass

import numpy as np
import pytest

from signalbox.adapters.storage.candle_reader import DynamoCandleReader
from signalbox.adapters.storage.candles import DynamoCandleStore
from signalbox.domain.instants import to_ms
from signalbox.domain.market.timeframe import Timeframe
from signalbox.ports.market import CandleReader, CandleStore
from tests.builders import NOW, make_grid
from tests.contracts.implementations import either
from tests.fakes.readers import InMemoryCandleReader, save_in_turn

H1 = Timeframe.H1
HOUR = H1.milliseconds
START = to_ms(NOW)


@dataclass
class Shelf:
    """A reader, and the store that it reads."""

    reader: CandleReader
    store: CandleStore


def _fake() -> Shelf:
    reader = InMemoryCandleReader()
    return Shelf(reader, reader.store)


shelf = either(_fake, lambda: Shelf(DynamoCandleReader(), DynamoCandleStore()))


def closes(shelf: Shelf, symbol: str, first: int = 0, last: int = 9, bucket: int = 0) -> list[tuple[int, float]]:
    found = shelf.reader.read("binance", H1, bucket, symbol, START + first * HOUR, START + last * HOUR)
    return [((candle.time - START) // HOUR, candle.close) for candle in found]


def test_a_symbols_candles_come_oldest_first_to_the_last_bit(shelf: Shelf):
    grid = make_grid({"BTC/USDT": [42283.58, 1 / 3], "ETH/USDT": [2.0, 3.0]})
    save_in_turn(shelf.store, grid, bucket=0)
    assert closes(shelf, "BTC/USDT") == [(0, 42283.58), (1, 1 / 3)]
    (first, _) = shelf.reader.read("binance", H1, 0, "BTC/USDT", START, START + HOUR)
    assert first == next(iter(grid.column("BTC/USDT")))


def test_both_ends_of_the_span_are_in_it_and_nothing_else_is(shelf: Shelf):
    save_in_turn(shelf.store, make_grid({"BTC/USDT": [1.0, 2.0, 3.0, 4.0]}), bucket=0)
    assert closes(shelf, "BTC/USDT", 1, 2) == [(1, 2.0), (2, 3.0)]
    assert closes(shelf, "BTC/USDT", 2, 1) == []


def test_what_is_not_stored_is_left_out(shelf: Shelf):
    grid = make_grid({"BTC/USDT": [1.0, 2.0, 3.0]})
    grid.close[1] = grid.open[1] = grid.high[1] = grid.low[1] = grid.volume[1] = np.nan
    save_in_turn(shelf.store, grid, bucket=0)
    assert closes(shelf, "BTC/USDT") == [(0, 1.0), (2, 3.0)]
    assert closes(shelf, "DOGE/USDT") == []
    assert closes(shelf, "BTC/USDT", bucket=1) == []


@pytest.mark.parametrize("fuller_first", [True, False])
def test_of_two_views_of_a_candle_the_one_stored_first_counts(shelf: Shelf, fuller_first: bool):
    early = make_grid({"BTC/USDT": [1.0]})
    late = make_grid({"BTC/USDT": [1.25], "ETH/USDT": [2.0]})
    late.volume[:] = early.volume[0, 0] + 1
    for grid in (late, early) if fuller_first else (early, late):
        save_in_turn(shelf.store, grid, bucket=0)
    assert closes(shelf, "BTC/USDT") == [(0, 1.25 if fuller_first else 1.0)]


def test_the_newest_candle_of_a_bucket_is_known_and_none_before_the_first(shelf: Shelf):
    assert shelf.reader.newest_open("binance", H1, 0) is None
    save_in_turn(shelf.store, make_grid({"BTC/USDT": [1.0, 2.0, 3.0]}), bucket=0)
    assert shelf.reader.newest_open("binance", H1, 0) == START + 2 * HOUR
    assert shelf.reader.newest_open("binance", Timeframe.H4, 0) is None
    assert shelf.reader.newest_open("kraken", H1, 0) is None
