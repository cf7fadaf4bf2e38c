"""Candles read without numpy are those that the store reads with it, packed or not."""

import pytest

from signalbox.adapters.storage.candle_reader import DynamoCandleReader
from signalbox.adapters.storage.candles import DynamoCandleStore
from signalbox.adapters.storage.compaction import DynamoCandleCompactor
from signalbox.domain.instants import from_ms
from signalbox.domain.market.packing import CHUNK_CANDLES
from signalbox.domain.market.timeframe import Timeframe
from tests.builders import make_grid

H1 = Timeframe.H1
HOUR = H1.milliseconds
START = 999 * CHUNK_CANDLES * HOUR
COUNT = 600
SPANS = ((0, COUNT - 1), (200, 400), (470, 490), (552, 599), (551, 552))
SYMBOLS = ("A/USDT", "B/USDT")


@pytest.mark.parametrize("packed", [None, 479, 551])
def test_the_reader_sees_what_the_store_sees(one_call_at_a_time: None, packed: int | None):
    closes = [100 + (number * 37 % 1000) / 100 for number in range(COUNT)]
    # The second symbol came later: its packed history begins within a span.
    DynamoCandleStore().save(make_grid({SYMBOLS[0]: closes}, start=from_ms(START)), bucket=7)
    DynamoCandleStore().save(make_grid({SYMBOLS[1]: closes[350:]}, start=from_ms(START + 350 * HOUR)), bucket=7)
    if packed is not None:
        DynamoCandleCompactor().compact("binance", H1, 7, SYMBOLS, START + packed * HOUR)
    for first, last in SPANS:
        span = START + first * HOUR, START + last * HOUR
        grid = DynamoCandleStore().load("binance", H1, 7, SYMBOLS, *span)
        for symbol in SYMBOLS:
            assert DynamoCandleReader().read("binance", H1, 7, symbol, *span) == list(grid.column(symbol))
