"""Leave a squeeze: volatility was unusually low, and now it opens."""

from collections.abc import Mapping

from signalbox.domain.indicators.averages import simple_moving_average
from signalbox.domain.indicators.volatility import bollinger_bands
from signalbox.domain.signals.signal import SignalType
from signalbox.domain.strategies.base import Decisions, RegimeFit, Strategy, finite, held, ratio, shifted
from signalbox.domain.strategies.registry import register
from signalbox.domain.strategies.view import MarketView

_KELTNER = 1.5
_SHORTEST = 16


@register
class VolatilitySqueeze(Strategy):
    """Fire when the Bollinger bands (20, 2) leave the Keltner channel (1.5 ATR(14)) after at least 16 candles inside.

    BUY if the close is in the upper half and above the close 16 candles before, SELL if in the lower half and below it.

    References
    ----------
    J. Carter, "Mastering the Trade", 2005, chapter on the squeeze.
    """

    name = "volatility_squeeze"
    version = 1
    inputs = ("high", "low", "close")
    fit = RegimeFit(along=1.0, ranging=0.9, against=0.4, high=0.6)

    def decide(self, view: MarketView) -> Decisions:
        """Return the decisions for every cell of `view`."""
        upper, _, lower = view.indicator(bollinger_bands, "close", period=20, multiplier=2.0)
        middle = view.indicator(simple_moving_average, "close", period=20)
        before = shifted(view.close, _SHORTEST)
        tightness = ratio(upper - lower, 2 * _KELTNER * view.atr)
        known = finite(tightness)
        squeezed = known & (tightness < 1)
        released = known & ~squeezed
        released[1:] &= held(squeezed, _SHORTEST)[:-1]
        released[:1] = False
        push = ratio(view.close - middle, view.atr)
        return Decisions.of(
            released & (push > 0) & (view.close > before),
            released & (push < 0) & (view.close < before),
            strength=abs(push) / 3,
            reasons={"tightness": tightness, "distance_from_middle_in_atr": push, "close_16_before": before},
        )

    def explain(self, reasons: Mapping[str, float], signal_type: SignalType) -> str:
        """Return one sentence for people."""
        way = "upwards" if signal_type is SignalType.BUY else "downwards"
        return (
            f"A squeeze of at least {_SHORTEST} candles opened {way}: the close is "
            f"{abs(reasons['distance_from_middle_in_atr']):.1f} ATR from the middle of its bands."
        )
