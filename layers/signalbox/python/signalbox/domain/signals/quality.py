"""quality_score: where a signal stands among its peers, 0..100, from parts that are declared and stored.

It ranks and filters; it is no probability. That would be `confidence`, which stays None until outcomes calibrate it.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.market.candles import FloatArray
from signalbox.domain.signals.costs import DEFAULT_COSTS
from signalbox.domain.signals.signal import Levels

WEIGHTS: Mapping[str, float] = {"confluence": 0.40, "reward_risk": 0.15, "regime_fit": 0.30, "data_health": 0.15}
"""What each part counts for; they sum to 1."""

VOTE_LASTS = 6
"""Candles for which a decision counts as its strategy's opinion."""

FULL_REWARD_RISK = 1.5
"""Net reward over risk that earns the whole part."""

HEALTH_WINDOW = 100
"""Candles over which `data_health` looks back."""


def quality_score(parts: Mapping[str, float]) -> float:
    """Return the weighted mean of the parts, 0..100, rounded to a tenth.

    Raises
    ------
    InvalidValueError
        If the parts are not exactly those of `WEIGHTS`, or one lies outside [0, 1].
    """
    if parts.keys() != WEIGHTS.keys():
        raise InvalidValueError(f"quality parts must be {', '.join(WEIGHTS)}, were {', '.join(parts)}")
    for name, value in parts.items():
        if not 0 <= value <= 1:
            raise InvalidValueError(f"{name} must be in [0, 1], was {value}")
    return round(100 * sum(WEIGHTS[name] * value for name, value in parts.items()), 1)


def confluence(strength: float, agreeing: float, opposing: float) -> float:
    """Return the part in [0, 1]: half the strategy's own strength, half the other strategies' votes for its side, less
    half their votes against it. Votes are sums of strengths, counted up to 1.
    """
    return _unit(0.5 * strength + 0.5 * min(agreeing, 1.0) - 0.5 * min(opposing, 1.0))


def reward_risk(levels: Levels) -> float:
    """Return the part in [0, 1]: reward over risk after a round trip's costs, 1 from `FULL_REWARD_RISK` on."""
    cost = 2 * DEFAULT_COSTS.side_fraction * float(levels.entry_price)
    reward = float(abs(levels.target_price - levels.entry_price)) - cost
    risk = float(abs(levels.entry_price - levels.stop_loss)) + cost
    return _unit(reward / risk / FULL_REWARD_RISK)


def data_health(volume: FloatArray) -> float:
    """Return the part in [0, 1]: the share of the last `HEALTH_WINDOW` candles that are there and were traded.

    Parameters
    ----------
    volume : (n_candles,) float64 array
        One symbol's volume up to the candle that gave the signal, NaN for holes. What lies before the first candle of
        the array counts as missing.
    """
    return float((volume[-HEALTH_WINDOW:] > 0).sum()) / HEALTH_WINDOW


def votes(sides: Sequence[NDArray[np.int8]], strengths: Sequence[FloatArray], side: int) -> FloatArray:
    """Return each strategy's vote for `side`: its largest strength among its decisions for it in the last `VOTE_LASTS`
    candles, else 0.

    Parameters
    ----------
    sides, strengths : sequences of (n_candles, n_symbols) arrays
        One of each per strategy.
    side : int
        +1 or -1.

    Returns
    -------
    (n_strategies, n_candles, n_symbols) float64 array
        Row t depends on rows t - VOTE_LASTS + 1..t.
    """
    cast = np.stack([np.where(own == side, strength, 0.0) for own, strength in zip(sides, strengths, strict=True)])
    lasting = cast.copy()
    for back in range(1, min(VOTE_LASTS, cast.shape[1])):
        np.maximum(lasting[:, back:], cast[:, :-back], out=lasting[:, back:])
    return lasting


def _unit(value: float) -> float:
    return min(max(value, 0.0), 1.0)
