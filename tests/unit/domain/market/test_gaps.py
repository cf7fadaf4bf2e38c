from dataclasses import replace

import numpy as np
import pytest

from signalbox.domain.instants import to_ms
from signalbox.domain.market.gaps import MOST_ATTEMPTS, Gap, StoredCandles, cells_of, holes, runs
from signalbox.domain.market.packing import (
    BLOCK_CANDLES,
    CHUNK_CANDLES,
    HOT_CANDLES,
    chunk_end,
    chunk_start,
    chunk_starts,
    packed_upto,
)
from signalbox.domain.market.timeframe import Timeframe
from tests.builders import NOW, make_grid

H1 = Timeframe.H1
HOUR = H1.milliseconds
START = to_ms(NOW)
GAP = Gap("A/USDT", START + HOUR, START + 2 * HOUR, attempts=1, asked_at=START + 3 * HOUR)


def test_a_gap_rests_twice_as_long_each_time():
    turns = [3]
    for attempts in range(1, MOST_ATTEMPTS):
        gap = replace(GAP, attempts=attempts, asked_at=START + turns[-1] * HOUR)
        turns.append(next(turn for turn in range(99) if not gap.rests(START + turn * HOUR, H1)))

    assert np.diff(turns).tolist() == [2, 4, 8]


def test_after_the_last_attempt_a_gap_is_genuine_and_rests_for_good():
    assert not replace(GAP, attempts=MOST_ATTEMPTS - 1).genuine
    gap = replace(GAP, attempts=MOST_ATTEMPTS)
    assert gap.genuine
    assert gap.rests(START + 10**6 * HOUR, H1)


def test_all_attempts_are_over_before_candles_are_packed():
    assert sum(2**attempts for attempts in range(1, MOST_ATTEMPTS)) < HOT_CANDLES


def test_holes_have_a_later_candle_and_the_end_has_none():
    grid = make_grid({"A/USDT": [1.0] * 6, "B/USDT": [2.0] * 3})
    grid.close[[0, 1, 3], 0] = np.nan

    assert holes(grid)[:, 0].tolist() == [True, True, False, True, False, False]
    assert not holes(grid)[:, 1].any()


def test_settled_is_where_a_candle_or_a_genuine_gap_is():
    grid = make_grid({"A/USDT": [1.0] * 5})
    grid.close[[1, 2, 4], 0] = np.nan
    genuine = replace(GAP, attempts=MOST_ATTEMPTS)

    assert StoredCandles(grid, (GAP,)).settled[:, 0].tolist() == [True, False, False, True, False]
    assert StoredCandles(grid, (genuine,)).settled[:, 0].tolist() == [True, True, True, True, False]


def test_a_gap_marks_what_of_it_is_in_the_window():
    grid = make_grid({"B/USDT": [1.0] * 3, "A/USDT": [1.0] * 3})
    early = replace(GAP, first_open=START - 90 * HOUR, last_open=START)
    strange = replace(GAP, symbol="C/USDT")

    assert cells_of([early, strange], grid).tolist() == [[False, True], [False, False], [False, False]]


@pytest.mark.parametrize(
    ("marked", "expected"), [([], []), ([0, 1, 1, 0, 1], [(1, 2), (4, 4)]), ([1, 1], [(0, 1)]), ([0, 0], [])]
)
def test_runs_are_named_by_their_ends(marked, expected):
    assert runs(np.array(marked, dtype=bool)) == expected


@pytest.mark.parametrize("timeframe", Timeframe)
def test_every_candle_is_in_one_chunk_aligned_to_the_epoch(timeframe: Timeframe):
    step = timeframe.milliseconds
    start = chunk_start(timeframe, timeframe.floor(START))

    assert start % (CHUNK_CANDLES * step) == 0
    assert start <= timeframe.floor(START) <= chunk_end(timeframe, start)
    assert chunk_start(timeframe, chunk_end(timeframe, start)) == start
    assert chunk_starts(timeframe, start, chunk_end(timeframe, start) + step) == [start, start + CHUNK_CANDLES * step]


@pytest.mark.parametrize("timeframe", Timeframe)
def test_whole_blocks_are_packed_and_a_hot_tail_never(timeframe: Timeframe):
    step = timeframe.milliseconds
    for minutes in range(0, 3000, 97):
        now = START + minutes * 60_000
        upto = packed_upto(timeframe, now)
        hot = (timeframe.last_closed_open(now) - upto) // step
        assert (upto + step) % (BLOCK_CANDLES * step) == 0
        assert HOT_CANDLES <= hot < HOT_CANDLES + BLOCK_CANDLES


def test_at_night_the_day_before_yesterday_is_packed_of_hourly_candles():
    midnight = START - START % (24 * HOUR)
    assert packed_upto(H1, midnight + 35 * 60_000) == midnight - 25 * HOUR
