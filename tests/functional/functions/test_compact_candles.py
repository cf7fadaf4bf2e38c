from datetime import timedelta
from typing import Any

import pytest

from signalbox import bootstrap
from signalbox.adapters.storage.candle_table import FrameItem
from signalbox.adapters.storage.chunk_table import packed_upto
from signalbox.adapters.storage.dynamo import call
from signalbox.domain.errors import TransientError
from signalbox.domain.instants import from_iso, to_ms
from signalbox.domain.market.candles import CandleGrid
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.universe.universe import Member, Universe
from tests.builders import make_grid
from tests.fakes.market import same_grid
from tests.functional.functions.conftest import Handler, load_event

NIGHT = from_iso("2024-01-05T00:35:00Z")
MIDNIGHT = NIGHT - timedelta(minutes=35)
HOUR = 3_600_000


@pytest.fixture
def stored(house: None) -> CandleGrid:
    """Two old days of a symbol that is in the universe and watched no more."""
    bootstrap.universe_repository().add(
        Universe(MIDNIGHT - timedelta(days=9), (Member("OLD/USDT", "binance", 0, watched=False),))
    )
    closes = [1.0 + candle / 64 for candle in range(30)]
    grid = make_grid({"OLD/USDT": closes}, start=MIDNIGHT - timedelta(hours=54))
    bootstrap.candle_store().save(grid, 0)
    return grid


def load(grid: CandleGrid) -> CandleGrid:
    return bootstrap.candle_store().load(
        "binance", Timeframe.H1, 0, grid.symbols, int(grid.times[0]), int(grid.times[-1])
    )


def test_a_night_packs_what_is_old_and_every_candle_is_still_there(
    handler: Handler, lambda_context: Any, stored: CandleGrid
) -> None:
    handler("compact_candles")(load_event("compact_candles"), lambda_context)

    assert same_grid(load(stored), stored)
    assert packed_upto("binance", Timeframe.H1, 0) == to_ms(MIDNIGHT) - 25 * HOUR


def test_without_a_universe_there_is_nothing_to_do(handler: Handler, lambda_context: Any) -> None:
    handler("compact_candles")(load_event("compact_candles"), lambda_context)

    assert bootstrap.universe_repository().current(NIGHT) is None


def test_a_night_that_fails_for_a_series_is_tried_again(
    handler: Handler, lambda_context: Any, stored: CandleGrid
) -> None:
    key = {"frame_series": {"S": "binance#1h#0"}, "time": {"N": str(to_ms(MIDNIGHT) - 30 * HOUR)}}
    broken = {"f_broken": {"B": b"\x01no frame"}, "parts": {"L": [{"S": "f_broken"}]}}
    call("PutItem", {"TableName": FrameItem.name(), "Item": {**key, **broken}})

    with pytest.raises(TransientError, match="1 failed"):
        handler("compact_candles")(load_event("compact_candles"), lambda_context)
