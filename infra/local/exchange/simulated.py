"""The simulated market: seeded, the same for the same seed whatever was asked before, and drawn only where asked.

A symbol's log price is its level plus `beta` times the market's factor plus a factor of its own. Both factors follow a
daily skeleton; inside a day, minutes have Student-t returns under a cascade of volatility over several time scales
(which clusters it, as in markets), bent like a bridge to end where the skeleton stands at midnight.
"""

from functools import lru_cache

import numpy as np

from infra.local.exchange import happenings
from infra.local.exchange.candles import DAY, HOUR, MINUTE, Candles, FloatArray
from infra.local.exchange.coins import LASTING, PASSING, Coin
from infra.local.exchange.market import Listing, MarketEvent
from infra.local.exchange.noise import generator, smooth
from infra.local.exchange.skeleton import FIRST_DAY, LAST_DAY, build_skeleton
from infra.local.exchange.spreads import is_listed, on_exchange, rounded

_COINS = LASTING + PASSING
_BLOCK_DAYS = 8
_BLOCK = _BLOCK_DAYS * DAY
_MARKET = "market"
_MARKET_DEVIATION = 0.02
_CASCADE = ((12 * HOUR, 0.40), (3 * HOUR, 0.35), (45 * MINUTE, 0.30), (10 * MINUTE, 0.20))


class SimulatedTape:
    """Implements `market.Tape` with candles of one minute from 2015-12-31 on, over 21 years.

    Parameters
    ----------
    seed : int
        Two tapes of one seed are equal.
    """

    def __init__(self, seed: int) -> None:
        self.source = "simulated"
        self.symbols = tuple(coin.symbol for coin in _COINS)
        self.base_step = MINUTE
        self.span_ms = (FIRST_DAY * DAY, LAST_DAY * DAY - MINUTE)
        self._seed = seed
        self._coins = {coin.symbol: coin for coin in _COINS}
        self._factors = (_MARKET, *(coin.base for coin in _COINS))
        self._skeleton = build_skeleton(seed, self._factors, (_MARKET_DEVIATION, *(coin.deviation for coin in _COINS)))
        self._market_minutes = lru_cache(maxsize=32)(self._factor_minutes)
        self._block = lru_cache(maxsize=80)(self._make_block)

    def listings(self, exchange: str, now: int) -> list[Listing]:
        """Return what `exchange` lists at `now`; a passing coin stays listed, inactive, for some days after its end."""
        listings = []
        for rank, coin in enumerate(_COINS):
            if not is_listed(self._seed, exchange, coin.symbol, 0 if coin in PASSING else rank):
                continue
            life = happenings.life_at(coin, now) if coin in PASSING else happenings.Span(*self.span_ms)
            if now >= life.end + happenings.SHOWN_AFTER_DELISTING:
                continue
            active = life.holds(now) and not happenings.is_halted(self._seed, coin, now)
            listings.append(
                Listing(coin.symbol, active, coin.price_decimals, coin.amount_decimals, coin.half_spread, life.start)
            )
        return listings

    def candles(self, exchange: str, symbol: str, first_open: int, last_open: int) -> Candles:
        """Return the minutes of a span as `exchange` published them; empty for an unknown symbol."""
        coin = self._coins.get(symbol)
        first, last = max(first_open, self.span_ms[0]), min(last_open, self.span_ms[1])
        if coin is None or first > last:
            return Candles.none()
        parts = []
        for number in range(first // _BLOCK, last // _BLOCK + 1):
            part = self._block(coin, number).between(first, last)
            seen = happenings.traded(self._seed, exchange, coin, part.times)
            on = on_exchange(part, self._seed, exchange, symbol, MINUTE)
            parts.append(rounded(Candles(on.times[seen], on.values[seen]), coin.price_decimals, coin.amount_decimals))
        return Candles.joined(parts)

    def events(self, first: int, last: int) -> list[MarketEvent]:
        """Return the halts, outages, listings and delistings that touch [`first`, `last`] (epoch ms)."""
        return happenings.events(self._seed, first, last)

    def _make_block(self, coin: Coin, number: int) -> Candles:
        """Draw the unrounded minutes of eight days on the home exchange."""
        day = number * _BLOCK_DAYS - FIRST_DAY
        market_returns, market_sigma = self._market_minutes(_MARKET, number)
        own_returns, own_sigma = self._factor_minutes(coin.base, number)
        returns = coin.beta * market_returns + own_returns
        sigma = np.hypot(coin.beta * market_sigma, own_sigma)
        levels = self._skeleton.levels[day]
        start = np.log(coin.price) + coin.beta * levels[0] + levels[self._factors.index(coin.base)]
        path = np.exp(start + np.concatenate([[0.0], np.cumsum(returns)]))
        random = generator(self._seed, "shape", coin.base, number)
        opens, closes = path[:-1], path[1:]
        above, below = 0.4 * sigma * np.minimum(np.abs(random.standard_t(3, (2, len(sigma)))), 30.0)
        usual = np.hypot(coin.beta * _MARKET_DEVIATION, coin.deviation) / np.sqrt(1440)
        activity = (sigma / usual) ** 1.2 * (0.4 + 0.6 * np.abs(returns) / sigma)
        turnover = coin.turnover * 1e6 / 1440 * activity * np.exp(0.5 * random.standard_normal(len(sigma)))
        values = np.column_stack(
            [
                opens,
                np.maximum(opens, closes) * np.exp(above),
                np.minimum(opens, closes) * np.exp(-below),
                closes,
                turnover / closes,
            ]
        )
        return Candles(_minutes(number), values)

    def _factor_minutes(self, factor: str, number: int) -> tuple[FloatArray, FloatArray]:
        """Return the log returns of a factor's minutes in a block, and their standard deviations."""
        column = self._factors.index(factor)
        day = number * _BLOCK_DAYS - FIRST_DAY
        days = slice(day, day + _BLOCK_DAYS)
        jumps = self._skeleton.jumps[days, column]
        aims = np.diff(self._skeleton.levels[day : day + _BLOCK_DAYS + 1, column]) - jumps
        moments = _minutes(number)
        swell = sum(weight * smooth(moments, period, self._seed, "swell", factor) for period, weight in _CASCADE)
        hours = 2 * np.pi * (moments % DAY - 15 * HOUR) / DAY
        shape = np.exp(swell - 0.15 + 0.25 * np.cos(hours)).reshape(_BLOCK_DAYS, 1440)
        sigma = shape * self._skeleton.deviations[days, column, None] / np.sqrt(1440)
        noise = generator(self._seed, "minutes", factor, number).standard_t(4, sigma.shape) / np.sqrt(2)
        returns = sigma * np.clip(noise, -15.0, 15.0)
        share = sigma**2 / (sigma**2).sum(axis=1, keepdims=True)
        returns += (aims - returns.sum(axis=1))[:, None] * share
        returns[np.arange(_BLOCK_DAYS), self._skeleton.jump_minutes[days, column]] += jumps
        return returns.ravel(), sigma.ravel()


def _minutes(number: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return number * _BLOCK + np.arange(_BLOCK // MINUTE, dtype=np.int64) * MINUTE
