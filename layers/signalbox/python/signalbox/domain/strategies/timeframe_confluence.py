"""Act when three timeframes agree: this one, four times and eight times as long."""

from collections.abc import Mapping

from signalbox.domain.indicators.averages import simple_moving_average
from signalbox.domain.market.candles import FloatArray
from signalbox.domain.signals.signal import SignalType
from signalbox.domain.strategies.base import Decisions, RegimeFit, Strategy, became, finite, ratio, shifted
from signalbox.domain.strategies.registry import register
from signalbox.domain.strategies.view import Columns, MarketView

_MIDDLE, _LONG = 4, 8
_CLEAR = 0.5
_QUIET = 48


@register
class TimeframeConfluence(Strategy):
    """BUY when the close is clearly above a rising SMA(20) of all three timeframes; SELL mirrored.
    They must not have agreed on it within the last 48 candles.

    `Clearly` is half an ATR(14) of the short timeframe. Simple averages are used on the longer timeframes because
    a window of some hundred short candles holds few long ones, and a simple average needs no more to be exact.
    A longer candle counts only once it is closed.
    """

    name = "timeframe_confluence"
    version = 1
    inputs = ("high", "low", "close")
    warm_up = 22 * _LONG + _QUIET
    fit = RegimeFit(along=1.0, ranging=0.5, against=0.0)

    def decide(self, view: MarketView) -> Decisions:
        """Return the decisions for every cell of `view`."""
        own = _lean(view)
        middle, long = (
            tuple(view.higher(factor).spread(values) for values in _lean(view.higher(factor)))
            for factor in (_MIDDLE, _LONG)
        )
        distance = ratio(view.close - own[0], view.atr)
        slopes = (own[1], middle[1], long[1])
        near, far = (ratio(view.close - average[0], view.atr) for average in (middle, long))
        known = finite(distance, *slopes, near, far)
        rising = (distance > _CLEAR) & (near > 0) & (far > 0)
        falling = (distance < -_CLEAR) & (near < 0) & (far < 0)
        for slope in slopes:
            rising &= slope > 0
            falling &= slope < 0
        return Decisions.of(
            became(rising, known, _QUIET),
            became(falling, known, _QUIET),
            strength=0.5 + abs(far) / 20,
            reasons={
                "distance_from_sma_20_in_atr": distance,
                f"gap_to_sma_20_of_{_MIDDLE}x_in_atr": near,
                f"gap_to_sma_20_of_{_LONG}x_in_atr": far,
            },
        )

    def explain(self, reasons: Mapping[str, float], signal_type: SignalType) -> str:
        """Return one sentence for people."""
        place, way = ("above", "rising") if signal_type is SignalType.BUY else ("below", "falling")
        gap = abs(reasons[f"gap_to_sma_20_of_{_LONG}x_in_atr"])
        return (
            f"Three timeframes agree: the close is {place} a {way} 20-candle average of this one and of those "
            f"{_MIDDLE} and {_LONG} times as long, {gap:.1f} ATR from the last."
        )


def _lean(columns: Columns) -> tuple[FloatArray, FloatArray]:
    """Return the SMA(20) of the closes and its last change."""
    average = columns.indicator(simple_moving_average, "close", period=20)
    return average, average - shifted(average)
