"""What a strategy is: declarations, and one decision over all candles and symbols at once.

The live path reads the last row of a decision and the backtest all of them, so both run the same code. A strategy fires
on the candle by which its condition *becomes* true, not on every candle while it holds.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.market.candles import BoolArray, FloatArray
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.regimes.classification import WARM_UP as REGIME_WARM_UP
from signalbox.domain.signals.signal import NULL_STRATEGY, SignalType
from signalbox.domain.strategies.view import MarketView


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where the levels of a signal lie and how long it lives.

    `stop_atr` and `target_atr` are distances from the entry in ATR(14); `life_candles` says how many candles of its
    own timeframe a signal lives.
    """

    stop_atr: float
    target_atr: float
    life_candles: Mapping[Timeframe, int]

    def life(self, timeframe: Timeframe) -> timedelta:
        """Return how long a signal of `timeframe` lives; raise InvalidValueError if it may give none."""
        if timeframe not in self.life_candles:
            raise InvalidValueError(f"timeframe must be one of {', '.join(self.life_candles)}, was {timeframe}")
        return timedelta(milliseconds=self.life_candles[timeframe] * timeframe.milliseconds)


HOUSE_GEOMETRY = Geometry(
    stop_atr=2.0,
    target_atr=3.0,
    life_candles={
        Timeframe.M1: 90,
        Timeframe.M5: 72,
        Timeframe.M15: 64,
        Timeframe.H1: 48,
        Timeframe.H4: 36,
        Timeframe.D1: 20,
    },
)
"""The geometry of every strategy of the house, the coin flip included: a rate may only be compared with the coin's if
both play the same game."""

ALL_TIMEFRAMES = tuple(Timeframe)

LOOKBACK = 96
"""Candles before the one decided on at which a decision may look beside its indicators, at most: the live path shows a
strategy no more."""


@dataclass(frozen=True, slots=True)
class RegimeFit:
    """How well a strategy fits a regime, as factors in [0, 1]; 0 forbids.

    `along`, `ranging` and `against` apply when the direction axis is the signal's own, RANGE or the opposite; `low`,
    `normal` and `high` to the volatility axis. The two factors are multiplied.
    """

    along: float = 1.0
    ranging: float = 1.0
    against: float = 1.0
    low: float = 1.0
    normal: float = 1.0
    high: float = 1.0

    def of(self, side: int, direction: float, volatility: float) -> float:
        """Return the fit in [0, 1] of a signal's side (+1 or -1) with a regime's codes; 0 where one is NaN."""
        if np.isnan(direction) or np.isnan(volatility):
            return 0.0
        by_direction = (self.against, self.ranging, self.along)[int(side * direction) + 1]
        by_volatility = (self.low, self.normal, self.high)[int(volatility) + 1]
        return by_direction * by_volatility


@dataclass(frozen=True, eq=False)
class Decisions:
    """What one strategy decided for every cell of a grid.

    Attributes
    ----------
    side : (n_candles, n_symbols) int8 array
        +1 BUY, -1 SELL, 0 nothing.
    strength : (n_candles, n_symbols) float64 array
        How clearly, in [0, 1]; 0 where nothing was decided.
    reasons : mapping of str to (n_candles, n_symbols) float64 array
        The numbers behind it, by name, `rsi_14`.
    """

    side: NDArray[np.int8]
    strength: FloatArray
    reasons: Mapping[str, FloatArray]

    def reasons_at(self, row: int, column: int) -> dict[str, float]:
        """Return the reasons of one cell."""
        return {name: float(values[row, column]) for name, values in self.reasons.items()}

    @classmethod
    def of(
        cls, buy: BoolArray, sell: BoolArray, strength: FloatArray, reasons: Mapping[str, FloatArray]
    ) -> "Decisions":
        """Return decisions that BUY where `buy`, SELL where `sell`, and nothing where both hold or a reason is not
        finite. `strength` is clipped to [0, 1], NaN counts as 0.
        """
        side = buy.astype(np.int8) - sell.astype(np.int8)
        for values in reasons.values():
            side[~np.isfinite(values)] = 0
        return cls(side, np.where(side != 0, np.clip(np.nan_to_num(strength), 0.0, 1.0), 0.0), reasons)


class Strategy(ABC):
    """One way to find signals. Subclasses declare the class variables and decide.

    Attributes
    ----------
    name : str
        Its name in ids and pages: small letters, digits and `_`, at most 40.
    version : int
        Raised with every change of what it decides.
    inputs : tuple of str
        The columns that it reads.
    warm_up : int
        Candles of a symbol, the deciding one included, before it can fire; at least the regime's own warm-up, since no
        candidate is made while the regime is unknown.
    timeframes : tuple of Timeframe
        Where it may run.
    geometry : Geometry
        Where its levels lie.
    fit : RegimeFit
        Which regimes fit it.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    inputs: ClassVar[tuple[str, ...]]
    warm_up: ClassVar[int] = REGIME_WARM_UP
    timeframes: ClassVar[tuple[Timeframe, ...]] = ALL_TIMEFRAMES
    geometry: ClassVar[Geometry] = HOUSE_GEOMETRY
    fit: ClassVar[RegimeFit] = RegimeFit()

    @property
    def deliverable(self) -> bool:
        """Whether its signals may be sent and shown in default feeds: all but the coin's."""
        return self.name != NULL_STRATEGY

    @abstractmethod
    def decide(self, view: MarketView) -> Decisions:
        """Return the decisions for every cell of `view`.

        Row t depends on rows 0..t alone; beside the indicators of `view`, which know all of them, on no more than row t
        and the `LOOKBACK` before it.
        """

    @abstractmethod
    def explain(self, reasons: Mapping[str, float], signal_type: SignalType) -> str:
        """Return one sentence for people about a cell with these reasons."""


def became(condition: BoolArray, known: BoolArray, quiet: int = 1) -> BoolArray:
    """Return where `condition` holds and held at none of the `quiet` candles before.

    All of these candles must be `known`: the first candles of a symbol, and those after a hole, start nothing.
    """
    fired = condition & known
    fired[:quiet] = False
    # How many candles so far held or were unknown: equal counts mean that none of those between did.
    unquiet = np.zeros((len(condition) + 1, condition.shape[1]), dtype=np.int32)
    np.cumsum(condition | ~known, axis=0, out=unquiet[1:])
    fired[quiet:] &= unquiet[quiet:-1] == unquiet[: -quiet - 1]
    return fired


def shifted(values: FloatArray, candles: int = 1) -> FloatArray:
    """Return `values` of so many candles earlier, NaN at the start."""
    moved = np.full(values.shape, np.nan)
    if candles < len(values):
        moved[candles:] = values[: len(values) - candles]
    return moved


def held(condition: BoolArray, candles: int) -> BoolArray:
    """Return where `condition` holds at this candle and at the `candles - 1` before it."""
    run = condition.copy()
    for back in range(1, candles):
        run[back:] &= condition[: len(condition) - back]
        run[:back] = False
    return run


def finite(*arrays: FloatArray) -> BoolArray:
    """Return where all arrays are finite."""
    known: BoolArray = np.logical_and.reduce([np.isfinite(values) for values in arrays])
    return known


def ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Return numerator / denominator without a warning; what was divided by zero is not finite, and decides nothing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return numerator / denominator
