"""The consensus price: what bad ticks cannot do, and what a real move does at once."""

from math import inf, nan
from typing import Any

import pytest

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.market.consensus import ConsensusPrice, NoPrice, agree, agree_all
from signalbox.domain.market.quote_checks import DEFAULT_LIMITS
from signalbox.domain.market.quotes import Quote

NOW = 1_704_459_600_000
LAST_CYCLE = NOW - 60_000
SYMBOL = "BTC/USDT"
THREE = {"binance": 100.0, "bybit": 100.02, "kraken": 99.98}


def quote(exchange: str, price: float, **changes: Any) -> Quote:
    """A fresh quote with one basis point of spread about `price`."""
    values = {"time": NOW - 500, "bid": price * 0.99995, "ask": price * 1.00005, "last": price}
    return Quote(**({"symbol": SYMBOL, "exchange": exchange} | values | changes))


def quotes_of(prices: dict[str, float], **changes: Any) -> list[Quote]:
    return [quote(exchange, price, **changes) for exchange, price in prices.items()]


def last_price(prices: dict[str, float] | None = None) -> ConsensusPrice:
    found = agree(SYMBOL, quotes_of(prices or THREE, time=LAST_CYCLE), now_ms=LAST_CYCLE)
    assert isinstance(found, ConsensusPrice)
    return found


def next_price(quotes: list[Quote], previous: ConsensusPrice | None = None) -> ConsensusPrice | None:
    previous = previous or last_price()
    return agree_all(quotes, now_ms=NOW, previous={SYMBOL: previous}).prices.get(SYMBOL)


def test_three_that_agree_give_their_median_with_its_provenance():
    found = agree(SYMBOL, quotes_of(THREE), now_ms=NOW)
    assert found.price == pytest.approx(100.0)
    assert found.used == ("binance", "bybit", "kraken")
    assert (found.rejected, found.low_trust, found.time) == ({}, False, NOW - 500)


BAD = {
    "zero": (quote("kraken", 100.0, bid=0.0, ask=0.0, last=0.0), "not_a_price"),
    "negative": (quote("kraken", 100.0, last=-1.0), "not_a_price"),
    "not a number": (quote("kraken", 100.0, bid=nan), "not_a_price"),
    "infinite": (quote("kraken", 100.0, ask=inf), "not_a_price"),
    "nothing": (quote("kraken", 100.0, bid=None, ask=None, last=None), "no_price"),
    "ten times": (quote("kraken", 1000.0), "outlier"),
    "a tenth": (quote("kraken", 10.0), "outlier"),
    "twenty percent": (quote("kraken", 120.0), "outlier"),
    "stale": (quote("kraken", 101.0, time=NOW - DEFAULT_LIMITS.max_age_ms - 1), "stale"),
    "from the future": (quote("kraken", 101.0, time=NOW + 6_000), "in_future"),
    "crossed": (quote("kraken", 100.0, bid=101.0, ask=100.0), "crossed"),
    "wide": (quote("kraken", 100.0, bid=95.0, ask=105.0), "wide_spread"),
}


@pytest.mark.parametrize(("bad", "reason"), BAD.values(), ids=BAD)
def test_one_bad_tick_of_three_moves_nothing_and_is_named(bad: Quote, reason: str):
    good = quotes_of({"binance": 100.0, "bybit": 100.02})
    found = next_price([*good, bad])
    assert 100.0 <= found.price <= 100.02
    assert found.rejected == {"kraken": reason}
    assert found.used == ("binance", "bybit")
    assert not found.low_trust


@pytest.mark.parametrize(
    "wrong",
    [(1000.0, 1000.0), (1000.0, 120.0), (110.0, 120.0), (0.0, 1000.0), (120.0, 120.1), (0.0, 0.0), (10.0, 1000.0)],
)
def test_two_of_three_wrong_move_nothing(wrong: tuple[float, float]):
    found = next_price(quotes_of({"binance": 100.03, "bybit": wrong[0], "kraken": wrong[1]}))
    assert found is None or found.price == pytest.approx(100.03)


def test_two_that_are_wrong_alike_within_the_jump_limit_cannot_be_told_from_a_real_move():
    found = next_price(quotes_of({"binance": 100.03, "bybit": 103.0, "kraken": 103.02}))
    assert found.price == pytest.approx(103.01, abs=0.02)
    assert found.rejected == {"binance": "outlier"}


