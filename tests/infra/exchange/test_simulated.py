"""The simulated market: the same for the same seed, nothing from the future, and shaped like a market."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from infra.local.exchange.candles import CLOSE, DAY, HIGH, HOUR, LOW, MINUTE, OPEN, VOLUME, aggregate
from infra.local.exchange.market import EXCHANGES
from infra.local.exchange.sources import open_market

NOW = 1_717_212_345_678
MONTH = (NOW - 30 * DAY, NOW)
STEPS = (MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR, DAY)
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
FINGERPRINT = """
import hashlib
import os
from infra.local.exchange.sources import open_market
market = open_market("simulated", 7)
candles = market.candles("bybit", "SOL/USDT", 3_600_000, ({first}, {last}), {now})
print(hashlib.sha256(candles.times.tobytes() + candles.values.tobytes()).hexdigest())
"""


@pytest.fixture(scope="module")
def market():
    return open_market("simulated", 7)


def same(one, other):
    return (one.times == other.times).all() and (one.values == other.values).all()


def test_another_process_draws_the_same_candles(market):
    script = FINGERPRINT.format(first=MONTH[0], last=MONTH[1], now=NOW)
    done = subprocess.run(  # noqa: S603 - a script written above
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=ENVIRONMENT
    )
    candles = market.candles("bybit", "SOL/USDT", HOUR, MONTH, NOW)
    assert done.stdout.strip() == hashlib.sha256(candles.times.tobytes() + candles.values.tobytes()).hexdigest()


def test_the_order_of_requests_changes_nothing_and_the_seed_everything(market):
    fresh, other = open_market("simulated", 7), open_market("simulated", 8)
    fresh.candles("kraken", "XRP/USDT", MINUTE, (NOW - 200 * DAY, NOW - 199 * DAY), NOW)
    span = (NOW - 3 * DAY, NOW)
    assert same(fresh.candles("okx", "ETH/USDT", HOUR, span, NOW), market.candles("okx", "ETH/USDT", HOUR, span, NOW))
    changed = other.candles("okx", "ETH/USDT", HOUR, span, NOW).values[:, CLOSE]
    assert abs(changed[0] / market.candles("okx", "ETH/USDT", HOUR, span, NOW).values[0, CLOSE] - 1) > 0.001


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_every_timeframe_is_an_aggregate_of_the_same_minutes(market, exchange):
    span = (NOW - NOW % DAY - 2 * DAY, NOW - NOW % DAY - MINUTE)
    minutes = market.candles(exchange, "LINK/USDT", MINUTE, span, NOW)
    for step in STEPS[1:]:
        assert same(aggregate(minutes, step), market.candles(exchange, "LINK/USDT", step, span, NOW))


@pytest.mark.parametrize("step", STEPS)
def test_what_is_over_never_changes_and_the_open_candle_knows_no_future(market, step):
    span = (NOW - 20 * step, NOW)
    early = market.candles("binance", "DOGE/USDT", step, span, NOW)
    late = market.candles("binance", "DOGE/USDT", step, span, NOW + 2 * step)
    over = early.times + step <= NOW
    assert over.sum() == len(early) - 1
    assert (early.values[over] == late.values[: over.sum()]).all()
    this_minute = NOW - NOW % MINUTE
    known = market.candles("binance", "DOGE/USDT", MINUTE, (NOW - NOW % step, this_minute), this_minute + MINUTE).values
    price = known[-1, OPEN]
    before = known[:-1]
    assert early.values[-1, CLOSE] == price
    assert early.values[-1, HIGH] == max([price, *before[:, HIGH]])
    assert early.values[-1, LOW] == min([price, *before[:, LOW]])
    assert early.values[-1, VOLUME] == pytest.approx(before[:, VOLUME].sum())


def test_candles_are_well_formed_on_every_exchange(market):
    for exchange in EXCHANGES:
        for symbol in market.listings(exchange, NOW):
            values = market.candles(exchange, symbol, HOUR, (NOW - 5 * DAY, NOW), NOW).values
            assert (values[:, LOW] > 0).all()
            assert (values[:, HIGH] >= values[:, [OPEN, CLOSE]].max(axis=1)).all()
            assert (values[:, LOW] <= values[:, [OPEN, CLOSE]].min(axis=1)).all()
            assert (values[:, VOLUME] >= 0).all()


def hourly_returns(market, symbol, days=120):
    candles = market.candles("binance", symbol, HOUR, (NOW - days * DAY, NOW - HOUR), NOW)
    whole = np.diff(candles.times) == HOUR
    return np.diff(np.log(candles.values[:, CLOSE]))[whole], candles.values[1:][whole]


@pytest.mark.parametrize("symbol", ["BTC/USDT", "ETH/USDT", "ARB/USDT"])
def test_returns_have_fat_tails_and_volatility_that_clusters(market, symbol):
    returns, values = hourly_returns(market, symbol)
    centred = returns - returns.mean()
    assert (centred**4).mean() / centred.var() ** 2 > 4
    size = np.minimum(np.abs(centred), 4 * centred.std())
    assert np.corrcoef(size[1:], size[:-1])[0, 1] > 0.1
    assert abs(np.corrcoef(centred[1:], centred[:-1])[0, 1]) < 0.1
    assert np.corrcoef(size, values[:, VOLUME])[0, 1] > 0.3
    assert 0.002 < returns.std() < 0.02


def test_symbols_share_the_market_s_moves(market):
    returns = {symbol: market.candles("binance", symbol, 4 * HOUR, MONTH, NOW) for symbol in ("BTC/USDT", "ETH/USDT")}
    btc, eth = (np.diff(np.log(candles.values[:, CLOSE])) for candles in returns.values())
    assert np.corrcoef(btc, eth)[0, 1] > 0.5


def test_prices_stay_plausible_over_years_with_trends_and_ranges(market):
    span = (NOW - 700 * DAY, NOW)
    closes = market.candles("binance", "BTC/USDT", DAY, span, NOW).values[:, CLOSE]
    assert 10_000 < closes.min() < closes.max() < 400_000
    path = np.abs(np.diff(np.log(closes)))
    efficiency = [
        abs(np.log(closes[day + 7] / closes[day])) / path[day : day + 7].sum() for day in range(0, len(closes) - 8, 7)
    ]
    assert np.mean(np.array(efficiency) > 0.5) > 0.1, "trending weeks"
    assert np.mean(np.array(efficiency) < 0.2) > 0.1, "ranging weeks"


def test_a_halt_stops_one_symbol_for_hours_everywhere(market):
    halt = next(event for event in market.events(*MONTH) if event.kind == "halt")
    assert 3 * HOUR <= halt.end_ms - halt.start_ms <= 8 * HOUR
    inside = halt.start_ms + HOUR
    for exchange in EXCHANGES:
        listing = market.listings(exchange, inside).get(halt.symbol)
        if listing is None:
            continue
        assert not listing.active
        assert len(market.candles(exchange, halt.symbol, MINUTE, (halt.start_ms, halt.end_ms - MINUTE), NOW)) == 0
        assert len(market.open_candle(exchange, halt.symbol, MINUTE, inside)) == 0
        assert market.listings(exchange, halt.end_ms)[halt.symbol].active


def test_a_delisted_symbol_trades_no_more_is_shown_inactive_and_then_goes(market):
    end = next(event for event in market.events(*MONTH) if event.kind == "delisting")
    assert market.listings("binance", end.start_ms - MINUTE)[end.symbol].active
    assert not market.listings("binance", end.start_ms)[end.symbol].active
    assert end.symbol not in market.listings("binance", end.start_ms + 6 * DAY)
    after = (end.start_ms, end.start_ms + 4 * DAY)
    assert len(market.candles("binance", end.symbol, HOUR, after, end.start_ms + 5 * DAY)) == 0
    assert len(market.candles("binance", end.symbol, HOUR, (end.start_ms - DAY, end.start_ms), NOW)) >= 20


def test_a_new_symbol_has_a_short_history(market):
    begin = next(event for event in market.events(*MONTH) if event.kind == "listing")
    now = begin.start_ms + DAY
    assert market.listings("binance", now)[begin.symbol].listed_ms == begin.start_ms
    candles = market.candles("binance", begin.symbol, HOUR, (begin.start_ms - 5 * DAY, now), now)
    assert 20 <= len(candles) <= 25


def test_candles_are_missing_now_and_then(market):
    found = {
        symbol: len(market.candles("binance", symbol, HOUR, (NOW - 100 * DAY, NOW - HOUR), NOW))
        for symbol in ("BTC/USDT", "ADA/USDT", "ENJ/USDT", "SAND/USDT")
    }
    missing = 4 * 2_400 - sum(found.values())
    assert 1 <= missing <= 0.02 * 4 * 2_400
