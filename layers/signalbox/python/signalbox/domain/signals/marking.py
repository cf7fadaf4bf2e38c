"""Marking one open signal to a price: what a reader sees of it now.

R counts from `filled_price`, and from `entry_price` until the signal is filled.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from math import isfinite

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.signals.costs import DEFAULT_COSTS, Costs
from signalbox.domain.signals.signal import Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """An open signal at one price (quote currency).

    `unrealised_r` is what closing at `price` would give, net of costs. `to_target_r` and `to_stop_r` are what is left
    to the levels, negative once the price is beyond; `mfe_r` and `mae_r` are the signal's, extended by this price: all
    four before costs. `age_seconds` counts from publication.
    """

    price: float
    unrealised_r: float
    to_target_r: float
    to_stop_r: float
    mfe_r: float
    mae_r: float
    target_crossed: bool
    stop_crossed: bool
    age_seconds: float


def mark(signal: Signal, price: float | Decimal, *, now: datetime, costs: Costs = DEFAULT_COSTS) -> Mark:
    """Return the signal at `price`; raise InvalidValueError if that is not a positive number."""
    price = float(price)
    if not (isfinite(price) and price > 0):
        raise InvalidValueError(f"price must be a positive number, was {price}")
    levels, side = signal.levels, signal.signal_type.side
    filled, target, stop = float(_basis_price(signal)), float(levels.target_price), float(levels.stop_loss)
    risk = abs(filled - stop)
    gross = side * (price - filled) / risk
    to_target, to_stop = side * (target - price) / risk, side * (price - stop) / risk
    return Mark(
        price=price,
        unrealised_r=gross - costs.in_r(filled, price, stop),
        to_target_r=to_target,
        to_stop_r=to_stop,
        mfe_r=max(signal.mfe_r, gross),
        mae_r=min(signal.mae_r, gross),
        target_crossed=to_target <= 0,
        stop_crossed=to_stop <= 0,
        age_seconds=(now - signal.published_at).total_seconds(),
    )


def _basis_price(signal: Signal) -> Decimal:
    """Return the price from which R counts: the fill, or the published entry until there is one."""
    return signal.levels.entry_price if signal.filled_price is None else signal.filled_price
