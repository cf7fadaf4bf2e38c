"""The daily skeleton of the simulated market: where every factor stands at each midnight over two decades.

A factor is the whole market, or what one coin does beside it. Each goes through regimes of several days (up, down,
range), with volatility that comes in clusters, now and then a jump, and a slow pull back to its level, so that prices
stay plausible however far the clock runs. The minutes between two midnights are drawn later, on request, and bent to
meet the skeleton (`simulated.py`).
"""

from dataclasses import dataclass

import numpy as np

from infra.local.exchange.candles import DAY, FloatArray, IntArray
from infra.local.exchange.noise import generator, smooth

FIRST_DAY = 16_800
"""2015-12-31, in days since the epoch; a multiple of eight, the length of a block."""
LAST_DAY = FIRST_DAY + 7_680

_PULL = 1 / 120
_RANGE_PULL = 0.3
_TREND = 0.5


@dataclass(frozen=True, eq=False, slots=True)
class Skeleton:
    """Daily values of every factor.

    Attributes
    ----------
    levels : (n_days + 1, n_factors) float64 array
        Log deviation from the factor's level at each midnight.
    deviations : (n_days, n_factors) float64 array
        Standard deviation of the day's return.
    jumps : (n_days, n_factors) float64 array
        Log return of the day's one jump, mostly 0.
    jump_minutes : (n_days, n_factors) int64 array
        Minute of the day at which it happens.
    """

    levels: FloatArray
    deviations: FloatArray
    jumps: FloatArray
    jump_minutes: IntArray


def build_skeleton(seed: int, factors: tuple[str, ...], deviations: tuple[float, ...]) -> Skeleton:
    """Return the skeleton of `factors`, whose days deviate by `deviations` on average."""
    n_days = LAST_DAY - FIRST_DAY
    shape = (n_days, len(factors))
    direction, sigma, shock, jump = np.empty(shape), np.empty(shape), np.empty(shape), np.empty(shape)
    begins, minute = np.empty(shape, np.bool_), np.empty(shape, np.int64)
    midnights = (FIRST_DAY + np.arange(n_days, dtype=np.int64)) * DAY
    for at, (factor, deviation) in enumerate(zip(factors, deviations, strict=True)):
        random = generator(seed, "skeleton", factor)
        direction[:, at], begins[:, at] = _regimes(random, n_days)
        swell = sum(0.33 * smooth(midnights, days * DAY, seed, "volatility", factor) for days in (32, 8, 2))
        sigma[:, at] = deviation * np.exp(swell - 0.1)
        shock[:, at] = random.standard_normal(n_days)
        size = random.normal(0.0, 2.0 * deviation, n_days)
        jump[:, at] = np.where(random.random(n_days) < 0.06, size, 0.0)
        minute[:, at] = random.integers(0, 1440, n_days)
    levels = _walk(direction, begins, sigma, shock, jump)
    return Skeleton(levels, sigma, jump, minute)


def _regimes(random: np.random.Generator, n_days: int) -> tuple[FloatArray, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    lengths = random.geometric(1 / 6, n_days) + 1
    directions = random.choice([-1.0, 0.0, 1.0], n_days, p=[0.3, 0.4, 0.3])
    number = np.repeat(np.arange(n_days), lengths)[:n_days]
    return directions[number], np.diff(number, prepend=-1) > 0


def _walk(
    direction: FloatArray,
    begins: np.ndarray[tuple[int, int], np.dtype[np.bool_]],
    sigma: FloatArray,
    shock: FloatArray,
    jump: FloatArray,
) -> FloatArray:
    """Add the days up. One step needs the one before it, so this loop runs once per day, over all factors together."""
    step = sigma * (_TREND * direction + shock) + jump
    range_pull = np.where(direction == 0.0, _RANGE_PULL, 0.0)
    levels = np.zeros((len(step) + 1, step.shape[1]))
    middle = np.zeros(step.shape[1])
    for day in range(len(step)):
        level = levels[day]
        middle = np.where(begins[day], level, middle)
        levels[day + 1] = level * (1 - _PULL) + range_pull[day] * (middle - level) + step[day]
    return levels
