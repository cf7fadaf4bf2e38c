"""Levels of a new signal: distances in ATR from the close that gave it, on the symbol's own price grid."""

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.signals.signal import Levels, SignalType

FEWEST_STEPS = 2
"""A distance of fewer price steps than this is mostly rounding, and is refused."""


def place_levels(  # noqa: PLR0913 - a candle's two numbers, the geometry's two, the symbol's one
    signal_type: SignalType, *, close: float, atr: float, stop_atr: float, target_atr: float, price_step: Decimal
) -> Levels:
    """Return exact levels on the symbol's price grid.

    The entry is the close, rounded to the nearest step (a real close lies on one). Stop and target are rounded away
    from the entry: no published distance is shorter than declared, so the target is never easier, and the risk in
    which R is counted never smaller, than the strategy says.

    Parameters
    ----------
    signal_type : SignalType
        Which side of the entry they lie on.
    close, atr : float
        Close and ATR(14) of the candle that gave the signal, quote currency.
    stop_atr, target_atr : float
        Distances in ATR, positive.
    price_step : Decimal
        The symbol's smallest price difference, quote currency.

    Raises
    ------
    InvalidValueError
        If there are no such levels: a price or ATR that is not positive and finite, a distance of fewer than
        `FEWEST_STEPS` steps, or a level that is not positive. The message is the detail of the suppression.
    """
    if not (math.isfinite(close) and close > 0):
        raise InvalidValueError(f"close must be positive and finite, was {close}")
    if not (math.isfinite(atr) and atr > 0):
        raise InvalidValueError(f"ATR must be positive and finite, was {atr}")
    if price_step <= 0:
        raise InvalidValueError(f"price_step must be positive, was {price_step}")
    risk, reward = exact(stop_atr * atr), exact(target_atr * atr)
    if min(risk, reward) < FEWEST_STEPS * price_step:
        raise InvalidValueError(
            f"distances must be at least {FEWEST_STEPS} price steps of {price_step}, were {risk:.3g} and {reward:.3g}"
        )
    entry = _on_grid(exact(close), price_step, ROUND_HALF_EVEN)
    above, below = (reward, risk) if signal_type is SignalType.BUY else (risk, reward)
    high = _on_grid(entry + above, price_step, ROUND_CEILING)
    low = _on_grid(entry - below, price_step, ROUND_FLOOR)
    target, stop = (high, low) if signal_type is SignalType.BUY else (low, high)
    levels = Levels(entry_price=entry, target_price=target, stop_loss=stop)
    levels.require_order(signal_type)
    return levels


def exact(number: float) -> Decimal:
    """Return the decimal that a float is written as: 0.1 gives 0.1."""
    return Decimal(repr(float(number)))


def _on_grid(price: Decimal, step: Decimal, rounding: str) -> Decimal:
    return (price / step).to_integral_value(rounding=rounding) * step
