"""Paging through candles, against exchanges that are a list and a rule."""

import pytest

from signalbox.adapters.exchanges.candle_paging import CandlePaging, Row

STEP = 60_000


def row(number: int, **changes: float | None) -> Row:
    """Return candle `number` with the values given by name in place of its own."""
    values = {"open": 1.0, "high": 2.0, "low": 0.5, "close": 1.5, "volume": 3.0} | changes
    return [number * STEP, *values.values()]


class FromAMoment:
    """Answers the first rows at or after `since`, as Binance does."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows
        self.calls = 0

    def __call__(self, since: int, limit: int, until: int | None) -> list[Row]:
        assert until is None
        self.calls += 1
        return [found for found in self.rows if found[0] >= since][:limit]


class NewestOfAWindow:
    """Answers the newest rows of a window, as Bybit and OKX do."""

    def __init__(self, rows: list[Row], page: int) -> None:
        self.rows, self.page = rows, page
        self.calls = 0

    def __call__(self, since: int, limit: int, until: int | None) -> list[Row]:
        assert until is not None
        assert limit <= self.page
        self.calls += 1
        return [found for found in self.rows if since <= found[0] <= until][-limit:]


def collect(paging: CandlePaging, fetch, since: int, limit: int, now: int) -> list[int]:
    """Return the numbers of the candles found; `since` and `now` are candle numbers too."""
    candles = paging.collect(fetch, since * STEP, limit, STEP, now * STEP)
    return [candle.time // STEP for candle in candles]


GAPS = [
    pytest.param([], id="no gap"),
    pytest.param([5], id="one missing"),
    pytest.param(range(3, 9), id="a gap shorter than a page"),
    pytest.param(range(2, 60), id="a gap of many pages"),
    pytest.param(range(40), id="nothing before the listing"),
    pytest.param(range(20, 100), id="nothing after the delisting"),
]


@pytest.mark.parametrize("missing", GAPS)
@pytest.mark.parametrize("limit", [0, 1, 9, 10, 11, 35, 500])
@pytest.mark.parametrize("by_window", [False, True])
def test_the_first_candles_from_since_on_come_in_order_whatever_is_missing(missing, limit, by_window):
    rows = [row(n) for n in range(100) if n not in missing]
    fetch = NewestOfAWindow(rows, 10) if by_window else FromAMoment(rows)

    found = collect(CandlePaging(10, by_window), fetch, 0, limit, now=99)

    assert found == [n for n in range(100) if n not in missing][:limit]


@pytest.mark.parametrize(("limit", "calls"), [(1, 1), (10, 1), (11, 2), (35, 4)])
@pytest.mark.parametrize("by_window", [False, True])
def test_a_whole_history_takes_one_call_per_page(limit, calls, by_window):
    rows = [row(n) for n in range(100)]
    fetch = NewestOfAWindow(rows, 10) if by_window else FromAMoment(rows)

    collect(CandlePaging(10, by_window), fetch, 0, limit, now=99)

    assert fetch.calls == calls


@pytest.mark.parametrize("by_window", [False, True])
def test_what_is_new_since_the_last_turn_takes_one_call(by_window):
    rows = [row(n) for n in range(100)]
    fetch = NewestOfAWindow(rows, 10) if by_window else FromAMoment(rows)

    assert collect(CandlePaging(10, by_window), fetch, 98, 5, now=99) == [98, 99]
    assert fetch.calls == 1


def test_an_exchange_whose_clock_is_far_behind_ours_costs_three_calls():
    fetch = NewestOfAWindow([row(n) for n in range(100)], 10)

    assert collect(CandlePaging(10, by_window=True), fetch, 98, 5, now=1_000_000) == [98, 99]
    assert fetch.calls == 3


def test_a_listing_years_after_since_is_found_by_halving():
    fetch = NewestOfAWindow([row(n) for n in range(80_000, 80_100)], 10)

    assert collect(CandlePaging(10, by_window=True), fetch, 0, 3, now=80_099) == [80_000, 80_001, 80_002]
    assert fetch.calls < 30


@pytest.mark.parametrize("by_window", [False, True])
def test_a_since_between_two_candles_means_the_later(by_window):
    rows = [row(n) for n in range(10)]
    fetch = NewestOfAWindow(rows, 10) if by_window else FromAMoment(rows)

    candles = CandlePaging(10, by_window).collect(fetch, 2 * STEP + 1, 2, STEP, 9 * STEP)

    assert [candle.time for candle in candles] == [3 * STEP, 4 * STEP]


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
@pytest.mark.parametrize("column", ["open", "high", "low", "close", "volume"])
def test_a_candle_with_a_value_that_is_none_is_left_out_and_the_next_ones_are_not(column, value):
    rows = [row(0), row(1, **{column: value}), row(2), row(3)]

    assert collect(CandlePaging(2), FromAMoment(rows), 0, 3, now=3) == [0, 2, 3]


def test_a_page_of_incomplete_candles_does_not_end_the_paging():
    rows = [row(n, close=None) for n in range(6)] + [row(6)]

    assert collect(CandlePaging(2), FromAMoment(rows), 0, 1, now=6) == [6]


def test_repeated_unordered_and_earlier_rows_give_each_candle_once():
    rows = [row(4), row(2), row(2), row(1), row(3)]

    assert collect(CandlePaging(10), lambda *_: rows, 2, 9, now=4) == [2, 3, 4]


def test_an_exchange_that_repeats_itself_ends_the_paging():
    assert collect(CandlePaging(2), lambda *_: [row(0), row(1)], 0, 9, now=9) == [0, 1]
