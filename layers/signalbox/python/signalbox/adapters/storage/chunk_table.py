"""Packed history in the candles table: a chunk per symbol and some hundred candles, and how far it reaches.

A full chunk holds exactly its own candles. The newest one of a symbol is not full yet: it holds the last
`CHUNK_CANDLES` packed candles, reaching back into the one before, so that a window of that length is one item per
symbol whatever the hour. Its `packed_upto` says until when.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from signalbox.adapters.storage.candle_table import FrameItem
from signalbox.adapters.storage.dynamo import ConditionFailedError, RawItem, call
from signalbox.domain.errors import StorageUnavailableError
from signalbox.domain.market.packing import CHUNK_CANDLES, chunk_start, chunk_starts
from signalbox.domain.market.timeframe import Timeframe

MOST_KEYS = 100
"""What one BatchGetItem may ask for."""
MOST_TRIES = 8


class ChunkKey(NamedTuple):
    """One chunk of one symbol; `start` is its first open time, epoch ms."""

    symbol: str
    start: int


class StoredChunk(NamedTuple):
    """A chunk as it is stored: its bytes, and the last open time (epoch ms) that was packed when it was written."""

    data: bytes
    packed_upto: int


def packed_upto(exchange: str, timeframe: Timeframe, bucket: int) -> int | None:
    """Return the last open time (epoch ms) until which a bucket's frames were packed, or None if they never were."""
    key = _marker(exchange, timeframe, bucket)
    reply = call("GetItem", {"TableName": FrameItem.name(), "Key": key, "ConsistentRead": True})
    return int(reply["Item"]["packed_upto"]["N"]) if "Item" in reply else None


def set_packed_upto(exchange: str, timeframe: Timeframe, bucket: int, last_open: int) -> None:
    """State that all frames until `last_open` (epoch ms) are in chunks; a later time stays."""
    try:
        call(
            "UpdateItem",
            {
                "TableName": FrameItem.name(),
                "Key": _marker(exchange, timeframe, bucket),
                "UpdateExpression": "SET packed_upto = :upto",
                "ConditionExpression": "attribute_not_exists(packed_upto) OR packed_upto < :upto",
                "ExpressionAttributeValues": {":upto": {"N": str(last_open)}},
            },
        )
    except ConditionFailedError:
        return


def fetch_chunks(exchange: str, timeframe: Timeframe, keys: Iterable[ChunkKey]) -> dict[ChunkKey, StoredChunk]:
    """Return those of the chunks that are stored, read consistently, `MOST_KEYS` a call.

    Raises StorageUnavailableError if some keys stay unanswered.
    """
    wanted = list(dict.fromkeys(keys))
    found: dict[ChunkKey, StoredChunk] = {}
    for at in range(0, len(wanted), MOST_KEYS):
        raw = [_key(exchange, timeframe, key) for key in wanted[at : at + MOST_KEYS]]
        for item in _fetch(raw):
            symbol = item["frame_series"]["S"].split("#", 3)[3]
            chunk = StoredChunk(item["chunk"]["B"], int(item["packed_upto"]["N"]))
            found[ChunkKey(symbol, int(item["time"]["N"]))] = chunk
    return found


def put_chunk(exchange: str, timeframe: Timeframe, key: ChunkKey, chunk: StoredChunk) -> None:
    """Store a chunk; raise StorageUnavailableError if one that was packed later is there."""
    item = {
        **_key(exchange, timeframe, key),
        "chunk": {"B": chunk.data},
        "packed_upto": {"N": str(chunk.packed_upto)},
    }
    try:
        call(
            "PutItem",
            {
                "TableName": FrameItem.name(),
                "Item": item,
                "ConditionExpression": "attribute_not_exists(packed_upto) OR packed_upto <= :upto",
                "ExpressionAttributeValues": {":upto": {"N": str(chunk.packed_upto)}},
            },
        )
    except ConditionFailedError as e:
        raise StorageUnavailableError(
            f"chunk {key.symbol} {key.start} must not be newer than {chunk.packed_upto}, another worker was ahead"
        ) from e


def fetch_packed(
    exchange: str, timeframe: Timeframe, since: Mapping[str, int], upto: int
) -> dict[ChunkKey, StoredChunk]:
    """Return the chunks that hold each symbol's candles from `since[symbol]` on (epoch ms).

    `upto` is what `packed_upto` said: until when the bucket was packed.
    """
    newest = chunk_start(timeframe, upto)
    reach = upto - (CHUNK_CANDLES - 1) * timeframe.milliseconds
    keys = [ChunkKey(symbol, newest) for symbol in since]
    keys += [
        ChunkKey(symbol, start)
        for symbol, first in since.items()
        if first < reach
        for start in chunk_starts(timeframe, first, min(reach, newest - 1))
    ]
    found = fetch_chunks(exchange, timeframe, keys)
    # Packed on since `upto` was read: the newest chunk is full now and reaches back no more.
    overtaken = [key.symbol for key, chunk in found.items() if key.start == newest and chunk.packed_upto > upto]
    more = [
        key
        for symbol in overtaken
        for start in chunk_starts(timeframe, since[symbol], newest - 1)
        if (key := ChunkKey(symbol, start)) not in found
    ]
    found |= fetch_chunks(exchange, timeframe, more)
    return found


def _fetch(keys: list[dict[str, Any]]) -> list[RawItem]:
    table = FrameItem.name()
    request: dict[str, Any] = {table: {"Keys": keys, "ConsistentRead": True}} if keys else {}
    found: list[RawItem] = []
    for _ in range(MOST_TRIES):
        if not request:
            return found
        reply = call("BatchGetItem", {"RequestItems": request})
        found += reply["Responses"].get(table, [])
        request = reply.get("UnprocessedKeys") or {}
    if request:
        raise StorageUnavailableError(f"BatchGetItem on {table} left some of {len(keys)} keys unread")
    return found


def _key(exchange: str, timeframe: Timeframe, key: ChunkKey) -> dict[str, Any]:
    return {"frame_series": {"S": f"chunk#{exchange}#{timeframe}#{key.symbol}"}, "time": {"N": str(key.start)}}


def _marker(exchange: str, timeframe: Timeframe, bucket: int) -> dict[str, Any]:
    return {"frame_series": {"S": f"packed#{exchange}#{timeframe}#{bucket}"}, "time": {"N": "0"}}
