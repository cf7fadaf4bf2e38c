"""What becomes of ccxt's values, with a client that is a few dicts."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from signalbox.adapters.exchanges.candle_paging import CandlePaging
from signalbox.adapters.exchanges.ccxt_exchange import CcxtExchange
from signalbox.adapters.exchanges.retrying import BanList, Retrying
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.market.timeframe import Timeframe

SIGNIFICANT_DIGITS, DECIMAL_PLACES, TICK_SIZE = 3, 2, 4


@dataclass
class FakeClient:
    """The part of ccxt's client that the adapter uses."""

    raw_markets: dict[str, Any]
    tickers: dict[str, Any] = field(default_factory=dict)
    precisionMode: int = TICK_SIZE  # noqa: N815 ccxt's name
    id: str = "fake"
    has: dict[str, bool] = field(default_factory=lambda: {"fetchTickers": True})
    timeframes: dict[str, str] = field(default_factory=lambda: {"1h": "60"})
    asked: list[Any] = field(default_factory=list)
    fetch: Callable[..., Any] = print
    on_rest_response: Callable[..., Any] = print

    def load_markets(self, *, reload: bool) -> dict[str, Any]:
        assert reload
        return self.raw_markets

    def fetch_tickers(self, symbols: list[str] | None) -> dict[str, Any]:
        self.asked.append(symbols)
        return self.tickers

    def fetch_ticker(self, symbol: str) -> dict[str, Any]:
        self.asked.append(symbol)
        return self.tickers[symbol]


def make_market(symbol: str = "BTC/USDT", step: float | None = 0.01, **changes: Any) -> dict[str, Any]:
    return {"symbol": symbol, "spot": True, "active": True, "precision": {"price": step}} | changes


def make_exchange(client: FakeClient) -> CcxtExchange:
    return CcxtExchange(client, CandlePaging(100), Retrying(bans=BanList(), attempts=1))


@pytest.mark.parametrize(
    ("mode", "precision", "step"),
    [
        (TICK_SIZE, 0.01, "0.01"),
        (TICK_SIZE, 1e-8, "0.00000001"),
        (TICK_SIZE, 0.0005, "0.0005"),
        (TICK_SIZE, 10.0, "10"),
        (DECIMAL_PLACES, 2, "0.01"),
        (DECIMAL_PLACES, 8.0, "0.00000001"),
        (DECIMAL_PLACES, 0, "1"),
        (DECIMAL_PLACES, -1, "10"),
    ],
)
def test_the_price_step_is_exact(mode, precision, step):
    client = FakeClient({"BTC/USDT": make_market(step=precision)}, precisionMode=mode)

    assert make_exchange(client).markets()["BTC/USDT"].price_step == Decimal(step)


def test_an_exchange_that_counts_significant_digits_is_refused():
    with pytest.raises(InvalidValueError, match="fake counts significant digits"):
        make_exchange(FakeClient({}, precisionMode=SIGNIFICANT_DIGITS))


@pytest.mark.parametrize("changes", [{"spot": False}, {"precision": {"price": None}}, {"precision": {"price": 0.0}}])
def test_what_is_not_spot_or_has_no_price_step_is_no_market(changes):
    client = FakeClient({"BTC/USDT": make_market(), "ETH/USDT": make_market("ETH/USDT", **changes)})

    assert list(make_exchange(client).markets()) == ["BTC/USDT"]


@pytest.mark.parametrize(("stated", "active"), [(True, True), (False, False), (None, True)])
def test_a_market_is_active_unless_the_exchange_says_otherwise(stated, active):
    client = FakeClient({"BTC/USDT": make_market(active=stated)})

    assert make_exchange(client).markets()["BTC/USDT"].active is active


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
@pytest.mark.parametrize(("name", "attribute"), [("bid", "bid"), ("last", "last"), ("quoteVolume", "quote_volume")])
def test_a_value_that_is_none_stays_none_in_a_quote(name, attribute, value):
    given = {"bid": 1.0, "ask": 2.0, "last": 1.5, "quoteVolume": 9.0, "timestamp": 7} | {name: value}
    client = FakeClient({"BTC/USDT": make_market()}, {"BTC/USDT": given})

    quote = make_exchange(client).quotes(["BTC/USDT"])["BTC/USDT"]

    assert getattr(quote, attribute) is None
    assert (quote.ask, quote.time) == (2.0, 7)


def test_up_to_100_symbols_are_named_and_more_are_not():
    symbols = [f"C{n}/USDT" for n in range(101)]
    client = FakeClient({symbol: make_market(symbol) for symbol in symbols}, {symbols[0]: {"last": 1.0}})
    exchange = make_exchange(client)

    assert list(exchange.quotes(symbols[:100])) == list(exchange.quotes(symbols)) == symbols[:1]
    assert client.asked == [symbols[:100], None]


def test_an_exchange_without_a_call_for_all_is_asked_one_by_one():
    symbols = ["BTC/USDT", "ETH/USDT"]
    client = FakeClient(
        {symbol: make_market(symbol) for symbol in symbols}, {symbol: {"last": 1.0} for symbol in symbols}
    )
    client.has = {"fetchTickers": False}

    assert list(make_exchange(client).quotes(symbols)) == client.asked == symbols


def test_a_timeframe_that_the_exchange_lacks_is_refused():
    with pytest.raises(InvalidValueError, match="timeframe must be one that fake has, was 5m"):
        make_exchange(FakeClient({})).candles("BTC/USDT", Timeframe.M5, 0, 1)
