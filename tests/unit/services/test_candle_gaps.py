"""Gaps and data revisions: what a turn asks the exchange for, how often, and what it keeps of the answer."""

from datetime import UTC, datetime

import pytest

from signalbox.domain.errors import ExchangeUnavailableError, StorageUnavailableError
from signalbox.domain.instants import to_ms
from signalbox.domain.market.candles import Candle, CandleGrid
from signalbox.domain.market.gaps import MOST_ATTEMPTS
from signalbox.domain.market.timeframe import Timeframe
from signalbox.services.candles import CandleUpdate, update_candles
from tests.builders import make_candles
from tests.fakes.market import FakeExchange, InMemoryCandles

START = datetime(2024, 1, 5, tzinfo=UTC)
HOUR = 3_600_000
FIRST = to_ms(START)
WINDOW = 12
CLOSES = [100.0 + candle for candle in range(60)]


@pytest.fixture
def exchange() -> FakeExchange:
    candles = make_candles(CLOSES, START)
    return FakeExchange(stored={"BTC/USDT": list(candles), "ETH/USDT": list(candles)})


@pytest.fixture
def store() -> InMemoryCandles:
    return InMemoryCandles()


def turn(exchange: FakeExchange, store: InMemoryCandles, last: int, check: int | None = None) -> CandleUpdate:
    """The turn whose newest candle is the one `last` candles after START, over a window of a dozen."""
    exchange.calls.clear()
    return update_candles(
        ["BTC/USDT", "ETH/USDT"],
        timeframe=Timeframe.H1,
        bucket=0,
        first_open=FIRST + max(last - WINDOW + 1, 0) * HOUR,
        last_open=FIRST + last * HOUR,
        exchange=exchange,
        store=store,
        check_from=None if check is None else FIRST + check * HOUR,
    )


