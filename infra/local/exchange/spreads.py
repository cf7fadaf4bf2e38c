"""How the exchanges differ from each other: which symbols they list, and by how many bps their prices stand apart."""

import numpy as np

from infra.local.exchange.candles import (
    CLOSE,
    DAY,
    HIGH,
    HOUR,
    LOW,
    MINUTE,
    OPEN,
    VOLUME,
    Candles,
    FloatArray,
    IntArray,
)
from infra.local.exchange.market import HOME_EXCHANGE
from infra.local.exchange.noise import fraction, smooth

_BPS = 1e-4
_LISTED_SHARE = {"binance": 1.0, "bybit": 0.92, "okx": 0.88, "kraken": 0.6}
_VOLUME_SHARE = {"binance": 1.0, "bybit": 0.45, "okx": 0.38, "kraken": 0.06}


def is_listed(seed: int, exchange: str, symbol: str, rank: int) -> bool:
    """Return whether `exchange` lists `symbol`, the `rank`-th largest (from 0): the first dozen are everywhere."""
    return rank < 12 or fraction(seed, "listed", exchange, symbol) < _LISTED_SHARE[exchange]


def price_ratio(seed: int, exchange: str, symbol: str, moments: IntArray) -> FloatArray:
    """Return the price on `exchange` as a multiple of the home exchange's, at `moments` (epoch ms, ascending).

    A lasting difference, one that wanders over hours, and one over minutes: a few bps together.
    """
    words = (seed, "spread", exchange, symbol)
    lasting = 2.0 * fraction(*words) - 1.0
    wander = 2.0 * smooth(moments, 6 * HOUR, *words) + 0.8 * smooth(moments, 5 * MINUTE, *words)
    return np.exp(_BPS * (lasting + wander))


def on_exchange(candles: Candles, seed: int, exchange: str, symbol: str, step_ms: int) -> Candles:
    """Return the home exchange's candles of `step_ms` as `exchange` trades them, unrounded; the home's unchanged."""
    if exchange == HOME_EXCHANGE or not len(candles):
        return candles
    begin = price_ratio(seed, exchange, symbol, candles.times)
    end = price_ratio(seed, exchange, symbol, candles.times + step_ms)
    values = candles.values.copy()
    values[:, OPEN] *= begin
    values[:, CLOSE] *= end
    values[:, HIGH] *= np.maximum(begin, end)
    values[:, LOW] *= np.minimum(begin, end)
    share = _VOLUME_SHARE[exchange] * np.exp(0.4 * smooth(candles.times, DAY, seed, "share", exchange, symbol))
    values[:, VOLUME] *= share
    return Candles(candles.times, values)


def rounded(candles: Candles, price_decimals: int, amount_decimals: int) -> Candles:
    """Return `candles` with prices and volumes on an exchange's steps; no price falls below one step."""
    values = np.round(candles.values, price_decimals)
    np.maximum(values[:, :VOLUME], 10.0**-price_decimals, out=values[:, :VOLUME])
    values[:, VOLUME] = np.round(candles.values[:, VOLUME], amount_decimals)
    return Candles(candles.times, values)
