"""Each fault is, to ccxt, the error that the real exchange's words would be."""

import ccxt
import pytest

from infra.local.exchange.candles import HOUR
from infra.local.exchange.market import EXCHANGES
from signalbox.domain.errors import InvalidValueError

NOW = 1_717_212_345_678

ERRORS = {
    "rate_limit": {
        "binance": ccxt.DDoSProtection,
        "bybit": ccxt.RateLimitExceeded,
        "kraken": ccxt.DDoSProtection,
        "okx": ccxt.RateLimitExceeded,
    },
    "ban": {
        "binance": ccxt.DDoSProtection,
        "bybit": ccxt.RateLimitExceeded,
        "kraken": ccxt.DDoSProtection,
        "okx": ccxt.RateLimitExceeded,
    },
    "maintenance": {
        "binance": ccxt.OnMaintenance,
        "bybit": ccxt.ExchangeNotAvailable,
        "kraken": ccxt.ExchangeNotAvailable,
        "okx": ccxt.OnMaintenance,
    },
    "region": {
        "binance": ccxt.ExchangeNotAvailable,
        "bybit": ccxt.PermissionDenied,
        "kraken": ccxt.PermissionDenied,
        "okx": ccxt.RestrictedLocation,
    },
    "down": dict.fromkeys(EXCHANGES, ccxt.ExchangeNotAvailable),
    "drop": dict.fromkeys(EXCHANGES, ccxt.NetworkError),
    "bad_symbol": {
        "binance": ccxt.BadSymbol,
        "bybit": ccxt.BadSymbol,
        "kraken": ccxt.ExchangeError,
        "okx": ccxt.BadSymbol,
    },
}


@pytest.mark.parametrize("exchange", EXCHANGES)
@pytest.mark.parametrize("kind", ERRORS)
def test_a_fault_is_the_error_a_real_exchange_gives(local, make_client, exchange, kind):
    client = make_client(exchange, local.url)
    client.load_markets()
    local.fault(kind, exchange=exchange, count=1)
    with pytest.raises(ccxt.BaseError) as caught:
        client.fetch_ohlcv("BTC/USDT", "1h", limit=2)
    assert type(caught.value) is ERRORS[kind][exchange]
    assert len(client.fetch_ohlcv("BTC/USDT", "1h", limit=2)) == 2, "count is used up"


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_silence_is_a_request_timeout(local, make_client, exchange):
    client = make_client(exchange, local.url, timeout=150)
    client.load_markets()
    local.fault("timeout", exchange=exchange, count=1, retry_after=1)
    with pytest.raises(ccxt.RequestTimeout):
        client.fetch_ohlcv("BTC/USDT", "1h")


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_maintenance_shows_in_the_status(local, make_client, exchange):
    client = make_client(exchange, local.url)
    local.fault("maintenance", exchange=exchange)
    assert client.fetch_status()["status"] == "maintenance"


@pytest.mark.parametrize(("exchange", "status"), [("binance", 429), ("okx", 429), ("bybit", 200), ("kraken", 200)])
def test_retry_after_is_told(local, make_client, exchange, status):
    client = make_client(exchange, local.url)
    client.load_markets()
    local.fault("rate_limit", exchange=exchange, count=1, retry_after=17)
    with pytest.raises(ccxt.NetworkError):
        client.fetch_ohlcv("BTC/USDT", "1h")
    local.fault("rate_limit", exchange=exchange, count=1, retry_after=17)
    reply = client.session.get(f"{local.url}/{exchange}/anything")
    assert (reply.status_code, reply.headers["Retry-After"]) == (status, "17")


def test_a_ban_on_binance_is_418_with_retry_after(local, make_client):
    local.fault("ban", exchange="binance", count=1)
    reply = make_client("binance", local.url).session.get(f"{local.url}/binance/api/v3/ping")
    assert (reply.status_code, reply.headers["Retry-After"]) == (418, "120")


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_frozen_prices_stay_while_the_clock_goes_on(local, make_client, exchange):
    client = make_client(exchange, local.url)
    before, candles = client.fetch_ticker("BTC/USDT"), client.fetch_ohlcv("BTC/USDT", "1h", limit=3)
    local.fault("frozen", exchange=exchange)
    local.set_clock(NOW + 5 * HOUR)
    after = client.fetch_ticker("BTC/USDT")
    assert (after["last"], after["timestamp"]) == (before["last"], before["timestamp"])
    assert client.fetch_ohlcv("BTC/USDT", "1h", limit=3) == candles
    assert client.fetch_time() // 1000 == (NOW + 5 * HOUR) // 1000


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_a_spike_moves_one_exchange_and_nothing_that_was_over(local, make_client, exchange):
    client = make_client(exchange, local.url)
    others = [make_client(other, local.url) for other in EXCHANGES if other != exchange]
    last, closed = client.fetch_ticker("BTC/USDT")["last"], client.fetch_ohlcv("BTC/USDT", "1h", limit=3)
    lasts = [other.fetch_ticker("BTC/USDT")["last"] for other in others]
    local.fault("spike", exchange=exchange, factor=1.2, symbol="BTC/USDT")
    spiked = client.fetch_ohlcv("BTC/USDT", "1h", limit=3)
    assert client.fetch_ticker("BTC/USDT")["last"] == pytest.approx(1.2 * last, rel=1e-4)
    assert spiked[:-1] == closed[:-1]
    assert spiked[-1][1] == closed[-1][1]
    assert spiked[-1][4] == spiked[-1][2] == pytest.approx(1.2 * closed[-1][4], rel=1e-4)
    assert [other.fetch_ticker("BTC/USDT")["last"] for other in others] == lasts


def test_a_bad_symbol_leaves_the_others_alone(local, make_client):
    client = make_client("binance", local.url)
    local.fault("bad_symbol", symbol="ETH/USDT")
    assert client.fetch_ohlcv("BTC/USDT", "1h", limit=1)
    with pytest.raises(ccxt.BadSymbol):
        client.fetch_ohlcv("ETH/USDT", "1h", limit=1)


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_a_malformed_reply_is_half_of_a_good_one(local, make_client, exchange):
    session = make_client(exchange, local.url).session
    path = {
        "binance": "/api/v3/exchangeInfo",
        "bybit": "/v5/market/instruments-info?category=spot",
        "kraken": "/0/public/AssetPairs",
        "okx": "/api/v5/public/instruments?instType=SPOT",
    }[exchange]
    whole = session.get(f"{local.url}/{exchange}{path}").text
    local.fault("malformed", exchange=exchange, count=1)
    half = session.get(f"{local.url}/{exchange}{path}")
    assert (half.status_code, half.text) == (200, whole[: len(whole) // 2])


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "nonsense"},
        {"kind": "ban", "exchange": "nowhere"},
        {"kind": "ban", "count": 0},
        {"kind": "spike", "factor": -1},
        {"kind": "ban", "colour": "red"},
        {"kind": "bad_symbol", "symbol": 5},
    ],
)
def test_a_fault_that_is_none_is_refused(local, fields):
    with pytest.raises(InvalidValueError, match="must be"):
        local.fault(**fields)
    assert local.status()["faults"] == []
