"""Fade an excess in a range: the close comes back inside the Bollinger bands."""

from collections.abc import Mapping

from signalbox.domain.indicators.momentum import relative_strength_index
from signalbox.domain.indicators.volatility import bollinger_bands
from signalbox.domain.signals.signal import SignalType
from signalbox.domain.strategies.base import Decisions, RegimeFit, Strategy, became, finite, shifted
from signalbox.domain.strategies.registry import register
from signalbox.domain.strategies.view import MarketView

_OVERSOLD = 30.0


@register
class MeanReversion(Strategy):
    """BUY when the close returns above the lower Bollinger band (20, 2) after RSI(14) was below 30; SELL mirrored.

    For ranges: along the trend it is weak, against it is forbidden.
    """

    name = "mean_reversion"
    version = 1
    inputs = ("close",)
    fit = RegimeFit(along=0.4, ranging=1.0, against=0.0, high=0.7)

    def decide(self, view: MarketView) -> Decisions:
        """Return the decisions for every cell of `view`."""
        upper, _, lower = view.indicator(bollinger_bands, "close", period=20, multiplier=2.0)
        rsi = view.indicator(relative_strength_index, "close", period=14)
        excess = shifted(rsi)
        known = finite(upper, lower, rsi)
        return Decisions.of(
            became(view.close >= lower, known) & (excess < _OVERSOLD),
            became(view.close <= upper, known) & (excess > 100 - _OVERSOLD),
            strength=abs(excess - 50) / 40,
            reasons={
                "close": view.close,
                "rsi_14": rsi,
                "rsi_14_before": excess,
                "lower_band": lower,
                "upper_band": upper,
            },
        )

    def explain(self, reasons: Mapping[str, float], signal_type: SignalType) -> str:
        """Return one sentence for people."""
        band = "lower" if signal_type is SignalType.BUY else "upper"
        return (
            f"The close came back inside the {band} Bollinger band after RSI(14) had reached "
            f"{reasons['rsi_14_before']:.0f}."
        )
