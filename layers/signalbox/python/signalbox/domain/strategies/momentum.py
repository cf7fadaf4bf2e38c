"""Go with a move that is large for this symbol."""

from collections.abc import Mapping

import numpy as np

from signalbox.domain.indicators.momentum import rate_of_change, relative_strength_index
from signalbox.domain.signals.signal import SignalType
from signalbox.domain.strategies.base import Decisions, RegimeFit, Strategy, became, finite, ratio
from signalbox.domain.strategies.registry import register
from signalbox.domain.strategies.view import MarketView

_SPAN = 24
_LARGE = 1.4
_EXHAUSTED = 75.0
_QUIET = 12


@register
class Momentum(Strategy):
    """BUY when the move over 24 candles reaches 1.4 times sqrt(24) ATR(14), what a drift-free market would make of its
    candles, and RSI(14) is not yet above 75; SELL mirrored. Only the first such candle in 12 counts.
    """

    name = "momentum"
    version = 1
    inputs = ("high", "low", "close")
    fit = RegimeFit(along=1.0, ranging=0.6, against=0.2, low=0.8)

    def decide(self, view: MarketView) -> Decisions:
        """Return the decisions for every cell of `view`."""
        change = view.indicator(rate_of_change, "close", period=_SPAN)
        rsi = view.indicator(relative_strength_index, "close", period=14)
        before = view.close / (1 + change / 100)
        score = ratio(view.close - before, view.atr * np.sqrt(_SPAN))
        known = finite(score, rsi)
        return Decisions.of(
            became((score >= _LARGE) & (rsi <= _EXHAUSTED), known, _QUIET),
            became((score <= -_LARGE) & (rsi >= 100 - _EXHAUSTED), known, _QUIET),
            strength=abs(score) / 3,
            reasons={"roc_24": change, "move_24_in_atr": score, "rsi_14": rsi},
        )

    def explain(self, reasons: Mapping[str, float], signal_type: SignalType) -> str:
        """Return one sentence for people."""
        way = "rose" if signal_type is SignalType.BUY else "fell"
        return (
            f"The price {way} {abs(reasons['roc_24']):.1f} % in 24 candles, "
            f"{abs(reasons['move_24_in_atr']):.1f} times its usual move."
        )
