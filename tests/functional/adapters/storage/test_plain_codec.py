"""What reads candles without numpy gives the same floats, to the last bit, as what wrote them with it."""

import os
import struct
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from signalbox.adapters.storage.chunk_codec import Chunk, encode_chunk
from signalbox.adapters.storage.frames import encode_frame, symbol_hashes
from signalbox.adapters.storage.plain_codec import chunk_candles, frame_candle
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.market.candle import Candle
from signalbox.domain.market.candles import COLUMNS, FloatArray

START, HOUR = 1_704_067_200_000, 3_600_000
SYMBOLS = ("BTC/USDT", "ETH/USDT", "SHIB/USDT")
CELLS = arrays(np.float64, (5, 3), elements=st.floats(allow_nan=False, width=64))
PRICES = arrays(np.float64, (5, 3), elements=st.integers(0, 10**9).map(lambda number: number / 1e5))


def bits(candle: Candle | None) -> bytes:
    assert candle is not None
    return struct.pack("<5d", *candle[1:])


def columns_as_bits(cells: FloatArray) -> list[bytes]:
    return [np.ascontiguousarray(cells[:, at]).tobytes() for at in range(cells.shape[1])]


@given(st.one_of(CELLS, PRICES))
def test_the_candle_of_each_symbol_of_a_frame_is_the_one_that_was_written(cells: FloatArray):
    frame = encode_frame(symbol_hashes(SYMBOLS), cells)
    found = [frame_candle(frame, crc32(symbol.encode()), START) for symbol in SYMBOLS]
    assert [bits(candle) for candle in found] == columns_as_bits(cells)
    assert {candle.time for candle in found if candle} == {START}


@given(st.one_of(CELLS, PRICES), st.sets(st.integers(0, 2)))
def test_the_candles_of_a_chunk_are_the_ones_that_were_written_and_holes_are_left_out(
    cells: FloatArray, holes: set[int]
):
    cells[:, sorted(holes)] = np.nan
    there = [at for at in range(3) if at not in holes]
    found = list(chunk_candles(encode_chunk(Chunk(START, HOUR, cells))))
    assert [candle.time for candle in found] == [START + at * HOUR for at in there]
    assert [bits(candle) for candle in found] == columns_as_bits(cells[:, there])


def test_a_symbol_that_is_not_in_a_frame_has_no_candle_in_it():
    frame = encode_frame(symbol_hashes(SYMBOLS), np.ones((5, 3)))
    assert frame_candle(frame, crc32(b"DOGE/USDT"), START) is None


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x01nothing deflated", b"\x00" + bytes(45)])
def test_bytes_that_are_no_frame_are_told(data: bytes):
    with pytest.raises(InvalidValueError, match="frame must"):
        frame_candle(data, 1, START)


def test_a_damaged_chunk_is_told():
    data = bytearray(encode_chunk(Chunk(START, HOUR, np.ones((5, 4)))))
    data[-1] ^= 1
    with pytest.raises(InvalidValueError, match="chunk must have the checksum"):
        list(chunk_candles(bytes(data)))


@pytest.mark.data
@pytest.mark.skipif("SIGNALBOX_DATA" not in os.environ, reason="SIGNALBOX_DATA names no folder of real candles")
def test_real_candles_are_read_to_the_last_bit_from_frames_and_from_chunks():
    from pyarrow import parquet

    path = Path(os.environ["SIGNALBOX_DATA"]) / "candles-1h-2024H1-74-symbols.parquet"
    table = parquet.read_table(path, columns=["symbol", *COLUMNS])
    names = table["symbol"].to_numpy()
    columns = np.stack([table[name].to_numpy().reshape(-1) for name in COLUMNS])
    symbols = sorted(set(names))
    whole = np.stack([columns[:, names == symbol][:, :480] for symbol in symbols], axis=2)
    for at, symbol in enumerate(symbols):
        cells = np.ascontiguousarray(whole[:, :, at])
        found = [bits(candle) for candle in chunk_candles(encode_chunk(Chunk(START, HOUR, cells)))]
        assert found == columns_as_bits(cells), symbol
    for row in range(0, 480, 40):
        frame = encode_frame(symbol_hashes(symbols), whole[:, row])
        found = [bits(frame_candle(frame, crc32(symbol.encode()), START)) for symbol in symbols]
        assert found == columns_as_bits(whole[:, row])
