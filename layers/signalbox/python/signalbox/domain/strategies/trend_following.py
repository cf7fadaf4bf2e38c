"""Follow a trend that has just turned: two averages cross while ADX says that there is a trend."""

from collections.abc import Mapping

from signalbox.domain.indicators.averages import exponential_moving_average
from signalbox.domain.indicators.trend import average_directional_index
from signalbox.domain.signals.signal import SignalType
from signalbox.domain.strategies.base import Decisions, RegimeFit, Strategy, became, finite
from signalbox.domain.strategies.registry import register
from signalbox.domain.strategies.view import MarketView

_STRONG = 25.0
_QUIET = 72


@register
class TrendFollowing(Strategy):
    """BUY when the EMA(20) stands above the EMA(50) and ADX(14) reaches 25 with +DI leading; SELL mirrored.

    The condition is one state, so it fires when the last of its parts falls into place; one that held within the
    last 72 candles is the old trend going on, and is no news.
    """

    name = "trend_following"
    version = 1
    inputs = ("high", "low", "close")
    fit = RegimeFit(along=1.0, ranging=0.5, against=0.0, low=0.8, high=0.8)

    def decide(self, view: MarketView) -> Decisions:
        """Return the decisions for every cell of `view`."""
        fast = view.indicator(exponential_moving_average, "close", period=20)
        slow = view.indicator(exponential_moving_average, "close", period=50)
        adx, plus, minus = view.indicator(average_directional_index, "high", "low", "close", period=14)
        known = finite(fast, slow, adx, plus, minus)
        trending = adx >= _STRONG
        rising = trending & (plus > minus) & (fast > slow)
        falling = trending & (plus < minus) & (fast < slow)
        return Decisions.of(
            became(rising, known, _QUIET),
            became(falling, known, _QUIET),
            strength=0.5 + abs(plus - minus) / 60,
            reasons={"ema_20": fast, "ema_50": slow, "adx_14": adx, "plus_di_14": plus, "minus_di_14": minus},
        )

    def explain(self, reasons: Mapping[str, float], signal_type: SignalType) -> str:
        """Return one sentence for people."""
        way, place = ("up", "above") if signal_type is SignalType.BUY else ("down", "below")
        return f"A trend {way} has formed: EMA(20) is {place} EMA(50) and ADX(14) has reached {reasons['adx_14']:.0f}."