@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("factor", [0.85, 1.15, 0.4])
def test_a_move_that_all_share_goes_through_at_once_unclipped(count: int, factor: float):
    names = ["binance", "bybit", "kraken", "okx", "kucoin"][:count]
    spread = [1.0, 1.003, 0.998, 1.002, 0.997]
    before = last_price({name: 100 * part for name, part in zip(names, [1, 1.0001, 0.9999, 1, 1], strict=False)})
    after = {name: 100 * factor * part for name, part in zip(names, spread, strict=False)}
    found = next_price(quotes_of(after), before)
    assert min(after.values()) <= found.price <= max(after.values())


def test_a_crash_passes_an_exchange_whose_clock_and_price_stand_still():
    crash = [*quotes_of({"binance": 85.0, "bybit": 85.1}), quote("kraken", 99.98, time=LAST_CYCLE)]
    found = next_price(crash)
    assert 85.0 <= found.price <= 85.1
    assert found.rejected == {"kraken": "frozen"}


def test_a_crash_that_a_live_exchange_denies_waits_until_three_share_it():
    two = quotes_of({"binance": 85.0, "bybit": 85.1, "kraken": 99.9})
    assert next_price(two) is None
    three = [*two, quote("okx", 85.05)]
    assert next_price(three).rejected == {"kraken": "outlier"}


def test_after_the_last_valid_price_has_aged_the_majority_is_believed_again():
    two = quotes_of({"binance": 85.0, "bybit": 85.1, "kraken": 99.9}, time=NOW)
    later = LAST_CYCLE + DEFAULT_LIMITS.max_reference_age_ms + 1
    fresh = [quote(q.exchange, q.last, time=later) for q in two]
    assert agree_all(fresh, now_ms=later, previous={SYMBOL: last_price()}).prices[SYMBOL].price < 86


def test_an_exchange_that_stands_still_while_the_others_move_is_frozen():
    first = last_price()
    drift = quotes_of({"binance": 100.4, "bybit": 100.42}) + quotes_of({"kraken": 99.98})
    found = next_price(drift, first)
    assert found.rejected == {"kraken": "frozen"}
    assert 100.4 <= found.price <= 100.42


def test_a_slow_freeze_is_found_by_what_the_others_were_when_it_began():
    previous, now = last_price(), LAST_CYCLE
    for cycle in range(1, 5):
        now += 60_000
        moving = {"binance": 100 + 0.1 * cycle, "bybit": 100.02 + 0.1 * cycle, "kraken": 99.98}
        agreement = agree_all(quotes_of(moving, time=now), now_ms=now, previous={SYMBOL: previous})
        previous = agreement.prices[SYMBOL]
    assert previous.rejected == {"kraken": "frozen"}


def test_of_two_exchanges_neither_is_called_frozen():
    found = next_price(quotes_of({"binance": 100.4, "bybit": 100.02}))
    assert found.rejected == {}


def test_an_exchange_whose_clock_goes_on_is_a_witness_even_if_its_price_stands_still():
    assert next_price(quotes_of({"binance": 120.0, "bybit": 120.1, "kraken": 99.98})) is None


def test_two_that_crash_together_but_not_quite_alike_are_believed_cautiously():
    found = next_price(quotes_of({"binance": 85.0, "bybit": 86.0}))
    assert (found.price, found.low_trust) == (pytest.approx(86.0), True)


def test_a_market_that_stands_still_is_not_frozen():
    assert next_price(quotes_of(THREE)).rejected == {}


def test_a_rejected_exchange_returns_only_inside_half_the_distance():
    near = quotes_of({"binance": 100.0, "bybit": 100.02, "kraken": 100.4})
    assert agree(SYMBOL, near, now_ms=NOW).rejected == {}
    again = agree(SYMBOL, near, now_ms=NOW, previously_rejected=frozenset({"kraken"}))
    assert again.rejected == {"kraken": "outlier"}
    nearer = quotes_of({"binance": 100.0, "bybit": 100.02, "kraken": 100.2})
    assert agree(SYMBOL, nearer, now_ms=NOW, previously_rejected=frozenset({"kraken"})).rejected == {}


