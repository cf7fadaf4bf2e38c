"""What the two codecs of candles share: the sizes, the marks, and how bytes are unwrapped. `frames` and `chunk_codec`
describe the layouts; they write and read with numpy, `plain_codec` reads without it."""

import struct
import zlib
from typing import NamedTuple

from signalbox.domain.errors import InvalidValueError

LANES = 5
"""Of a frame: close, open, high, low, volume; of a chunk the same."""
SYMBOL_BYTES = 4 + 1 + 1 + 8 * LANES
"""What one symbol takes in a frame: its hash, two counts of decimal places, five numbers."""
STORED, DEFLATED = b"\x00", b"\x01"

AS_BITS = 255
"""In place of a number of decimal places: these whole numbers are the bits of float64 values."""
MOST_PLACES = 15

CHUNK_VERSION = 1
CHUNK_HEADER = struct.Struct("<BBBHIq")
CHUNK_CHECK = struct.Struct("<I")
_START = CHUNK_HEADER.size + CHUNK_CHECK.size


class OpenedChunk(NamedTuple):
    """A chunk whose checksum was right: its header, and the plain bytes of its candles."""

    price_places: int
    volume_places: int
    candles: int
    step: int
    first_open: int
    plain: bytes


def open_frame(frame: bytes) -> bytes:
    """Return the plain bytes of a frame; raise InvalidValueError for bytes that are none."""
    try:
        plain = zlib.decompress(frame[1:]) if frame[:1] == DEFLATED else frame[1:]
    except zlib.error as e:
        raise InvalidValueError(f"frame must be deflated as a whole, {len(frame)} bytes were not: {e}") from e
    if len(plain) % SYMBOL_BYTES or not plain:
        raise InvalidValueError(f"frame must hold {SYMBOL_BYTES} bytes per symbol, was {len(plain)} bytes")
    return plain


def open_chunk(data: bytes) -> OpenedChunk:
    """Return what a chunk holds; `step` is in ms. Raise InvalidValueError for bytes that are no chunk, or not whole."""
    if len(data) < _START or data[0] != CHUNK_VERSION:
        found = f"version {data[0]}" if data else "nothing"
        raise InvalidValueError(
            f"chunk must begin with version {CHUNK_VERSION} and hold {_START} bytes or more, was {found}"
        )
    header, body = data[: CHUNK_HEADER.size], data[_START:]
    (check,) = CHUNK_CHECK.unpack_from(data, CHUNK_HEADER.size)
    if zlib.crc32(body, zlib.crc32(header)) != check:
        raise InvalidValueError(f"chunk must have the checksum {check:08x}, {len(data)} bytes of it have another")
    _, price_places, volume_places, count, seconds, first_open = CHUNK_HEADER.unpack(header)
    return OpenedChunk(price_places, volume_places, count, seconds * 1000, first_open, zlib.decompress(body))
