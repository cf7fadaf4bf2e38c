"""What candles cost, counted from the very items: against one item per candle, both read consistently."""

import os
from pathlib import Path

import numpy as np
import pytest

from infra.bench.candle_units import candle_item, read_units_saved, write_units_saved
from infra.bench.dynamo_units import batch_get_units, item_size, query_units, write_units
from signalbox.domain.market.candles import COLUMNS, CandleGrid
from signalbox.domain.market.packing import BLOCK_CANDLES, CHUNK_CANDLES, HOT_CANDLES
from signalbox.domain.market.timeframe import Timeframe

HOUR = Timeframe.H1.milliseconds
START = 981 * CHUNK_CANDLES * HOUR
CANDLES = CHUNK_CANDLES + HOT_CANDLES + BLOCK_CANDLES + 12


def test_sizes_are_counted_by_dynamodbs_rules():
    item = {"symbol": {"S": "A/USDT"}, "time": {"N": "1704067200000"}, "frame": {"B": b"1234"}}
    assert item_size(item) == (6 + 6) + (4 + 5) + (5 + 4)
    assert item_size({"m": {"M": {"a": {"N": "-1.5"}, "b": {"SS": ["x", "yz"]}}}}) == 1 + 3 + (1 + 1 + 3) + (1 + 1 + 3)


def test_a_query_rounds_once_and_a_get_rounds_each():
    items = [{"k": {"B": bytes(1023)}}] * 5
    assert query_units(items) == 2
    assert batch_get_units(items, absent=2) == 7
    assert write_units(items[0]) == 1
    assert write_units({"k": {"B": bytes(1024)}}) == 2
    assert query_units([]) == 1


def test_an_item_of_one_candle_has_the_size_that_was_measured():
    assert 55 <= item_size(candle_item("BTC/USDT", START, (42283.58, 42411.0, 42101.2, 42290.01, 1234.56789))) <= 71


def market(symbols: int = 100, candles: int = CANDLES, seed: int = 11) -> CandleGrid:
    """Prices that walk by up to one in a hundred, of four to six digits, with volumes of six or seven."""
    rng = np.random.default_rng(seed)
    scale = 10.0 ** rng.integers(1, 8, symbols)
    moves = rng.normal(0, 4e-3, (candles, symbols))
    closes = np.rint(rng.integers(5_000, 150_000, symbols) * np.exp(np.cumsum(moves, axis=0)))
    opens = np.concatenate([closes[:1], closes[:-1]])
    wicks = np.rint(np.abs(rng.normal(0, 2e-3, (2, candles, symbols))) * closes)
    volumes = rng.integers(10**5, 10**7, (candles, symbols)) / 10.0 ** rng.integers(0, 5, symbols)
    cells = (
        opens / scale,
        (np.maximum(opens, closes) + wicks[0]) / scale,
        (np.minimum(opens, closes) - wicks[1]) / scale,
    )
    times = START + HOUR * np.arange(candles, dtype=np.int64)
    names = tuple(f"COIN{number:03d}/USDT" for number in range(symbols))
    return CandleGrid("binance", Timeframe.H1, names, times, *cells, closes / scale, volumes)


@pytest.mark.parametrize("hours_since_night", [0, BLOCK_CANDLES - 1])
def test_a_window_of_five_hundred_candles_takes_a_fifth_of_the_read_units(hours_since_night: int):
    assert read_units_saved(market(), window=500, hot=HOT_CANDLES + hours_since_night).ratio >= 5


def test_a_closed_candle_takes_a_thirtieth_of_the_write_units():
    assert write_units_saved(market(candles=20)).ratio >= 30


@pytest.mark.data
@pytest.mark.skipif("SIGNALBOX_DATA" not in os.environ, reason="SIGNALBOX_DATA names no folder of real candles")
def test_the_same_holds_of_real_candles():
    from pyarrow import parquet

    path = Path(os.environ["SIGNALBOX_DATA"]) / "candles-1h-2024H1-74-symbols.parquet"
    table = parquet.read_table(path, columns=["symbol", *COLUMNS])
    names = table["symbol"].to_numpy()
    columns = np.stack([table[name].to_numpy().reshape(-1) for name in COLUMNS])
    symbols = sorted(set(names))
    blocks = [columns[:, names == symbol] for symbol in symbols]
    cells = np.stack(
        [block[:, 1000 : 1000 + CANDLES] for block in blocks]
        + [block[:, 2500 : 2500 + CANDLES] for block in blocks[:26]],
        axis=2,
    )
    times = START + HOUR * np.arange(CANDLES, dtype=np.int64)
    grid = CandleGrid("binance", Timeframe.H1, (*symbols, *(f"{each}2" for each in symbols[:26])), times, *cells)

    assert read_units_saved(grid, window=500, hot=HOT_CANDLES).ratio >= 5
    assert read_units_saved(grid, window=500, hot=HOT_CANDLES + BLOCK_CANDLES - 1).ratio >= 5
    assert write_units_saved(grid.rows(0, 20)).ratio >= 30
