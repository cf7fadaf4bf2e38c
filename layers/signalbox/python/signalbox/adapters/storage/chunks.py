"""What packed history adds to a sheet: the chunks of its symbols, laid over what the frames left open."""

import numpy as np

from signalbox.adapters.storage.candle_items import Sheet
from signalbox.adapters.storage.chunk_codec import Chunk, decode_chunk
from signalbox.adapters.storage.chunk_table import fetch_packed
from signalbox.domain.market.gaps import MOST_ATTEMPTS, Gap, runs


def add_packed(sheet: Sheet, upto: int) -> None:
    """Take in, where the sheet lacks candles until `upto` (epoch ms), what the chunks hold.

    A hole within a chunk is a genuine gap: it was asked for before the chunk was made.
    """
    missing = sheet.lacking & (sheet.times <= upto)[:, None]
    since = {
        symbol: int(sheet.times[np.argmax(missing[:, column])])
        for column, symbol in enumerate(sheet.symbols)
        if missing[:, column].any()
    }
    for key, chunk in fetch_packed(sheet.exchange, sheet.timeframe, since, upto).items():
        _take(sheet, key.symbol, decode_chunk(chunk.data))


def _take(sheet: Sheet, symbol: str, chunk: Chunk) -> None:
    column = sheet.symbols.index(symbol)
    step = sheet.timeframe.milliseconds
    offset = (chunk.first_open - int(sheet.times[0])) // step
    count = chunk.cells.shape[1]
    start, stop = max(offset, 0), min(offset + count, len(sheet.times))
    if start >= stop:
        return
    found = chunk.cells[:, start - offset : stop - offset]
    stored = sheet.cells[:, start:stop, column]
    sheet.cells[:, start:stop, column] = np.where(np.isnan(stored[3]), found, stored)
    for first, last in runs(np.isnan(sheet.cells[3, start:stop, column])):
        times = sheet.times[start + first], sheet.times[start + last]
        sheet.gaps.append(Gap(symbol, int(times[0]), int(times[1]), attempts=MOST_ATTEMPTS, asked_at=0))
