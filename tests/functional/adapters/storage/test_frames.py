"""Frames: lossless, small, the same for the same candles, and one write unit for many symbols."""

import os
from pathlib import Path

import numpy as np
import pytest

from infra.bench.dynamo_units import item_size
from signalbox.adapters.storage.candle_table import FrameItem
from signalbox.adapters.storage.candles import DynamoCandleStore
from signalbox.adapters.storage.dynamo import call
from signalbox.adapters.storage.frames import decode_frames, encode_frame, part_name, symbol_hashes
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import to_ms
from signalbox.domain.market.candles import COLUMNS, CandleGrid, FloatArray
from signalbox.domain.market.timeframe import Timeframe
from tests.builders import NOW, make_grid

THREE_WRITE_UNITS = 3 * 1024
START = to_ms(NOW)


def random_cells(symbols: int, seed: int = 3) -> FloatArray:
    """One candle per symbol as exchanges give them: a price of up to seven digits, a volume of up to eleven."""
    rng = np.random.default_rng(seed)
    places = rng.integers(0, 9, symbols)
    scale = 10.0**places
    closes = rng.integers(100_000, 9_999_999, symbols)
    moves = rng.integers(-closes // 50, closes // 50, (2, symbols))
    opens = closes + moves[0]
    highs = np.maximum(opens, closes) + np.abs(moves[1])
    lows = np.minimum(opens, closes) - np.abs(moves[1]) // 2
    volumes = rng.integers(1, 10**11, symbols) / 10.0 ** rng.integers(0, 6, symbols)
    return np.stack([opens / scale, highs / scale, lows / scale, closes / scale, volumes])


def decoded(frame: bytes, hashes: np.ndarray) -> FloatArray:
    """The cells of one frame, in the order of `hashes`."""
    (frames,) = decode_frames([frame])
    at = {code: number for number, code in enumerate(frames.hashes.tolist())}
    return frames.cells[:, 0, [at[code] for code in hashes.tolist()]]


def grid_of(cells: FloatArray, symbols: list[str]) -> CandleGrid:
    times = START + Timeframe.H1.milliseconds * np.arange(cells.shape[1], dtype=np.int64)
    return CandleGrid("binance", Timeframe.H1, tuple(symbols), times, *cells)


def stored_sizes() -> list[int]:
    return [item_size(item) for item in call("Scan", {"TableName": FrameItem.name()})["Items"]]


@pytest.mark.parametrize(
    "value",
    [
        0.0,
        -0.0,
        1.0,
        0.1,
        0.1 + 0.2,
        1 / 3,
        5e-324,
        1.7e308,
        2.0**53,
        2.0**53 + 2,
        1e15,
        1e-15,
        123456789.123456,
        np.inf,
    ],
)
def test_every_float_comes_back_to_the_last_bit(value: float):
    hashes = symbol_hashes(["A/USDT", "B/USDT"])
    cells = np.array([[value, 1.5], [value, 2.5], [1.0, 1.0], [value, 2.0], [3.0, value]])

    assert decoded(encode_frame(hashes, cells), hashes).tobytes() == cells.tobytes()


def test_nonsense_candles_come_back_too():
    hashes = symbol_hashes(["A/USDT", "B/USDT", "C/USDT"])
    cells = np.array(
        [[5.0, -1.0, np.nan], [1.0, -2.5, 2.0], [9.0, 0.0, -np.inf], [3.0, -7.25, 1.0], [-1.0, 0.0, np.nan]]
    )

    assert decoded(encode_frame(hashes, cells), hashes).tobytes() == cells.tobytes()


def test_a_frame_does_not_depend_on_the_order_of_its_symbols():
    hashes, cells = symbol_hashes(f"C{number}/USDT" for number in range(20)), random_cells(20)
    order = np.random.default_rng(1).permutation(20)

    assert encode_frame(hashes[order], cells[:, order]) == encode_frame(hashes, cells)
    assert part_name(hashes[order]) == part_name(hashes)
    assert part_name(hashes[1:]) != part_name(hashes)


def test_frames_of_several_sets_of_symbols_are_decoded_in_one_go():
    first, second = symbol_hashes(["A/USDT", "B/USDT"]), symbol_hashes(["C/USDT"])
    cells = [random_cells(2, seed) for seed in range(3)]
    frames = [encode_frame(first, cells[0]), encode_frame(second, cells[1][:, :1]), encode_frame(first, cells[2])]

    by_size = {len(found.hashes): found for found in decode_frames(frames)}

    assert by_size[2].positions == [0, 2]
    assert by_size[1].positions == [1]
    assert by_size[1].cells[:, 0, 0].tolist() == cells[1][:, 0].tolist()


@pytest.mark.parametrize("junk", [b"\x00", b"\x00abc", b"\x00" + bytes(45)])
def test_what_is_no_frame_is_refused(junk: bytes):
    with pytest.raises(InvalidValueError, match="frame must hold 46 bytes per symbol"):
        decode_frames([junk])


def test_symbols_that_share_a_hash_are_refused():
    # A known crc32 collision.
    with pytest.raises(InvalidValueError, match="buckeroo, plumless"):
        symbol_hashes(["plumless", "buckeroo"])


def test_a_made_up_candle_of_a_hundred_symbols_fits_three_write_units(tables: None):
    symbols = [f"COIN{number:03d}/USDT" for number in range(100)]
    cells = np.stack([random_cells(100, seed) for seed in range(5)], axis=1)

    DynamoCandleStore().save(grid_of(cells, symbols), bucket=0)

    sizes = stored_sizes()
    assert len(sizes) == 5
    assert max(sizes) <= THREE_WRITE_UNITS


@pytest.mark.data
@pytest.mark.skipif("SIGNALBOX_DATA" not in os.environ, reason="SIGNALBOX_DATA names no folder of real candles")
def test_a_real_candle_of_a_hundred_symbols_fits_two_write_units_and_loses_nothing(tables: None):
    symbols, cells = real_cells(candles=6)
    grid = grid_of(cells, symbols)
    store = DynamoCandleStore()

    store.save(grid, bucket=0)
    found = store.load("binance", Timeframe.H1, 0, symbols, int(grid.times[0]), int(grid.times[-1]))

    assert max(stored_sizes()) <= 2 * 1024
    assert all(getattr(found, name).tobytes() == getattr(grid, name).tobytes() for name in COLUMNS)


def test_parts_of_one_item_are_found_whoever_wrote_them(tables: None):
    store = DynamoCandleStore()
    store.save(make_grid({"A/USDT": [1.0]}), bucket=0)
    store.save(make_grid({"B/USDT": [2.0]}), bucket=0)
    store.save(make_grid({"A/USDT": [1.0]}), bucket=0)

    (item,) = call("Scan", {"TableName": FrameItem.name()})["Items"]

    assert item["frame_series"] == {"S": "binance#1h#0"}
    assert item["time"] == {"N": str(START)}
    assert sum(name.startswith("f_") for name in item) == 2


def real_cells(candles: int) -> tuple[list[str], FloatArray]:
    """A hundred columns of real candles: 74 symbols, and 26 of them once more from another time."""
    from pyarrow import parquet

    path = Path(os.environ["SIGNALBOX_DATA"]) / "candles-1h-2024H1-74-symbols.parquet"
    table = parquet.read_table(path, columns=["symbol", *COLUMNS])
    names = table["symbol"].to_numpy()
    symbols = sorted(set(names))
    cells = np.stack([table[name].to_numpy().reshape(-1) for name in COLUMNS])
    columns = [cells[:, np.flatnonzero(names == symbol)[1000 : 1000 + candles]] for symbol in symbols]
    again = [cells[:, np.flatnonzero(names == symbol)[3000 : 3000 + candles]] for symbol in symbols[:26]]
    return [*symbols, *(f"{symbol}2" for symbol in symbols[:26])], np.stack(columns + again, axis=2)
