"""What goes wrong on the way to an exchange, each in its exchange's own words."""

import re
import time

import pytest

from signalbox.adapters.exchanges.factory import open_exchange
from signalbox.adapters.exchanges.retrying import BanList
from signalbox.domain.errors import (
    ExchangeRefusedError,
    ExchangeReplyError,
    ExchangeUnavailableError,
    InvalidValueError,
    RateLimitedError,
    SignalboxError,
    UnknownSymbolError,
)
from signalbox.domain.market.timeframe import Timeframe
from signalbox.settings import Settings
from tests.functional.adapters.exchanges.stub_exchange import Canned

H1 = Timeframe.H1

RATE_LIMITS = [
    ("binance", Canned(429, '{"code":-1003,"msg":"Too many requests."}', {"Retry-After": "33"}), 33),
    ("binance", Canned(418, '{"code":-1003,"msg":"Way too much request weight used."}'), 120),
    ("binance", Canned(418, "", {"retry-after": "61"}), 61),
    ("bybit", Canned(200, '{"retCode":10006,"retMsg":"Too many visits!"}', {"Retry-After": "34"}), 34),
    ("bybit", Canned(403, "403, access too frequent"), 600),
    ("kraken", Canned(200, '{"error":["EAPI:Rate limit exceeded"]}'), 10),
    ("kraken", Canned(200, '{"error":["EGeneral:Temporary lockout"]}'), 900),
    ("okx", Canned(429, '{"code":"50011","msg":"Too Many Requests","data":[]}'), 10),
]

FAILURES = [
    (
        "binance",
        Canned(451, '{"code":0,"msg":"Service unavailable from a restricted location."}'),
        ExchangeRefusedError,
    ),
    ("binance", Canned(403, "<html>Forbidden</html>"), ExchangeRefusedError),
    ("binance", Canned(400, '{"code":-1121,"msg":"Invalid symbol."}'), UnknownSymbolError),
    ("binance", Canned(404, "<html>Not Found</html>"), ExchangeReplyError),
    ("binance", Canned(200, "<html>Welcome to the airport</html>", {"Content-Type": "text/html"}), ExchangeReplyError),
    ("binance", Canned(200, '[[1700000000000,"1'), ExchangeReplyError),
    ("binance", Canned(200, ""), ExchangeReplyError),
    ("bybit", Canned(200, "true"), ExchangeReplyError),
    ("bybit", Canned(200, '{"retCode":10024,"retMsg":"Compliance rules triggered"}'), ExchangeRefusedError),
    ("bybit", Canned(200, '{"retCode":10001,"retMsg":"Not supported symbols"}'), UnknownSymbolError),
    ("kraken", Canned(200, '{"error":["EQuery:Unknown asset pair"]}'), UnknownSymbolError),
    ("kraken", Canned(200, '{"error":["EGeneral:Permission denied"]}'), ExchangeRefusedError),
    ("kraken", Canned(200, "[1, 2"), ExchangeReplyError),
    ("okx", Canned(200, '{"code":"51001","msg":"Instrument ID does not exist","data":[]}'), UnknownSymbolError),
    ("okx", Canned(200, '{"data":[]}'), ExchangeReplyError),
]

OUTAGES = [
    ("binance", Canned(502, "<html>Bad Gateway</html>")),
    ("binance", Canned(503, '{"code":-1000,"msg":"An unknown error occurred"}')),
    ("binance", Canned(0, "")),
    ("bybit", Canned(200, '{"retCode":10016,"retMsg":"System error. Please try again later."}')),
    ("kraken", Canned(520, "")),
    ("kraken", Canned(200, '{"error":["EService:Unavailable"]}')),
    ("kraken", Canned(200, '{"error":["EService:Busy"]}')),
    ("okx", Canned(503, '{"code":"50001","msg":"Service temporarily unavailable","data":[]}')),
]


def names(cases):
    return [f"{case[0]}-{case[1].status}-{n}" for n, case in enumerate(cases)]


@pytest.mark.parametrize(("exchange_id", "reply", "seconds"), RATE_LIMITS, ids=names(RATE_LIMITS))
def test_a_rate_limit_bans_the_exchange_and_nothing_is_sent_until_it_is_over(
    stub, open_stub, exchange_id, reply, seconds
):
    now = 0.0
    bans = BanList(lambda: now)
    exchange = open_stub(exchange_id, bans=bans)
    exchange.markets()
    stub.canned.append(reply)

    with pytest.raises(RateLimitedError) as caught:
        exchange.candles("BTC/USDT", H1, stub.rows[0][0], 5)
    assert caught.value.retry_after == seconds
    sent = len(stub.paths)

    now = seconds - 0.5
    for call in (
        lambda: exchange.candles("BTC/USDT", H1, 0, 5),
        lambda: exchange.quotes(["BTC/USDT"]),
        lambda: open_stub(exchange_id, bans=bans).markets(),
    ):
        with pytest.raises(RateLimitedError) as caught:
            call()
        assert caught.value.retry_after == 0.5
    assert len(stub.paths) == sent

    now = seconds
    assert len(exchange.candles("BTC/USDT", H1, stub.rows[0][0], 5)) == 5


