"""Compaction: frames that are old enough become packed chunks.

Chunks are written, read back and compared; then the series is marked as packed; only then are the frames deleted, and
each only as it was read. After a crash at any line the next run finds frames, chunks, or both, and leaves what one run
leaves. Readers meanwhile find every candle in the frames, in the chunks, or in both.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from signalbox.adapters.storage.candle_items import Sheet
from signalbox.adapters.storage.candle_table import FrameItem, frame_items, frames_in, series_of
from signalbox.adapters.storage.chunk_codec import Chunk, decode_chunk, encode_chunk
from signalbox.adapters.storage.chunk_table import (
    ChunkKey,
    StoredChunk,
    fetch_chunks,
    packed_upto,
    put_chunk,
    set_packed_upto,
)
from signalbox.adapters.storage.data_revisions import add_revisions
from signalbox.adapters.storage.dynamo import ConditionFailedError, RawItem, call
from signalbox.adapters.storage.frames import Frames, symbol_hashes
from signalbox.domain.errors import StorageUnavailableError
from signalbox.domain.market.candles import BoolArray, Candle
from signalbox.domain.market.data_revision import DataRevision
from signalbox.domain.market.gaps import Gap, StoredCandles, cells_of, holes
from signalbox.domain.market.packing import CHUNK_CANDLES, chunk_end, chunk_start, chunk_starts
from signalbox.domain.market.timeframe import Timeframe
from signalbox.ports.market import Compaction

WRITERS = 8

Work = TypeVar("Work")
Outcome = TypeVar("Outcome")


class DynamoCandleCompactor:
    """Implements `ports.CandleCompactor`."""

    def compact(
        self, exchange: str, timeframe: Timeframe, bucket: int, symbols: Sequence[str], upto: int
    ) -> Compaction:
        """Pack the frames of a bucket until the candle `upto` (open time, epoch ms), and delete them.

        A frame that holds a symbol not among `symbols`, or was written to meanwhile, stays as it is.

        Raises
        ------
        StorageUnavailableError
            If a chunk does not read back as it was written, or another worker packed later candles meanwhile.
        InvalidValueError
            If two of `symbols` have one crc32, or what is stored is no frame or chunk.
        """
        items = list(frame_items(series_of(exchange, timeframe, bucket), 0, upto))
        if not items:
            return Compaction()
        first = int(items[0]["time"]["N"])
        before = packed_upto(exchange, timeframe, bucket)
        if before is not None:
            if before > upto:
                return Compaction()
            first = min(first, before + timeframe.milliseconds)
        tail = upto - (CHUNK_CANDLES - 1) * timeframe.milliseconds
        sheet = Sheet.blank(exchange, timeframe, symbols, min(chunk_start(timeframe, first), tail), upto)
        starts = chunk_starts(timeframe, first, upto) or [chunk_start(timeframe, upto)]
        stored = _stored_chunks(sheet, upto)
        frames = sheet.add_frames(items)
        covered = _take_chunks(sheet, stored)
        revisions = _differences(sheet, frames, seen_at=upto + timeframe.milliseconds)
        packed = _packed(sheet, covered, starts, upto)
        changed = {key: each for key, each in packed.items() if key not in stored or stored[key].data != each.data}
        _each(changed.items(), lambda item: put_chunk(exchange, timeframe, item[0], item[1]))
        _verify(sheet, changed)
        recorded = add_revisions(exchange, timeframe, revisions)
        set_packed_upto(exchange, timeframe, bucket, upto)
        deleted = _each(_wholly_known(items, frames, sheet), _delete)
        return Compaction(chunks=len(changed), frames=sum(deleted), data_revisions=recorded)

    def packed_upto(self, exchange: str, timeframe: Timeframe, bucket: int) -> int | None:
        """Return the open time (epoch ms) of the candle until which a bucket is packed, or None if it never was."""
        return packed_upto(exchange, timeframe, bucket)


def _stored_chunks(sheet: Sheet, upto: int) -> dict[ChunkKey, StoredChunk]:
    starts = chunk_starts(sheet.timeframe, int(sheet.times[0]), upto)
    keys = [ChunkKey(symbol, start) for symbol in sheet.symbols for start in starts]
    return fetch_chunks(sheet.exchange, sheet.timeframe, keys)


def _take_chunks(sheet: Sheet, stored: dict[ChunkKey, StoredChunk]) -> BoolArray:
    """Lay the chunks over the frames, as what was packed stays; return the cells where nothing is to be asked for."""
    step = sheet.timeframe.milliseconds
    ranges = []
    for key, each in stored.items():
        chunk = decode_chunk(each.data)
        column = sheet.symbols.index(key.symbol)
        offset = (chunk.first_open - int(sheet.times[0])) // step
        start, stop = max(offset, 0), min(offset + chunk.cells.shape[1], len(sheet.times))
        if start < stop:
            found = chunk.cells[:, start - offset : stop - offset]
            cells = sheet.cells[:, start:stop, column]
            sheet.cells[:, start:stop, column] = np.where(np.isnan(found[3]), cells, found)
            ranges.append(Gap(key.symbol, int(sheet.times[start]), int(sheet.times[stop - 1]), 0, 0))
    grid = sheet.grid()
    return np.asarray(StoredCandles(grid, tuple(sheet.gaps)).settled | cells_of(ranges, grid))


def _differences(sheet: Sheet, frames: Sequence[tuple[Frames, list[int]]], seen_at: int) -> list[DataRevision]:
    """Return a revision for every candle of a frame that is not the one that stays."""
    column_of = {code: column for column, code in enumerate(symbol_hashes(sheet.symbols).tolist())}
    found = []
    for part, rows in frames:
        codes = part.hashes.tolist()
        for at, code in enumerate(codes):
            if code not in column_of:
                continue
            stays = sheet.cells[:, rows, column_of[code]]
            came = part.cells[:, :, at]
            differs = ~((stays == came) | (np.isnan(stays) & np.isnan(came))).all(axis=0)
            for position in np.flatnonzero(differs).tolist():
                time = int(sheet.times[rows[position]])
                found.append(
                    DataRevision(
                        sheet.symbols[column_of[code]],
                        stored=Candle(time, *map(float, stays[:, position])),
                        came=Candle(time, *map(float, came[:, position])),
                        seen_at=seen_at,
                    )
                )
    return found


def _packed(sheet: Sheet, covered: BoolArray, starts: Sequence[int], upto: int) -> dict[ChunkKey, StoredChunk]:
    """Return the chunks that begin at `starts`: full ones as they are, the newest one reaching back from `upto`."""
    step = sheet.timeframe.milliseconds
    origin = int(sheet.times[0])
    # A hole between candles is packed as one; ahead of the first, only what the exchange is known not to have.
    known = covered | holes(sheet.grid())
    known &= np.logical_or.accumulate(covered, axis=0)
    present = ~sheet.lacking
    packed = {}
    for start in starts:
        end = chunk_end(sheet.timeframe, start)
        span = (start, end) if end <= upto else (upto - (CHUNK_CANDLES - 1) * step, upto)
        rows = slice((span[0] - origin) // step, (span[1] - origin) // step + 1)
        for column, symbol in enumerate(sheet.symbols):
            there = np.flatnonzero(present[rows, column])
            if not there.size:
                continue
            first = rows.start + int(np.argmax(known[rows, column]))
            cells = sheet.cells[:, first : rows.start + int(there[-1]) + 1, column]
            chunk = Chunk(origin + first * step, step, cells)
            packed[ChunkKey(symbol, start)] = StoredChunk(encode_chunk(chunk), upto)
    return packed


def _verify(sheet: Sheet, written: dict[ChunkKey, StoredChunk]) -> None:
    """Read back what was written; raise StorageUnavailableError if a chunk, or a candle in it, is another."""
    found = fetch_chunks(sheet.exchange, sheet.timeframe, written)
    for key, chunk in written.items():
        if found.get(key) != chunk or not _holds(sheet, key.symbol, decode_chunk(chunk.data)):
            raise StorageUnavailableError(f"chunk {key.symbol} {key.start} must read back as written, did not")


def _holds(sheet: Sheet, symbol: str, chunk: Chunk) -> bool:
    row = (chunk.first_open - int(sheet.times[0])) // chunk.step
    cells = sheet.cells[:, row : row + chunk.cells.shape[1], sheet.symbols.index(symbol)]
    there = ~np.isnan(cells).all(axis=0)
    same = cells[:, there].tobytes() == chunk.cells[:, there].tobytes()
    return same and bool(np.isnan(chunk.cells[:, ~there]).all())


def _wholly_known(items: Iterable[RawItem], frames: Sequence[tuple[Frames, list[int]]], sheet: Sheet) -> list[RawItem]:
    """Return the items whose every symbol is on the sheet."""
    known = set(symbol_hashes(sheet.symbols).tolist())
    strange = {int(sheet.times[row]) for part, rows in frames if set(part.hashes.tolist()) - known for row in rows}
    return [item for item in items if int(item["time"]["N"]) not in strange]


def _delete(item: RawItem) -> bool:
    """Delete an item if its frames are still those that were read; return whether it was."""
    parts = frames_in(item)
    names = {f"#{name}": name for name in parts}
    conditions = [f"#{name} = :{name}" for name in parts]
    values = {f":{name}": {"B": frame} for name, frame in parts.items()}
    conditions.append("parts = :parts" if "parts" in item else "attribute_not_exists(parts)")
    request = {
        "TableName": FrameItem.name(),
        "Key": {"frame_series": item["frame_series"], "time": item["time"]},
        "ConditionExpression": " AND ".join(conditions),
    }
    if names:
        request["ExpressionAttributeNames"] = names
    if "parts" in item:
        values[":parts"] = item["parts"]
    if values:
        request["ExpressionAttributeValues"] = values
    try:
        call("DeleteItem", request)
    except ConditionFailedError:
        return False
    return True


def _each(work: Iterable[Work], do: Callable[[Work], Outcome]) -> list[Outcome]:
    """Return what `do` gives for each, several at once; raise the first error."""
    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(do, work))