def asked(exchange: FakeExchange) -> dict[str, int]:
    """What was asked of the exchange in the last turn: candles after START, by symbol."""
    calls = [call for call in exchange.calls if call[0] == "candles"]
    assert len({call[1] for call in calls}) == len(calls), "one query per symbol and turn"
    return {call[1]: (call[3] - FIRST) // HOUR for call in calls}


def without(exchange: FakeExchange, symbol: str, *candles: int) -> None:
    gone = {FIRST + candle * HOUR for candle in candles}
    exchange.stored[symbol] = [candle for candle in exchange.stored[symbol] if candle.time not in gone]


def test_a_calm_turn_asks_once_per_symbol_for_the_newest_candle(exchange: FakeExchange, store: InMemoryCandles):
    turn(exchange, store, 11)
    for last in range(12, 20):
        assert turn(exchange, store, last).fetched == 2
        assert asked(exchange) == {"BTC/USDT": last, "ETH/USDT": last}


def test_candles_that_cannot_be_believed_are_asked_for_again_with_the_newest(
    exchange: FakeExchange, store: InMemoryCandles
):
    right = exchange.stored["ETH/USDT"]
    spike = Candle(right[5].time, *(2 * value for value in right[5][1:]))
    exchange.stored["ETH/USDT"] = [*right[:5], spike, *right[6:]]
    turn(exchange, store, 11)
    exchange.stored["ETH/USDT"] = right

    update = turn(exchange, store, 12)

    assert asked(exchange) == {"BTC/USDT": 12, "ETH/USDT": 1}
    assert (update.fetched, update.data_revisions) == (2, 1)
    assert update.grid.close[4, 1] == spike.close


def test_a_hole_is_asked_for_with_growing_rests_and_then_never_again(exchange: FakeExchange, store: InMemoryCandles):
    without(exchange, "ETH/USDT", 5, 6)
    extra = []
    for last in range(11, 40):
        update = update_over(exchange, store, last)
        if asked(exchange)["ETH/USDT"] < last:
            extra.append(last)
            assert asked(exchange)["ETH/USDT"] == (0 if last == 11 else 5)
        assert update.gaps == (last in extra)

    assert extra == [11, 13, 17, 25]
    assert [gap.attempts for gap in store.gaps.values()] == [MOST_ATTEMPTS]


def update_over(exchange: FakeExchange, store: InMemoryCandles, last: int) -> CandleUpdate:
    """A turn whose window begins at START and only grows."""
    exchange.calls.clear()
    return update_candles(
        ["BTC/USDT", "ETH/USDT"],
        timeframe=Timeframe.H1,
        bucket=0,
        first_open=FIRST,
        last_open=FIRST + last * HOUR,
        exchange=exchange,
        store=store,
    )


def test_a_hole_that_the_exchange_fills_later_is_filled(exchange: FakeExchange, store: InMemoryCandles):
    whole = exchange.stored["ETH/USDT"]
    without(exchange, "ETH/USDT", 8)
    assert not turn(exchange, store, 11).grid.present[8, 1]
    exchange.stored["ETH/USDT"] = whole

    turn(exchange, store, 12)
    found = turn(exchange, store, 13)
    assert found.fetched == 3
    assert found.grid.present.all()
    turn(exchange, store, 17)
    assert asked(exchange) == {"BTC/USDT": 14, "ETH/USDT": 14}


def test_a_message_handled_again_counts_no_attempt(exchange: FakeExchange, store: InMemoryCandles):
    without(exchange, "ETH/USDT", 5)
    for _ in range(10):
        turn(exchange, store, 11)

    assert [gap.attempts for gap in store.gaps.values()] == [1]
    assert asked(exchange) == {}


def test_an_exchange_that_fails_or_answers_nothing_has_not_said_that_it_has_none(
    exchange: FakeExchange, store: InMemoryCandles
):
    whole = exchange.stored["ETH/USDT"]
    without(exchange, "ETH/USDT", 8)
    turn(exchange, store, 11)
    exchange.candle_errors["ETH/USDT"] = ExchangeUnavailableError("down")
    turn(exchange, store, 13)
    del exchange.candle_errors["ETH/USDT"]
    exchange.stored["ETH/USDT"] = []
    turn(exchange, store, 14)
    assert [gap.attempts for gap in store.gaps.values()] == [1]

    exchange.stored["ETH/USDT"] = whole
    assert turn(exchange, store, 15).grid.present.all()


def test_a_failure_while_only_a_gap_is_asked_for_holds_up_nothing(exchange: FakeExchange, store: InMemoryCandles):
    without(exchange, "ETH/USDT", 8)
    turn(exchange, store, 11)
    turn(exchange, store, 13)
    del store.gaps["binance", "1h", 0, "ETH/USDT", FIRST + 8 * HOUR]
    exchange.candle_errors["ETH/USDT"] = ExchangeUnavailableError("down")
    update = turn(exchange, store, 13)

    assert asked(exchange) == {"ETH/USDT": 8}
    assert not update.refusals


def test_a_symbol_listed_lately_is_not_asked_for_older_candles_for_ever(exchange: FakeExchange, store: InMemoryCandles):
    without(exchange, "ETH/USDT", *range(20))
    extra = []
    for last in range(21, 50):
        turn(exchange, store, last)
        if asked(exchange)["ETH/USDT"] < last:
            extra.append(last)

    assert extra == [21, 23, 27]
    # The fourth time was due when the window had left the gap behind.
    assert 27 + 8 - WINDOW >= 20


def test_a_halted_symbol_has_no_hole_until_it_trades_again(exchange: FakeExchange, store: InMemoryCandles):
    whole = exchange.stored["ETH/USDT"]
    exchange.stored["ETH/USDT"] = whole[:8]
    turn(exchange, store, 11)
    turn(exchange, store, 12)
    assert asked(exchange)["ETH/USDT"] == 7  # Nothing confirms the newest that it shows.
    assert not store.gaps
    exchange.stored["ETH/USDT"] = whole

    assert turn(exchange, store, 13).grid.present.all()


def test_a_stored_candle_that_comes_back_changed_stays_and_is_recorded(exchange: FakeExchange, store: InMemoryCandles):
    turn(exchange, store, 11)
    stored = exchange.stored["ETH/USDT"][7]
    came = stored._replace(close=stored.close + 0.5, high=stored.high + 0.5, volume=stored.volume + 3)
    exchange.stored["ETH/USDT"][7] = came
    update = turn(exchange, store, 11, check=4)

    assert asked(exchange) == {"BTC/USDT": 4, "ETH/USDT": 4}
    assert (update.data_revisions, update.fetched) == (1, 0)
    assert update.grid.close[7, 1] == stored.close
    assert store.load("binance", Timeframe.H1, 0, ["ETH/USDT"], stored.time, stored.time).close[0, 0] == stored.close
    (revision,) = store.revisions_of("binance", Timeframe.H1, "ETH/USDT")
    assert (revision.stored, revision.came, revision.seen_at) == (stored, came, FIRST + 12 * HOUR)


def test_a_change_is_recorded_before_new_candles_are_stored(exchange: FakeExchange, store: InMemoryCandles):
    class Failing(InMemoryCandles):
        def save(self, grid: CandleGrid, bucket: int) -> CandleGrid:
            raise StorageUnavailableError(f"{grid.exchange} {bucket} is throttled")

    turn(exchange, store, 11)
    exchange.stored["ETH/USDT"][7] = exchange.stored["ETH/USDT"][7]._replace(volume=99.0)
    failing = Failing()
    failing.stored = store.stored

    with pytest.raises(StorageUnavailableError):
        turn(exchange, failing, 12, check=4)
    assert len(failing.revisions_of("binance", Timeframe.H1, "ETH/USDT")) == 1


class Overtaken(FakeExchange):
    """An exchange that answers one worker, and meanwhile another one, which sees `other`, stores its candles."""

    other: FakeExchange
    store: InMemoryCandles

    def candles(self, symbol: str, timeframe: Timeframe, since: int, limit: int) -> list[Candle]:
        turn(self.other, self.store, 11)
        return super().candles(symbol, timeframe, since, limit)


def test_of_two_deliveries_of_one_message_the_first_to_store_counts_and_what_the_other_saw_is_recorded(
    exchange: FakeExchange, store: InMemoryCandles
):
    late = Overtaken(stored={symbol: list(candles) for symbol, candles in exchange.stored.items()})
    late.other, late.store = exchange, store
    seen = late.stored["ETH/USDT"][9]._replace(close=90.0, low=90.0, volume=1e6)
    late.stored["ETH/USDT"][9] = seen
    update = turn(late, store, 11)

    stored = exchange.stored["ETH/USDT"][9]
    (revision,) = store.revisions_of("binance", Timeframe.H1, "ETH/USDT")
    assert (revision.stored, revision.came) == (stored, seen)
    assert update.data_revisions == 1
    assert (
        update.grid.close[9, 1]
        == stored.close
        == store.load("binance", Timeframe.H1, 0, ["ETH/USDT"], stored.time, stored.time).close[0, 0]
    )


def test_the_same_change_is_recorded_once_and_the_next_one_too(exchange: FakeExchange, store: InMemoryCandles):
    turn(exchange, store, 11)
    for volume, expected in ((11.0, 1), (11.0, 0), (12.5, 1)):
        exchange.stored["ETH/USDT"][7] = exchange.stored["ETH/USDT"][7]._replace(volume=volume)
        assert turn(exchange, store, 11, check=0).data_revisions == expected

    found = store.revisions_of("binance", Timeframe.H1, "ETH/USDT")
    assert [revision.came.volume for revision in found] == [11.0, 12.5]


def test_a_change_is_seen_where_a_gap_is_asked_for_again(exchange: FakeExchange, store: InMemoryCandles):
    without(exchange, "ETH/USDT", 5)
    turn(exchange, store, 11)
    at = next(n for n, candle in enumerate(exchange.stored["ETH/USDT"]) if candle.time == FIRST + 8 * HOUR)
    exchange.stored["ETH/USDT"][at] = exchange.stored["ETH/USDT"][at]._replace(volume=99.0)

    assert turn(exchange, store, 13).data_revisions == 1


def test_the_newest_candle_is_no_revision_while_nothing_confirms_that_it_closed(
    exchange: FakeExchange, store: InMemoryCandles
):
    turn(exchange, store, 11)
    for symbol, candles in exchange.stored.items():
        exchange.stored[symbol] = [*candles[:11], candles[11]._replace(volume=99.0)]

    assert turn(exchange, store, 11, check=4).data_revisions == 0


def test_a_check_of_an_exchange_that_is_down_is_worth_another_try(exchange: FakeExchange, store: InMemoryCandles):
    turn(exchange, store, 11)
    exchange.candle_errors = {symbol: ExchangeUnavailableError("down") for symbol in exchange.stored}

    with pytest.raises(ExchangeUnavailableError, match="down"):
        turn(exchange, store, 11, check=4)
