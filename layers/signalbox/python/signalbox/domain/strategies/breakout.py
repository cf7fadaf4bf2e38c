"""Join a breakout: the close leaves the range of the last two days on high volume."""

from collections.abc import Mapping

from signalbox.domain.indicators.volatility import donchian_channels
from signalbox.domain.indicators.volume import volume_ratio
from signalbox.domain.signals.signal import SignalType
from signalbox.domain.strategies.base import Decisions, RegimeFit, Strategy, became, finite, shifted
from signalbox.domain.strategies.registry import register
from signalbox.domain.strategies.view import MarketView

_CHANNEL = 48
_VOLUME = 3.0
_QUIET = 48


@register
class Breakout(Strategy):
    """BUY when the close is above the high of the 48 candles before on three times the usual volume; SELL mirrored.

    Only the first such candle in 48 counts: the next ones are the move, not the breakout.
    """

    name = "breakout"
    version = 1
    inputs = ("high", "low", "close", "volume")
    fit = RegimeFit(along=1.0, ranging=0.8, against=0.3, high=0.7)

    def decide(self, view: MarketView) -> Decisions:
        """Return the decisions for every cell of `view`."""
        channel = view.indicator(donchian_channels, "high", "low", period=_CHANNEL)
        upper, lower = shifted(channel.upper), shifted(channel.lower)
        ratio = view.indicator(volume_ratio, "volume", period=20)
        known = finite(upper, lower, ratio, view.close)
        busy = ratio >= _VOLUME
        return Decisions.of(
            became((view.close > upper) & busy, known, _QUIET),
            became((view.close < lower) & busy, known, _QUIET),
            strength=0.3 + ratio / 10,
            reasons={"close": view.close, "highest_48": upper, "lowest_48": lower, "volume_ratio_20": ratio},
        )

    def explain(self, reasons: Mapping[str, float], signal_type: SignalType) -> str:
        """Return one sentence for people."""
        extreme = "highest" if signal_type is SignalType.BUY else "lowest"
        return (
            f"The close {reasons['close']:g} left the range of 48 candles beyond its {extreme} price "
            f"{reasons[f'{extreme}_48']:g}, on {reasons['volume_ratio_20']:.1f} times the usual volume."
        )
