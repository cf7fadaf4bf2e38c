"""Marking many open signals to their prices at once: the same sums as `marking.mark`, over columns."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.market.candles import BoolArray, FloatArray
from signalbox.domain.signals.costs import DEFAULT_COSTS, Costs
from signalbox.domain.signals.marking import basis_price
from signalbox.domain.signals.signal import Signal


@dataclass(frozen=True, eq=False)
class SignalColumns:
    """What marking needs of n open signals, one row per signal.

    Attributes
    ----------
    side : (n,) float64 array
        +1 for BUY, -1 for SELL.
    filled, target, stop : (n,) float64 arrays
        Quote currency; `filled` is the published entry until there is a fill.
    mfe_r, mae_r : (n,) float64 arrays
        As stored, before costs.
    """

    side: FloatArray
    filled: FloatArray
    target: FloatArray
    stop: FloatArray
    mfe_r: FloatArray
    mae_r: FloatArray

    @classmethod
    def of(cls, signals: Sequence[Signal]) -> "SignalColumns":
        """Lay signals out as columns, in their order."""
        rows = [
            (
                signal.signal_type.side,
                basis_price(signal),
                signal.levels.target_price,
                signal.levels.stop_loss,
                signal.mfe_r,
                signal.mae_r,
            )
            for signal in signals
        ]
        return cls(*np.array(rows, dtype=np.float64).reshape(len(rows), 6).T.copy())


@dataclass(frozen=True, eq=False)
class Marks:
    """n signals at their prices, one row per signal: see `marking.Mark`.

    Where there is no price, the R values are NaN, nothing is crossed, and `mfe_r` and `mae_r` are as they were.
    """

    unrealised_r: FloatArray
    to_target_r: FloatArray
    to_stop_r: FloatArray
    mfe_r: FloatArray
    mae_r: FloatArray
    target_crossed: BoolArray
    stop_crossed: BoolArray


def mark_many(columns: SignalColumns, prices: FloatArray, costs: Costs = DEFAULT_COSTS) -> Marks:
    """Return every signal at its price.

    Parameters
    ----------
    columns : SignalColumns
        Of n signals.
    prices : (n,) float64 array
        Quote currency; NaN where a signal's symbol has no price.
    costs : Costs, optional
        Of a round trip.

    Raises
    ------
    InvalidValueError
        If there is not one price per signal.
    """
    if prices.shape != columns.side.shape:
        raise InvalidValueError(f"prices must have shape {columns.side.shape}, was {prices.shape}")
    per_risk = 1.0 / np.abs(columns.filled - columns.stop)
    signed = columns.side * per_risk
    gross = (prices - columns.filled) * signed
    to_target = (columns.target - prices) * signed
    to_stop = (prices - columns.stop) * signed
    return Marks(
        unrealised_r=gross - costs.side_fraction * (columns.filled + prices) * per_risk,
        to_target_r=to_target,
        to_stop_r=to_stop,
        mfe_r=np.fmax(columns.mfe_r, gross),
        mae_r=np.fmin(columns.mae_r, gross),
        target_crossed=to_target <= 0,
        stop_crossed=to_stop <= 0,
    )
