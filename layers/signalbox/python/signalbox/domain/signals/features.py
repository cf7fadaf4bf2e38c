"""The feature vector: what was known of a symbol when a signal was given, kept so that something may be learnt later.

Every feature is of the symbol itself, free of units (so that symbols compare) and causal. Names and meanings of a
version never change: a new feature makes a new `FEATURE_VERSION`.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import numpy as np

from signalbox.domain.indicators.averages import exponential_moving_average
from signalbox.domain.indicators.momentum import rate_of_change, relative_strength_index
from signalbox.domain.indicators.trend import average_directional_index
from signalbox.domain.indicators.volatility import bollinger_bands, donchian_channels
from signalbox.domain.indicators.volume import volume_ratio
from signalbox.domain.market.candles import FloatArray
from signalbox.domain.strategies.view import MarketView

FEATURE_VERSION: Final = 1

_HOUR = 3_600_000


def _average_distance(view: MarketView, period: int) -> FloatArray:
    average = view.indicator(exponential_moving_average, "close", period=period)
    return (view.close - average) / view.atr


def _band_position(view: MarketView) -> FloatArray:
    upper, _, lower = view.indicator(bollinger_bands, "close", period=20, multiplier=2.0)
    return (view.close - lower) / (upper - lower)


def _channel_position(view: MarketView) -> FloatArray:
    channel = view.indicator(donchian_channels, "high", "low", period=48)
    return (view.close - channel.lower) / (channel.upper - channel.lower)


def _trend(view: MarketView, part: int) -> FloatArray:
    return view.indicator(average_directional_index, "high", "low", "close", period=14)[part]


def _hour(view: MarketView) -> FloatArray:
    closes = view.grid.times + view.grid.timeframe.milliseconds
    hours = (closes // _HOUR % 24).astype(np.float64)
    return np.repeat(hours[:, None], len(view.grid.symbols), axis=1)


FEATURES: Mapping[str, Callable[[MarketView], FloatArray]] = {
    "return_1_pct": lambda view: view.indicator(rate_of_change, "close", period=1),
    "return_6_pct": lambda view: view.indicator(rate_of_change, "close", period=6),
    "return_24_pct": lambda view: view.indicator(rate_of_change, "close", period=24),
    "atr_14_pct": lambda view: 100 * view.atr / view.close,
    "atr_14_percentile": lambda view: view.atr_percentile,
    "rsi_14": lambda view: view.indicator(relative_strength_index, "close", period=14),
    "adx_14": lambda view: _trend(view, 0),
    "plus_di_14": lambda view: _trend(view, 1),
    "minus_di_14": lambda view: _trend(view, 2),
    "distance_from_ema_20_atr": lambda view: _average_distance(view, 20),
    "distance_from_ema_50_atr": lambda view: _average_distance(view, 50),
    "bollinger_20_position": _band_position,
    "donchian_48_position": _channel_position,
    "volume_ratio_20": lambda view: view.indicator(volume_ratio, "volume", period=20),
    "candle_range_atr": lambda view: (view.high - view.low) / view.atr,
    "candle_body_atr": lambda view: (view.close - view.open) / view.atr,
    "regime_direction": lambda view: view.regimes.direction,
    "regime_volatility": lambda view: view.regimes.volatility,
    "hour_utc": _hour,
}
"""Each feature by name: a (n_candles, n_symbols) float64 array of a view."""


def features_at(view: MarketView, row: int, column: int) -> dict[str, float]:
    """Return the feature vector of one cell, without the features that are not finite there."""
    values = {
        name: float(view.remember(("feature", name), partial(make, view))[row, column])
        for name, make in FEATURES.items()
    }
    return {name: value for name, value in values.items() if np.isfinite(value)}
