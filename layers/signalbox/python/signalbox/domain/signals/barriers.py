"""Barriers: which of target and stop one candle touched, and what finer candles say when it touched both."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import pairwise
from math import isfinite

from signalbox.domain.market.candles import Candle


class Touch(Enum):
    """What one candle says about target and stop."""

    NONE = auto()
    TARGET = auto()
    STOP = auto()
    STOP_AT_OPEN = auto()
    BOTH = auto()


@dataclass(frozen=True, slots=True)
class Barriers:
    """Target and stop of one signal as float64, and the side (+1 BUY, -1 SELL) that says which way they lie."""

    side: int
    target: float
    stop: float

    def encloses(self, price: float) -> bool:
        """Return whether `price` lies strictly between stop and target."""
        return self.side * self.stop < self.side * price < self.side * self.target

    def extremes(self, candle: Candle) -> tuple[float, float]:
        """Return the candle's best and worst price for this side."""
        return (candle.high, candle.low) if self.side > 0 else (candle.low, candle.high)

    def touch(self, candle: Candle) -> Touch:
        """Return what the candle touched. The open comes first in time: a candle that opens at or beyond a level has
        touched that one before anything else it did."""
        side = self.side
        if side * candle.open <= side * self.stop:
            return Touch.STOP_AT_OPEN
        if side * candle.open >= side * self.target:
            return Touch.TARGET
        best, worst = self.extremes(candle)
        hit_target, hit_stop = side * best >= side * self.target, side * worst <= side * self.stop
        if hit_target and hit_stop:
            return Touch.BOTH
        return Touch.TARGET if hit_target else Touch.STOP if hit_stop else Touch.NONE


@dataclass(frozen=True, slots=True)
class Drill:
    """What finer candles say of a tie: the touch, the candles up to the one that showed it, and where that one ends
    (epoch ms). `touch` is BOTH where even the finest candle holds both."""

    touch: Touch
    candles: tuple[Candle, ...]
    end: int


def drill(barriers: Barriers, finer: Sequence[Candle], start: int, end: int) -> Drill | None:
    """Return what `finer` says of the candle that spans [start, end) (epoch ms) and touched both barriers.

    None if it says nothing: no candle, a hole before the first touch (the other level may have been touched in it), or
    no touch at all.
    """
    inside = [candle for candle in finer if start <= candle.time < end and is_price(candle)]
    if not inside:
        return None
    step = min((later.time - former.time for former, later in pairwise(inside)), default=end - start)
    if (end - start) % step:
        return None
    for number, candle in enumerate(inside):
        if candle.time != start + number * step:
            return None
        touch = barriers.touch(candle)
        if touch is not Touch.NONE:
            return Drill(touch, tuple(inside[: number + 1]), min(candle.time + step, end))
    return None


def is_price(candle: Candle) -> bool:
    """Return whether a candle is evidence: four finite, positive prices, open and close within low and high."""
    _, opened, high, low, close, _ = candle
    if not (isfinite(opened) and isfinite(high) and isfinite(low) and isfinite(close)):
        return False
    return 0 < low <= min(opened, close) and max(opened, close) <= high
