"""The adapter on the local exchange: a whole market in four dialects, with its faults."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from infra.local.exchange.server import LocalExchange
from signalbox.adapters.exchanges.candle_paging import CandlePaging
from signalbox.adapters.exchanges.ccxt_client import open_client
from signalbox.adapters.exchanges.ccxt_exchange import CcxtExchange
from signalbox.adapters.exchanges.factory import BY_WINDOW
from signalbox.adapters.exchanges.retrying import BanList, Retrying
from signalbox.domain.errors import (
    ExchangeRefusedError,
    ExchangeReplyError,
    ExchangeUnavailableError,
    RateLimitedError,
    SignalboxError,
    UnknownSymbolError,
)
from signalbox.domain.instants import from_ms, to_ms
from signalbox.domain.market.timeframe import Timeframe

DIALECTS = ["binance", "bybit", "kraken", "okx"]
NOW = to_ms(datetime(2026, 3, 1, 12, 20, tzinfo=UTC))
HOUR = Timeframe.H1.milliseconds


@pytest.fixture(scope="module")
def local() -> Iterator[LocalExchange]:
    with LocalExchange(now=NOW) as running:
        yield running


@pytest.fixture
def market(local: LocalExchange) -> Iterator[LocalExchange]:
    yield local
    local.clear_faults()


def open_local(local: LocalExchange, exchange_id: str, timeout_ms: int = 5000) -> CcxtExchange:
    client = open_client(exchange_id, endpoint=local.url, rate_limit_ms=0, timeout_ms=timeout_ms)
    page = int(client.features["spot"]["fetchOHLCV"]["limit"])
    retrying = Retrying(bans=BanList(), sleep=lambda _: None, draw=lambda: 0.0, patience=0.0)
    return CcxtExchange(client, CandlePaging(page, exchange_id in BY_WINDOW), retrying, now=lambda: from_ms(NOW))


@pytest.mark.parametrize("exchange_id", DIALECTS)
def test_the_last_300_candles_end_with_the_open_one(market, exchange_id):
    newest = Timeframe.H1.floor(NOW)
    first = newest - 299 * HOUR

    candles = open_local(market, exchange_id).candles("BTC/USDT", Timeframe.H1, first, 300)

    times = [candle.time for candle in candles]
    assert times == sorted(set(times))
    assert (times[0], times[-1]) == (first, newest)
    assert all(candle.low <= min(candle.open, candle.close) for candle in candles)
    assert all(candle.high >= max(candle.open, candle.close) for candle in candles)


@pytest.mark.parametrize("exchange_id", ["binance", "bybit", "okx"])
def test_pages_join_without_a_seam(market, exchange_id):
    exchange = open_local(market, exchange_id)
    first = Timeframe.M5.floor(NOW) - 1300 * Timeframe.M5.milliseconds

    whole = exchange.candles("ETH/USDT", Timeframe.M5, first, 1200)

    assert len({candle.time for candle in whole}) == len(whole) > 1100
    some = whole[700].time
    assert exchange.candles("ETH/USDT", Timeframe.M5, some, 5) == whole[700:705]


@pytest.mark.parametrize("exchange_id", DIALECTS)
@pytest.mark.parametrize("timeframe", list(Timeframe))
def test_every_timeframe_is_aligned_to_utc(market, exchange_id, timeframe):
    newest = timeframe.floor(NOW)

    candles = open_local(market, exchange_id).candles("BTC/USDT", timeframe, newest - timeframe.milliseconds, 2)

    assert [candle.time for candle in candles] == [newest - timeframe.milliseconds, newest]


@pytest.mark.parametrize("exchange_id", DIALECTS)
def test_all_active_markets_have_quotes_near_their_candles(market, exchange_id):
    exchange = open_local(market, exchange_id)
    symbols = [symbol for symbol, listed in exchange.markets().items() if listed.active]

    quotes = exchange.quotes(symbols)

    assert len(quotes) >= 0.9 * len(symbols) > 0
    last = quotes["BTC/USDT"].last
    assert last is not None
    newest = exchange.candles("BTC/USDT", Timeframe.H1, Timeframe.H1.floor(NOW), 1)[0]
    assert newest.close == pytest.approx(last, rel=0.02)


@pytest.mark.parametrize("exchange_id", DIALECTS)
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("rate_limit", RateLimitedError),
        ("ban", RateLimitedError),
        ("maintenance", ExchangeUnavailableError),
        ("down", ExchangeUnavailableError),
        ("drop", ExchangeUnavailableError),
        ("timeout", ExchangeUnavailableError),
        ("region", ExchangeRefusedError),
        ("malformed", ExchangeReplyError),
        ("bad_symbol", UnknownSymbolError),
    ],
)
def test_a_fault_is_what_it_is_in_every_dialect(market, exchange_id, kind, expected):
    exchange = open_local(market, exchange_id, timeout_ms=100)
    exchange.markets()
    market.fault(kind, exchange=exchange_id, retry_after=0.2 if kind == "timeout" else 45)

    with pytest.raises(SignalboxError) as caught:
        exchange.candles("BTC/USDT", Timeframe.H1, NOW - 5 * HOUR, 5)

    assert type(caught.value) is expected
    if isinstance(caught.value, RateLimitedError):
        assert caught.value.retry_after >= 10