@pytest.mark.parametrize(("exchange_id", "reply", "expected"), FAILURES, ids=names(FAILURES))
def test_a_failure_that_stays_is_raised_after_one_call(stub, open_stub, exchange_id, reply, expected):
    exchange = open_stub(exchange_id)
    exchange.markets()
    stub.canned.append(reply)

    with pytest.raises(SignalboxError) as caught:
        exchange.candles("BTC/USDT", H1, stub.rows[0][0], 5)

    assert type(caught.value) is expected
    assert caught.value.__cause__ is not None
    assert str(caught.value).startswith(f"{exchange_id}: ")
    assert len(stub.paths) == 2


@pytest.mark.parametrize(("exchange_id", "reply"), OUTAGES, ids=names(OUTAGES))
def test_a_failure_that_passes_is_overcome(stub, open_stub, exchange_id, reply):
    exchange = open_stub(exchange_id)
    exchange.markets()
    stub.canned.extend([reply, reply])

    assert len(exchange.candles("BTC/USDT", H1, stub.rows[0][0], 5)) == 5
    assert len(stub.paths) == 4


@pytest.mark.parametrize(("exchange_id", "reply"), OUTAGES, ids=names(OUTAGES))
def test_an_outage_is_raised_after_three_calls(stub, open_stub, exchange_id, reply):
    exchange = open_stub(exchange_id)
    exchange.markets()
    stub.canned.extend([reply] * 5)

    with pytest.raises(ExchangeUnavailableError) as caught:
        exchange.candles("BTC/USDT", H1, stub.rows[0][0], 5)
    assert caught.value.__cause__ is not None
    assert len(stub.paths) == 4


def test_an_exchange_that_does_not_answer_in_time_is_unavailable(stub, open_stub):
    exchange = open_stub("binance", timeout_ms=50)
    stub.answer = lambda *_: time.sleep(0.2)

    with pytest.raises(ExchangeUnavailableError, match="RequestTimeout"):
        exchange.markets()


def test_an_exchange_that_is_not_there_is_unavailable():
    settings = Settings.from_environment({"EXCHANGE_ENDPOINT": "http://127.0.0.1:9"})

    with pytest.raises(ExchangeUnavailableError):
        open_exchange("binance", settings).markets()


def test_calls_share_one_connection(stub, open_stub):
    exchange = open_stub("binance")
    for _ in range(5):
        exchange.candles("BTC/USDT", H1, stub.rows[0][0], 5)

    assert stub.connections == 1


def test_proxies_of_the_environment_do_not_divert_calls_to_a_local_exchange(stub, open_stub, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    assert open_stub("binance").markets()


def test_the_rate_limit_of_the_settings_replaces_ccxts_and_weights_still_count(stub, open_stub):
    quick, slow = open_stub("binance", rate_limit_ms=1), open_stub("binance", rate_limit_ms=100)
    for exchange in (quick, slow):
        exchange.markets()

    assert seconds_of(lambda: [quick.candles("BTC/USDT", H1, stub.rows[0][0], 5) for _ in range(20)]) < 1.0
    # Weighing 0.4, a call waits until 40 ms after the one before it.
    spent = seconds_of(lambda: [slow.candles("BTC/USDT", H1, stub.rows[0][0], 5) for _ in range(5)])
    assert spent >= 4 * 0.038


@pytest.mark.parametrize("exchange_id", ["nowhere", "bitfinex"])
def test_an_exchange_that_cannot_be_used_is_refused_by_name(exchange_id):
    with pytest.raises(InvalidValueError, match=exchange_id):
        open_exchange(exchange_id, Settings.from_environment({}))


@pytest.mark.parametrize("endpoint", ["127.0.0.1:9000", "ftp://127.0.0.1", "http://"])
def test_an_endpoint_that_is_no_http_address_is_refused(endpoint):
    with pytest.raises(InvalidValueError, match=re.escape(repr(endpoint))):
        open_exchange("binance", Settings.from_environment({"EXCHANGE_ENDPOINT": endpoint}))


def seconds_of(action) -> float:
    """Return how long `action` takes."""
    start = time.monotonic()
    action()
    return time.monotonic() - start
