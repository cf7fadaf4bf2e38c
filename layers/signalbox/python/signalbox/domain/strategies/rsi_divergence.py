"""Doubt a new extreme that the RSI does not confirm."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from signalbox.domain.indicators.momentum import relative_strength_index
from signalbox.domain.market.candles import BoolArray, FloatArray
from signalbox.domain.signals.signal import SignalType
from signalbox.domain.strategies.base import Decisions, RegimeFit, Strategy, shifted
from signalbox.domain.strategies.registry import register
from signalbox.domain.strategies.view import MarketView

_CONFIRM = 3
_FARTHEST = 60
_EXCESS = 35.0
_MARGIN = 3.0


class _Pivots(NamedTuple):
    """At the row that confirms a pivot low: its price and RSI, and those of the one before; NaN elsewhere."""

    price: FloatArray
    rsi: FloatArray
    price_before: FloatArray
    rsi_before: FloatArray


@register
class RsiDivergence(Strategy):
    """BUY when a pivot low is confirmed that is lower than the one before while its RSI(14) is higher; SELL mirrored.

    A pivot is the extreme of 3 candles on each side, so it is known, and acted on, 3 candles after it happened. The two
    pivots lie at most 60 candles apart, the earlier RSI was below 35 (above 65), and the RSIs differ by 3 or more.
    """

    name = "rsi_divergence"
    version = 1
    inputs = ("high", "low", "close")
    fit = RegimeFit(along=0.7, ranging=1.0, against=0.5)

    def decide(self, view: MarketView) -> Decisions:
        """Return the decisions for every cell of `view`."""
        rsi = view.indicator(relative_strength_index, "close", period=14)
        lows = _pivots(view.low, rsi)
        # A high is a low upside down, and so is its RSI.
        highs = _pivots(-view.high, 100 - rsi)
        buy, sell = _diverges(lows), _diverges(highs)
        reasons = {
            "pivot_price": np.where(sell, -highs.price, lows.price),
            "pivot_rsi_14": np.where(sell, 100 - highs.rsi, lows.rsi),
            "earlier_pivot_price": np.where(sell, -highs.price_before, lows.price_before),
            "earlier_pivot_rsi_14": np.where(sell, 100 - highs.rsi_before, lows.rsi_before),
        }
        gain = np.where(sell, highs.rsi - highs.rsi_before, lows.rsi - lows.rsi_before)
        return Decisions.of(buy, sell, strength=0.4 + gain / 40, reasons=reasons)

    def explain(self, reasons: Mapping[str, float], signal_type: SignalType) -> str:
        """Return one sentence for people."""
        lower, higher = ("low", "higher") if signal_type is SignalType.BUY else ("high", "lower")
        return (
            f"The price made a new {lower} at {reasons['pivot_price']:g} but RSI(14) stayed {higher}: "
            f"{reasons['pivot_rsi_14']:.0f} after {reasons['earlier_pivot_rsi_14']:.0f}."
        )


def _diverges(pivots: _Pivots) -> BoolArray:
    return (
        (pivots.price < pivots.price_before)
        & (pivots.rsi_before < _EXCESS)
        & (pivots.rsi >= pivots.rsi_before + _MARGIN)
    )


def _pivots(prices: FloatArray, rsi: FloatArray) -> _Pivots:
    """Find the pivot lows of `prices` and lay each at the row that confirms it."""
    neighbours = [shifted(prices, back) for back in range(2 * _CONFIRM + 1)]
    middle = neighbours.pop(_CONFIRM)
    # Of equal lows the earliest counts: strictly below what came before it, at or below what came after.
    later, earlier = neighbours[:_CONFIRM], neighbours[_CONFIRM:]
    confirmed = np.logical_and.reduce([middle <= other for other in later] + [middle < other for other in earlier])
    pivot_rsi = shifted(rsi, _CONFIRM)
    confirmed &= np.isfinite(pivot_rsi)

    rows = np.arange(len(prices))[:, None]
    newest = np.maximum.accumulate(np.where(confirmed, rows, -1), axis=0)
    previous = np.full(newest.shape, -1)
    previous[1:] = newest[:-1]
    paired = confirmed & (previous >= 0) & (rows - previous <= _FARTHEST)
    source = np.maximum(previous, 0)
    values = (
        middle,
        pivot_rsi,
        np.take_along_axis(middle, source, axis=0),
        np.take_along_axis(pivot_rsi, source, axis=0),
    )
    return _Pivots(*(np.where(paired, value, np.nan) for value in values))
