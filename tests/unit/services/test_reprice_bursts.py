"""Late messages, old quotes, wrong quotes, and a crash that moves everything at once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from signalbox.domain.errors import ExchangeUnavailableError
from signalbox.domain.instants import to_ms
from signalbox.domain.market.quotes import Quote
from signalbox.services.reprice_signals import LONGEST_DELAY
from tests.builders import NOW
from tests.unit.services.repricing_house import MINUTE, SYMBOLS, House, buy, quote

SECOND = timedelta(seconds=1)


@pytest.fixture
def house() -> House:
    """Four open signals, bought at 100, and two quiet minutes behind them."""
    found = House()
    for symbol in SYMBOLS:
        found.signals.add(buy(symbol))
    for minute in (1, 2):
        found.show(NOW + minute * MINUTE, 100.0)
        assert found.reprice(NOW + minute * MINUTE).revisions == 0
    return found


def test_a_message_older_than_a_cycle_is_dropped_and_counted(house: House):
    as_of = NOW + 3 * MINUTE
    house.show(as_of, 85.0)
    report = house.reprice(as_of, now=as_of + LONGEST_DELAY + SECOND)

    assert (report.stale_messages, report.revisions, report.prices) == (1, 0, 0)
    assert report.backlog_age_seconds == 91
    assert house.frames.latest(0).as_of == NOW + 2 * MINUTE


def test_a_message_that_is_a_little_late_is_handled(house: House):
    as_of = NOW + 3 * MINUTE
    house.show(as_of + MINUTE, 85.0)
    report = house.reprice(as_of, now=as_of + LONGEST_DELAY)

    assert (report.stale_messages, report.revisions) == (0, 4)


def test_a_message_that_a_newer_cycle_overtook_is_dropped(house: House):
    report = house.reprice(NOW + MINUTE, now=NOW + 2 * MINUTE)

    assert (report.stale_messages, report.prices) == (1, 0)


def test_quotes_older_than_those_stored_for_their_cycle_move_nothing(house: House):
    as_of = NOW + 3 * MINUTE
    house.show(as_of + 8 * SECOND, 100.0)
    house.reprice(as_of)
    stored = house.frames.latest(0)
    house.show(as_of + 2 * SECOND, 85.0)
    report = house.reprice(as_of)

    assert (report.stale_quotes, report.revisions, report.open_signals) == (1, 0, 0)
    assert house.frames.latest(0) == stored


def test_a_crash_that_all_exchanges_share_moves_every_signal_within_one_cycle(house: House):
    as_of = NOW + 3 * MINUTE
    house.show(as_of, 85.0)
    report = house.reprice(as_of)

    assert report.revisions == len(SYMBOLS)
    assert {signal.revised_price for signal in house.signals.open_of(SYMBOLS)} == {85}


WRONG: dict[str, Callable[[Quote], Quote]] = {
    "zero": lambda seen: replace(seen, bid=0.0, ask=0.0, last=0.0),
    "ten times": lambda seen: replace(seen, bid=seen.bid * 10, ask=seen.ask * 10, last=seen.last * 10),
    "a tenth": lambda seen: replace(seen, bid=seen.bid / 10, ask=seen.ask / 10, last=seen.last / 10),
    "stale": lambda seen: quote(seen.symbol, seen.exchange, 85.0, NOW - 5 * MINUTE),
    "crossed": lambda seen: replace(seen, bid=120.0, ask=80.0),
    "not a number": lambda seen: replace(seen, bid=float("nan"), ask=None, last=float("inf")),
    "20 % up": lambda seen: replace(seen, bid=seen.bid * 1.2, ask=seen.ask * 1.2, last=seen.last * 1.2),
    "from the future": lambda seen: replace(seen, time=seen.time + 3_600_000, bid=85.0, ask=85.0, last=85.0),
}


def tamper(house: House, how: str, exchanges: tuple[str, ...]) -> None:
    for exchange_id in exchanges:
        quoted = house.exchanges[exchange_id].quoted
        for symbol in SYMBOLS:
            quoted[symbol] = WRONG[how](quoted[symbol])


@pytest.mark.parametrize("wrong", [("kraken",), ("bybit", "kraken")], ids=["one of three", "two of three"])
@pytest.mark.parametrize("how", WRONG)
def test_bad_ticks_move_no_signal(house: House, how: str, wrong: tuple[str, ...]):
    before = house.signals.open_of(SYMBOLS)
    # While a last valid price is recent enough to compare with: five minutes.
    for minute in range(3, 7):
        house.show(NOW + minute * MINUTE, 100.0)
        tamper(house, how, wrong)
        house.reprice(NOW + minute * MINUTE)

    assert house.signals.open_of(SYMBOLS) == before
    assert house.history.stored == {}


def test_an_exchange_that_stands_still_is_found_out_and_said_so(house: House):
    stuck = dict(house.exchanges["kraken"].quoted)
    for minute in range(3, 7):
        as_of = NOW + minute * MINUTE
        house.show(as_of, 100.0 - 0.2 * (minute - 2))
        house.exchanges["kraken"].quoted = {symbol: replace(seen, time=to_ms(as_of)) for symbol, seen in stuck.items()}
        house.reprice(as_of)

    latest = house.frames.latest(0)
    assert {price.rejected.get("kraken") for price in latest.prices.values()} <= {"frozen", "outlier"}
    assert all(price.used == ("binance", "bybit") for price in latest.prices.values())


def test_an_exchange_that_is_down_is_left_out_and_said_so(house: House):
    house.exchanges["bybit"].quote_error = ExchangeUnavailableError("maintenance")
    house.show(NOW + 3 * MINUTE, 100.0)
    report = house.reprice(NOW + 3 * MINUTE)

    latest = house.frames.latest(0)
    assert report.silent_exchanges == 1
    assert latest.silent == {"bybit": "down"}
    assert all(price.used == ("binance", "kraken") and not price.low_trust for price in latest.prices.values())


def test_a_signal_is_booked_within_one_cycle_of_its_expiry_without_any_price():
    house = House(("BTC/USDT",))
    house.signals.add(buy("BTC/USDT", expires_at=NOW + 5 * MINUTE))
    for exchange in house.exchanges.values():
        exchange.quote_error = ExchangeUnavailableError("down")
        exchange.candle_errors["BTC/USDT"] = ExchangeUnavailableError("down")
    endings = [house.reprice(NOW + minute * MINUTE).endings for minute in range(3, 8)]

    assert sum(endings[:4]) == 1
    assert house.signals.open_of(["BTC/USDT"]) == []


def test_what_was_refused_and_who_was_silent_is_stored_though_no_symbol_has_a_price(house: House):
    as_of = NOW + 3 * MINUTE
    house.show(as_of, 100.1)
    tamper(house, "20 % up", ("bybit", "kraken"))
    assert house.reprice(as_of).prices == 0
    why = {"binance": "outlier", "bybit": "jumped", "kraken": "jumped"}
    assert [house.frames.latest(0).refused[symbol] for symbol in SYMBOLS] == [why] * len(SYMBOLS)

    for exchange in house.exchanges.values():
        exchange.quote_error = ExchangeUnavailableError("down")
    assert house.reprice(as_of + MINUTE).silent_exchanges == 3
    frame = house.frames.latest(0)
    assert (frame.as_of, frame.prices, set(frame.silent)) == (as_of + MINUTE, {}, {"binance", "bybit", "kraken"})
