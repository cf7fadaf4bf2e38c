"""ccxt's real client against each exchange: what it parses is what the market holds."""

import ccxt
import pytest

from infra.local.exchange.candles import DAY, HOUR, MINUTE
from infra.local.exchange.market import EXCHANGES

NOW = 1_717_212_345_678
LENGTHS = {"1m": MINUTE, "5m": 5 * MINUTE, "15m": 15 * MINUTE, "1h": HOUR, "4h": 4 * HOUR, "1d": DAY}


def truth(local, exchange, symbol, step, span):
    candles = local.application.market.candles(exchange, symbol, step, span, NOW)
    return [[time, *values] for time, values in zip(candles.times.tolist(), candles.values.tolist(), strict=True)]


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_load_markets_gives_the_spot_symbols_with_their_price_steps(local, make_client, exchange):
    markets = make_client(exchange, local.url).load_markets()
    listings = local.application.market.listings(exchange, NOW)
    assert set(markets) == set(listings)
    for symbol, listing in listings.items():
        assert markets[symbol]["spot"]
        assert markets[symbol]["active"] is listing.active
        assert markets[symbol]["precision"]["price"] == pytest.approx(10.0**-listing.price_decimals, rel=1e-9)
        assert markets[symbol]["precision"]["amount"] == pytest.approx(10.0**-listing.amount_decimals, rel=1e-9)


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_time_and_status_come_from_the_market_clock(local, make_client, exchange):
    client = make_client(exchange, local.url)
    assert client.fetch_time() // 1000 == NOW // 1000
    assert client.fetch_status()["status"] == "ok"
    local.set_clock(NOW + 90_000)
    assert client.fetch_time() // 1000 == NOW // 1000 + 90


@pytest.mark.parametrize("timeframe", LENGTHS)
@pytest.mark.parametrize("exchange", EXCHANGES)
def test_newest_candles_are_the_market_s_and_end_with_the_open_one(local, make_client, exchange, timeframe):
    step = LENGTHS[timeframe]
    candles = make_client(exchange, local.url).fetch_ohlcv("BTC/USDT", timeframe, limit=20)
    this_open = NOW - NOW % step
    assert candles == truth(local, exchange, "BTC/USDT", step, (this_open - 19 * step, this_open))
    assert candles[-1][0] == this_open


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_since_and_limit_page_through_a_span_without_hole_or_repetition(local, make_client, exchange):
    client = make_client(exchange, local.url)
    this_open = NOW - NOW % HOUR
    since, pages = this_open - 99 * HOUR, []
    while since <= this_open:
        page = client.fetch_ohlcv("ETH/USDT", "1h", since=since, limit=40)
        pages.append(len(page))
        assert page == truth(local, exchange, "ETH/USDT", HOUR, (since, since + 39 * HOUR))
        since = page[-1][0] + HOUR
    assert pages == [40, 40, 20]


def test_kraken_gives_720_candles_however_old_they_are_asked_for(local, make_client):
    client = make_client("kraken", local.url)
    candles = client.fetch_ohlcv("BTC/USDT", "1h", since=NOW - 2_000 * HOUR, limit=5_000)
    assert len(candles) == 720
    assert candles[-1][0] == NOW - NOW % HOUR


@pytest.mark.parametrize("exchange", ["binance", "bybit"])
def test_the_first_candles_of_a_new_symbol_come_for_a_since_long_before(local, make_client, exchange):
    listing = local.application.market.listings(exchange, NOW)["XEM/USDT"]
    candles = make_client(exchange, local.url).fetch_ohlcv("XEM/USDT", "1h", since=NOW - 300 * DAY, limit=10)
    assert candles[0][0] == listing.listed_ms
    assert len(candles) == 10


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_tickers_are_a_sane_book_around_the_newest_close(local, make_client, exchange):
    client = make_client(exchange, local.url)
    tickers = client.fetch_tickers()
    assert len(tickers) > 15
    for symbol, ticker in tickers.items():
        if not client.markets[symbol]["active"]:
            continue
        assert 0 < ticker["bid"] < ticker["ask"]
        assert ticker["bid"] <= ticker["last"] <= ticker["ask"]
        assert ticker["low"] <= ticker["last"] <= ticker["high"]
        assert ticker["quoteVolume"] > 0
    close = client.fetch_ohlcv("SOL/USDT", "1m", limit=1)[0][4]
    assert tickers["SOL/USDT"]["last"] == close == client.fetch_ticker("SOL/USDT")["last"]
    assert set(client.fetch_tickers(["BTC/USDT", "SOL/USDT"])) == {"BTC/USDT", "SOL/USDT"}


def test_exchanges_stand_a_few_bps_apart(local, make_client):
    lasts = [make_client(exchange, local.url).fetch_ticker("BTC/USDT")["last"] for exchange in EXCHANGES]
    assert len(set(lasts)) == len(EXCHANGES)
    assert max(lasts) / min(lasts) - 1 < 0.003


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_a_timeframe_nobody_offers_is_refused(local, make_client, exchange):
    client = make_client(exchange, local.url)
    client.timeframes["7m"] = "7"
    with pytest.raises(ccxt.BadRequest):
        client.fetch_ohlcv("BTC/USDT", "7m")


@pytest.mark.parametrize("exchange", ["binance", "bybit", "okx"])
def test_an_unknown_symbol_is_a_bad_symbol(local, make_client, exchange):
    client = make_client(exchange, local.url)
    client.load_markets()
    client.markets["BTC/USDT"]["id"] = "NOSUCHUSDT"
    with pytest.raises(ccxt.BadSymbol):
        client.fetch_ohlcv("BTC/USDT", "1h")


def test_kraken_s_words_for_an_unknown_symbol_are_a_general_error_to_ccxt(local, make_client):
    client = make_client("kraken", local.url)
    client.load_markets()
    client.markets["BTC/USDT"]["id"] = "NOSUCHUSDT"
    with pytest.raises(ccxt.ExchangeError, match="EQuery:Unknown asset pair"):
        client.fetch_ohlcv("BTC/USDT", "1h")
