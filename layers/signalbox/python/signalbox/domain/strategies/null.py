"""The null strategy: a seeded coin, against which every other strategy is measured."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from signalbox.domain.market.candles import FloatArray, IntArray
from signalbox.domain.signals.signal import NULL_STRATEGY, SignalType
from signalbox.domain.strategies.base import Decisions, Strategy
from signalbox.domain.strategies.registry import register
from signalbox.domain.strategies.view import MarketView

PROBABILITY: Final = 1 / 72
"""Chance of a signal per candle and symbol, a little more than two a week on 1h."""

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


@register
class Null(Strategy):
    """Tosses a coin: same universe, geometry and life as the others, no reason at all. Never delivered.

    Whether it fires, and which way, is a hash of (seed, symbol, open time, timeframe) alone: no generator, no state, so
    that any window, order or worker gives the same.

    Parameters
    ----------
    seed : int, default 0
        Another seed is another coin.
    """

    name = NULL_STRATEGY
    version = 1
    inputs = ()

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def decide(self, view: MarketView) -> Decisions:
        """Return the decisions for every cell of `view`."""
        key = f"{self.seed}#{view.grid.timeframe}"
        toss = uniform(view.grid.times, view.grid.symbols, f"{key}#fire")
        heads = uniform(view.grid.times, view.grid.symbols, f"{key}#side") < 0.5
        fires = view.present & (toss < PROBABILITY)
        return Decisions.of(fires & heads, fires & ~heads, np.full(toss.shape, 0.5), {"toss": toss})

    def explain(self, reasons: Mapping[str, float], signal_type: SignalType) -> str:
        """Return one sentence for people."""
        return f"A coin said {signal_type} (toss {reasons['toss']:.4f}): the yardstick of every strategy, never advice."


def uniform(times: IntArray, symbols: tuple[str, ...], key: str) -> FloatArray:
    """Return numbers in [0, 1), a pure function of (time, symbol, key).

    Parameters
    ----------
    times : (n_candles,) int64 array
        Open times, epoch ms.
    symbols : tuple of str
        One per column.
    key : str
        Another key gives an independent table.

    Returns
    -------
    (n_candles, n_symbols) float64 array

    References
    ----------
    The finaliser is SplitMix64's (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
    """
    columns = np.array([_digest(f"{key}#{symbol}") for symbol in symbols], dtype=np.uint64)
    rows = _mixed(times.astype(np.uint64) * _GAMMA)
    return (_mixed(rows[:, None] ^ columns[None, :]) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    values = (values ^ (values >> np.uint64(30))) * _MIX_1
    values = (values ^ (values >> np.uint64(27))) * _MIX_2
    return values ^ (values >> np.uint64(31))
