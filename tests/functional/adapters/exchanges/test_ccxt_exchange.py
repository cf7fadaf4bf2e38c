"""ccxt's real clients against the four dialects: markets, candles, quotes."""

import math
from decimal import Decimal

import pytest

from signalbox.domain.errors import InvalidValueError, UnknownSymbolError
from signalbox.domain.market.quotes import Quote
from signalbox.domain.market.timeframe import Timeframe
from signalbox.ports.market import Exchange
from tests.functional.adapters.exchanges.stub_exchange import HOUR, Canned, make_rows

DIALECTS = ["binance", "bybit", "kraken", "okx"]
H1 = Timeframe.H1


@pytest.mark.parametrize(
    ("exchange_id", "step", "path"),
    [
        ("binance", "0.01", "/binance/api/v3/exchangeInfo"),
        ("bybit", "0.00000001", "/bybit/v5/market/instruments-info"),
        ("kraken", "0.00001", "/kraken/0/public/AssetPairs"),
        ("okx", "0.1", "/okx/api/v5/public/instruments"),
    ],
)
def test_markets_are_spot_with_exact_steps_and_halted_ones_inactive(stub, open_stub, exchange_id, step, path):
    exchange: Exchange = open_stub(exchange_id)

    markets = exchange.markets()

    assert exchange.exchange_id == exchange_id
    assert {symbol: market.active for symbol, market in markets.items()} == {
        "BTC/USDT": True,
        "ETH/USDT": True,
        "DOGE/USDT": False,
    }
    assert {market.price_step for market in markets.values()} == {Decimal(step)}
    assert stub.paths == [path]


def test_markets_are_read_once_an_hour(stub, open_stub):
    seconds = 0.0
    exchange = open_stub("binance", monotonic=lambda: seconds)

    exchange.markets()
    seconds = 3599.0
    exchange.markets()
    assert len(stub.paths) == 1

    seconds = 3600.0
    exchange.markets()
    assert len(stub.paths) == 2


@pytest.mark.parametrize("exchange_id", DIALECTS)
def test_candles_are_the_exchanges_own_text_as_floats(stub, open_stub, exchange_id):
    exchange = open_stub(exchange_id)
    first = stub.rows[7][0]

    candles = exchange.candles("BTC/USDT", H1, first, 5)

    assert [tuple(candle) for candle in candles] == [(row[0], *map(float, row[1:])) for row in stub.rows[7:12]]
    assert candles[0].time == first


@pytest.mark.parametrize("exchange_id", ["binance", "bybit", "okx"])
@pytest.mark.parametrize("missing", [range(0), range(5, 1400)], ids=["whole", "gap"])
def test_more_candles_than_a_page_come_oldest_first_without_doubles(stub, open_stub, exchange_id, missing):
    stub.rows = make_rows(2600, missing=missing)

    candles = open_stub(exchange_id).candles("BTC/USDT", H1, stub.rows[0][0], 1150)

    assert [candle.time for candle in candles] == [row[0] for row in stub.rows[:1150]]


def test_kraken_gives_the_last_720_candles_however_early_since_is(stub, open_stub):
    stub.rows = make_rows(900)

    candles = open_stub("kraken").candles("BTC/USDT", H1, stub.rows[0][0], 2000)

    assert [candle.time for candle in candles] == [row[0] for row in stub.rows[-720:]]


@pytest.mark.parametrize("exchange_id", DIALECTS)
def test_the_newest_candle_is_included_and_nothing_follows_it(stub, open_stub, exchange_id):
    newest = stub.rows[-1][0]

    assert [c.time for c in open_stub(exchange_id).candles("BTC/USDT", H1, newest, 3)] == [newest]
    assert open_stub(exchange_id).candles("BTC/USDT", H1, newest + HOUR, 3) == []


@pytest.mark.parametrize("text", ["", "NaN", "Infinity", "none"])
def test_a_candle_with_an_unreadable_price_is_left_out(stub, open_stub, text):
    broken = stub.rows[3]
    stub.rows[3] = (*broken[:2], text, *broken[3:])

    candles = open_stub("binance").candles("BTC/USDT", H1, stub.rows[0][0], 6)

    assert [candle.time for candle in candles] == [row[0] for row in stub.rows[:7] if row is not stub.rows[3]]
    assert all(math.isfinite(value) for candle in candles for value in candle)


def test_a_symbol_that_is_not_listed_costs_no_call(stub, open_stub):
    exchange = open_stub("binance")
    exchange.markets()

    with pytest.raises(UnknownSymbolError, match="symbol must be a spot market of binance, was 'LUNA/USDT'"):
        exchange.candles("LUNA/USDT", H1, 0, 5)
    assert len(stub.paths) == 1


def test_a_negative_limit_is_refused(open_stub):
    with pytest.raises(InvalidValueError, match="limit must not be negative, was -1"):
        open_stub("binance").candles("BTC/USDT", H1, 0, -1)


@pytest.mark.parametrize(
    ("exchange_id", "given"),
    [
        ("binance", {"bid": 101.2, "ask": 101.3, "time": 1_700_000_000_123, "quote_volume": 506.25}),
        ("bybit", {"bid": 101.2, "ask": None, "time": None, "quote_volume": None}),
        ("kraken", {"bid": 101.2, "ask": 101.3, "time": None, "quote_volume": 506.25}),
        ("okx", {"bid": None, "ask": 101.3, "time": 1_700_000_000_123, "quote_volume": 506.25}),
    ],
)
def test_quotes_take_one_call_and_lack_what_the_exchange_does_not_say(stub, open_stub, exchange_id, given):
    exchange = open_stub(exchange_id)
    exchange.markets()

    quotes = exchange.quotes(["ETH/USDT", "BTC/USDT", "DOGE/USDT", "LUNA/USDT", "BTC/USDT"])

    assert list(quotes) == ["ETH/USDT", "BTC/USDT"]
    assert quotes["BTC/USDT"] == Quote(symbol="BTC/USDT", exchange=exchange_id, last=101.25, **given)
    assert len(stub.paths) == 2


@pytest.mark.parametrize("symbols", [[], ["LUNA/USDT"], ["DOGE/USDT"]])
def test_nothing_that_trades_means_no_call_for_quotes(stub, open_stub, symbols):
    exchange = open_stub("kraken")
    exchange.markets()

    assert exchange.quotes(symbols) == {}
    assert len(stub.paths) == 1


def test_a_symbol_delisted_meanwhile_does_not_cost_the_others_their_quotes(stub, open_stub):
    exchange = open_stub("binance")
    exchange.markets()
    stub.canned.append(Canned(400, '{"code": -1121, "msg": "Invalid symbol."}'))

    assert list(exchange.quotes(["BTC/USDT", "ETH/USDT"])) == ["BTC/USDT", "ETH/USDT"]
    exchange.markets()
    assert len(stub.calls_of("exchangeInfo")) == 2
