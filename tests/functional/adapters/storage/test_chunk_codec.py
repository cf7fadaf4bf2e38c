"""Chunks: every float64 and every hole comes back, and damage is told."""

import os
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from signalbox.adapters.storage.chunk_codec import Chunk, decode_chunk, encode_chunk
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.market.candles import COLUMNS, FloatArray

HOUR = 3_600_000
START = 1_704_067_200_000


def chunk(cells: FloatArray) -> Chunk:
    return Chunk(START, HOUR, cells)


def walk(candles: int, places: int = 2, seed: int = 5) -> FloatArray:
    """Candles of a price that walks, in whole steps of its last place."""
    rng = np.random.default_rng(seed)
    closes = 4_000_000 + np.cumsum(rng.integers(-900, 900, candles))
    opens = np.concatenate([closes[:1], closes[:-1]])
    highs = np.maximum(opens, closes) + rng.integers(0, 400, candles)
    lows = np.minimum(opens, closes) - rng.integers(0, 400, candles)
    volumes = rng.integers(0, 10**8, candles) / 1e5
    return np.stack([*(prices / 10.0**places for prices in (opens, highs, lows, closes)), volumes])


def same(one: Chunk, other: Chunk) -> bool:
    return (one.first_open, one.step) == (other.first_open, other.step) and one.cells.tobytes() == other.cells.tobytes()


def test_candles_come_back_to_the_last_bit_and_small():
    before = chunk(walk(480))
    data = encode_chunk(before)

    assert same(decode_chunk(data), before)
    assert len(data) < 480 * 10


def test_holes_stay_holes_wherever_they_are():
    cells = walk(13)
    cells[:, [0, 4, 5, 12]] = np.nan
    found = decode_chunk(encode_chunk(chunk(cells)))

    assert np.array_equal(found.cells, cells, equal_nan=True)


def test_a_chunk_of_holes_alone_is_possible():
    found = decode_chunk(encode_chunk(chunk(np.full((5, 3), np.nan))))

    assert found.cells.shape == (5, 3)
    assert np.isnan(found.cells).all()


@given(
    arrays(np.float64, (5, 7), elements=st.floats(allow_nan=False, width=64)),
    st.lists(st.integers(0, 6), max_size=4),
)
def test_any_floats_come_back(cells: FloatArray, holes: list[int]):
    cells[:, holes] = np.nan

    assert decode_chunk(encode_chunk(chunk(cells))).cells.tobytes() == cells.tobytes()


def test_a_candle_that_lacks_some_of_its_numbers_comes_back():
    cells = walk(4)
    cells[0, 1], cells[4, 2] = np.nan, np.inf

    assert np.array_equal(decode_chunk(encode_chunk(chunk(cells))).cells, cells, equal_nan=True)


def test_the_last_candle_is_named_by_its_open_time():
    assert chunk(walk(3)).last_open == START + 2 * HOUR


@pytest.mark.parametrize("position", [1, 3, 5, 9, 16, 20, 60, -1])
def test_a_changed_byte_is_told(position: int):
    data = bytearray(encode_chunk(chunk(walk(40))))
    data[position] ^= 0x10

    with pytest.raises(InvalidValueError, match="chunk must have the checksum"):
        decode_chunk(bytes(data))


def test_a_cut_chunk_is_told():
    data = encode_chunk(chunk(walk(40)))

    with pytest.raises(InvalidValueError, match="chunk must have the checksum"):
        decode_chunk(data[:-3])
    with pytest.raises(InvalidValueError, match="hold 21 bytes or more"):
        decode_chunk(data[:10])
    with pytest.raises(InvalidValueError, match="was nothing"):
        decode_chunk(b"")


def test_a_chunk_of_a_later_version_is_told():
    data = struct.pack("<B", 2) + encode_chunk(chunk(walk(4)))[1:]

    with pytest.raises(InvalidValueError, match=r"must begin with version 1 .* was version 2"):
        decode_chunk(data)


@pytest.mark.parametrize(("candles", "step"), [(0, HOUR), (65_536, HOUR), (4, 1500)])
def test_what_has_no_place_in_the_header_is_refused(candles: int, step: int):
    with pytest.raises(InvalidValueError, match="1 to 65535 candles of whole seconds"):
        encode_chunk(Chunk(START, step, np.ones((5, candles))))


@pytest.mark.data
@pytest.mark.skipif("SIGNALBOX_DATA" not in os.environ, reason="SIGNALBOX_DATA names no folder of real candles")
def test_real_candles_take_eight_bytes_and_lose_nothing():
    from pyarrow import parquet

    path = Path(os.environ["SIGNALBOX_DATA"]) / "candles-1h-2024H1-74-symbols.parquet"
    table = parquet.read_table(path, columns=["symbol", *COLUMNS])
    names = table["symbol"].to_numpy()
    columns = np.stack([table[name].to_numpy().reshape(-1) for name in COLUMNS])
    sizes = []
    for symbol in sorted(set(names)):
        cells = columns[:, names == symbol][:, :480]
        data = encode_chunk(chunk(cells))
        assert decode_chunk(data).cells.tobytes() == cells.tobytes(), symbol
        sizes.append(len(data) / 480)

    assert np.mean(sizes) < 8.3
