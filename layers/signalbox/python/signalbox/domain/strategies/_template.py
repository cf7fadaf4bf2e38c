"""A strategy to copy: name the file after it, add `@register` above the class, and it runs.

1. Declare `name`, `version`, `inputs`, and `fit`; `warm_up` too if it needs more candles than the regime.
2. In `decide`, take every indicator through `view.indicator`, so that it is computed once for all strategies, and
   wrap the condition in `became`, so that it fires once. Use nothing of a later row: the tests over all strategies
   change the future and compare. Beside indicators, look back no further than `base.LOOKBACK` candles: the live path
   shows no more. Name in `reasons` the numbers that decided.
3. Say in `explain`, in one sentence, what a person would see on the chart.
4. Add a hand-made series on which it fires to `tests/unit/domain/strategies/test_strategies.py`.
"""

from collections.abc import Mapping

from signalbox.domain.indicators.momentum import relative_strength_index
from signalbox.domain.signals.signal import SignalType
from signalbox.domain.strategies.base import Decisions, RegimeFit, Strategy, became, finite
from signalbox.domain.strategies.view import MarketView


class RelativeStrengthExtreme(Strategy):
    """BUY when RSI(14) falls below 30, SELL when it rises above 70."""

    name = "relative_strength_extreme"
    version = 1
    inputs = ("close",)
    fit = RegimeFit(against=0.0)

    def decide(self, view: MarketView) -> Decisions:
        """Return the decisions for every cell of `view`."""
        rsi = view.indicator(relative_strength_index, "close", period=14)
        known = finite(rsi)
        return Decisions.of(
            became(rsi < 30, known), became(rsi > 70, known), strength=abs(rsi - 50) / 50, reasons={"rsi_14": rsi}
        )

    def explain(self, reasons: Mapping[str, float], signal_type: SignalType) -> str:
        """Return one sentence for people."""
        side = "oversold" if signal_type is SignalType.BUY else "overbought"
        return f"RSI(14) is {reasons['rsi_14']:.0f}: {side}."