def test_two_that_disagree_are_low_trust_and_the_one_nearer_to_the_last_valid_price_counts():
    found = next_price(quotes_of({"binance": 100.1, "bybit": 120.0}))
    assert found.price == pytest.approx(100.1)
    assert (found.low_trust, found.rejected) == (True, {"bybit": "disagrees"})


def test_two_that_disagree_without_any_last_price_give_their_middle_or_none():
    found = agree(SYMBOL, quotes_of({"binance": 100.0, "bybit": 101.0}), now_ms=NOW)
    assert (found.low_trust, found.price) == (True, pytest.approx(100.5))
    apart = agree(SYMBOL, quotes_of({"binance": 100.0, "bybit": 120.0}), now_ms=NOW)
    assert apart == NoPrice(SYMBOL, {"binance": "disagrees", "bybit": "disagrees"})


def test_two_that_are_both_far_from_the_last_price_and_from_each_other_give_none():
    assert next_price(quotes_of({"binance": 1000.0, "bybit": 120.0})) is None


def test_one_alone_is_low_trust_and_cannot_jump():
    assert next_price([quote("binance", 101.0)]).low_trust
    assert next_price([quote("binance", 85.0)]) is None
    assert agree(SYMBOL, [quote("binance", 85.0)], now_ms=NOW).low_trust


def test_no_quote_or_only_bad_ones_give_no_price():
    assert agree(SYMBOL, [], now_ms=NOW) == NoPrice(SYMBOL, {})
    stale = agree(SYMBOL, quotes_of(THREE, time=NOW - 10_000_000), now_ms=NOW)
    assert stale == NoPrice(SYMBOL, dict.fromkeys(THREE, "stale"))


def test_a_jump_that_is_not_believed_says_of_each_exchange_why():
    quotes = [*quotes_of({"binance": 100.01, "bybit": 120.0, "kraken": 120.1}), quote("okx", 120.0, bid=0.0)]
    agreement = agree_all(quotes, now_ms=NOW, previous={SYMBOL: last_price()})
    assert agreement.prices == {}
    assert agreement.refused == {
        SYMBOL: {"binance": "outlier", "bybit": "jumped", "kraken": "jumped", "okx": "not_a_price"}
    }


def test_one_exchange_with_all_the_volume_does_not_make_the_price_alone():
    prices = {"binance": 100.2, "bybit": 100.0, "kraken": 100.01}
    volumes = {"binance": 1e12, "bybit": 5.0, "kraken": None}
    weighed = [quote(name, price, quote_volume=volumes[name]) for name, price in prices.items()]
    assert agree(SYMBOL, weighed, now_ms=NOW).price == pytest.approx(100.01)


def test_volume_tilts_the_median_among_those_that_agree():
    prices = {"binance": 100.2, "bybit": 100.19, "kraken": 100.0, "okx": 100.01}
    volumes = {"binance": 1e6, "bybit": 1e6, "kraken": 1e3, "okx": 1e3}
    weighed = [quote(name, price, quote_volume=volumes[name]) for name, price in prices.items()]
    assert agree(SYMBOL, weighed, now_ms=NOW).price == pytest.approx(100.19)


def test_the_last_trade_counts_where_bid_or_ask_is_not_given_and_no_time_means_now():
    found = agree(SYMBOL, [quote("kraken", 100.0, bid=None, last=99.0, time=None)], now_ms=NOW)
    assert (found.price, found.time) == (99.0, NOW)


def test_of_two_quotes_of_one_exchange_the_newer_counts():
    found = agree(SYMBOL, [quote("binance", 101.0), quote("binance", 100.0, time=NOW - 2_000)], now_ms=NOW)
    assert found.price == pytest.approx(101.0)
    assert found.used == ("binance",)


def test_quotes_of_another_symbol_are_an_error_not_a_price():
    with pytest.raises(InvalidValueError, match="must be of BTC/USDT"):
        agree(SYMBOL, [quote("kraken", 100.0, symbol="BTC/USD")], now_ms=NOW)


def test_many_symbols_at_once_each_get_their_own_and_the_priceless_are_absent():
    quotes = [
        *quotes_of(THREE),
        quote("binance", 5.0, symbol="ETH/USDT"),
        quote("bybit", 0.0, symbol="XRP/USDT", bid=0.0),
    ]
    found = agree_all(quotes, now_ms=NOW).prices
    assert list(found) == ["BTC/USDT", "ETH/USDT"]
    assert found["ETH/USDT"].low_trust
