"""Is a symbol's data fit to give signals? Every refusal has a reason that is stored."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from signalbox.domain.instants import from_ms, to_iso
from signalbox.domain.market.candles import BoolArray, Candle, CandleGrid, FloatArray
from signalbox.domain.market.suppression_reason import SuppressionReason

Refusals = dict[str, tuple[SuppressionReason, str]]
Health = tuple[tuple[str, ...], Refusals]
"""The healthy symbols, and why each other one is not."""

Check = tuple[BoolArray, SuppressionReason, str]
"""Which columns of a grid are refused, why, and in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthLimits:
    """What is still healthy.

    `present_share` is the smallest share of the grid's candles that a symbol must have. `jump_factor` is the move from
    one candle to the next, up or down, that is not believed while it is new or after it went back. `step_factor` is the
    same for the step from a close to the open of the very next candle, which trade without a pause hardly leaves: the
    largest of 1.8 million real ones (5m to 1d, 2017 to 2024) is by 1.023. `jump_confirmed` is the number of candles for
    which either must hold to be real. `frozen_candles` is the number of newest candles at one price that make a halt,
    whatever their volume, and `repeated_candles` the number of those that are one candle with trades in it, given
    again: no two real neighbours are.
    """

    present_share: float = 0.9
    jump_factor: float = 5.0
    step_factor: float = 1.1
    jump_confirmed: int = 12
    frozen_candles: int = 6
    repeated_candles: int = 2


DEFAULT_LIMITS = HealthLimits()


def inspect(
    grid: CandleGrid,
    *,
    now_ms: int,
    grace_ms: int,
    expected_last_open: int,
    limits: HealthLimits = DEFAULT_LIMITS,
) -> Health:
    """Tell the symbols that may give signals from those that may not. Never raises for what the candles hold.

    Parameters
    ----------
    grid : CandleGrid
        The whole warm-up window, and nothing later than its newest closed candle.
    now_ms, grace_ms : int
        The system clock (epoch ms), and how long after its end a candle may still change.
    expected_last_open : int
        Open time (epoch ms) of the candle of this turn.
    limits : HealthLimits
        What is still healthy.

    Returns
    -------
    tuple of (tuple of str, dict)
        The healthy symbols in the grid's order, and (reason, detail) of every other one. Of several reasons the first
        counts: open_candle, stale, bad_data (prices, order within a candle, jumps, steps between candles), halted,
        stale (holes).
    """
    refusals: Refusals = {}
    open_candle = _open_candle(grid, now_ms, grace_ms)
    checks = (
        (_all(grid, condition=bool(open_candle)), SuppressionReason.OPEN_CANDLE, open_candle),
        (_absent(grid, expected_last_open), SuppressionReason.STALE, f"no candle of {_moment(expected_last_open)}"),
        *_disbelieved(grid, limits),
        (
            grid.present.sum(axis=0) < limits.present_share * len(grid.times),
            SuppressionReason.STALE,
            f"fewer than {limits.present_share:.0%} of {len(grid.times)} candles are there",
        ),
    )
    for refused, reason, detail in checks:
        for column in np.flatnonzero(refused):
            refusals.setdefault(grid.symbols[column], (reason, detail))
    return tuple(symbol for symbol in grid.symbols if symbol not in refusals), refusals


def believed(grid: CandleGrid, limits: HealthLimits = DEFAULT_LIMITS) -> tuple[str, ...]:
    """Return the symbols, in the grid's order, that `inspect` refuses for nothing but holes and lateness, if at all."""
    refused = np.logical_or.reduce([cells for cells, _, _ in _disbelieved(grid, limits)])
    return tuple(symbol for symbol, bad in zip(grid.symbols, refused, strict=True) if not bad)


def _disbelieved(grid: CandleGrid, limits: HealthLimits) -> tuple[Check, ...]:
    """Return the checks of what the candles hold, as far as they are there."""
    bad, halted = SuppressionReason.BAD_DATA, SuppressionReason.HALTED
    with np.errstate(all="ignore"):
        return (
            (_not_prices(grid), bad, "price or volume that is zero, negative or not finite"),
            (_disordered(grid), bad, "candle whose high and low do not hold open and close"),
            (_jumping(grid, limits), bad, f"jump by {limits.jump_factor:g} times that is not held"),
            (
                _stepping(grid, limits),
                bad,
                f"open {limits.step_factor:g} times away from the close before that is not held",
            ),
            (
                _frozen(grid, limits.frozen_candles),
                halted,
                f"no change of price for {limits.frozen_candles} candles",
            ),
            (
                _repeated(grid, limits.repeated_candles),
                halted,
                f"one candle given {limits.repeated_candles} times in a row",
            ),
        )


def keep(grid: CandleGrid, symbols: Sequence[str]) -> CandleGrid:
    """Return the columns of `symbols`, in that order; raise ValueError for one that is not in the grid."""
    at = [grid.symbols.index(symbol) for symbol in symbols]
    columns = (values[:, at] for values in (grid.open, grid.high, grid.low, grid.close, grid.volume))
    return CandleGrid(grid.exchange, grid.timeframe, tuple(symbols), grid.times, *columns)


def clean_candles(raw: Sequence[Candle]) -> tuple[list[Candle], list[str]]:
    """Return the candles of one symbol in order of time, each time once, and what was wrong with them.

    Of candles with one time the last given counts: exchanges send the newer state later. Candles whose prices are wrong
    stay in: `inspect` refuses the symbol, which is better than a silent hole.
    """
    problems = []
    later = sum(after.time < before.time for before, after in pairwise(raw))
    if later:
        problems.append(f"{later} candles out of order")
    newest: dict[int, Candle] = {}
    for candle in raw:
        known = newest.get(candle.time)
        if known is not None:
            kind = "twice" if _same(known, candle) else "twice, differently"
            problems.append(f"candle {_moment(candle.time)} given {kind}")
        newest[candle.time] = candle
    return [newest[time] for time in sorted(newest)], problems


def _same(one: Candle, other: Candle) -> bool:
    return all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in zip(one, other, strict=True))


def _moment(milliseconds: int) -> str:
    return to_iso(from_ms(milliseconds))


def _all(grid: CandleGrid, *, condition: bool) -> BoolArray:
    return np.full(len(grid.symbols), condition)


def _open_candle(grid: CandleGrid, now_ms: int, grace_ms: int) -> str:
    """Return which candle is not closed yet, or an empty text."""
    if len(grid.times) and now_ms < int(grid.times[-1]) + grid.timeframe.milliseconds + grace_ms:
        return f"candle {_moment(int(grid.times[-1]))} is not over"
    return ""


def _absent(grid: CandleGrid, expected_last_open: int) -> BoolArray:
    if not len(grid.times) or int(grid.times[-1]) != expected_last_open:
        return _all(grid, condition=True)
    return np.asarray(~_given(grid)[-1])


def _given(grid: CandleGrid) -> BoolArray:
    """Return where there is anything at all: a candle that lacks only some of its numbers is bad, not absent."""
    return np.asarray(~np.isnan(np.stack([grid.open, grid.high, grid.low, grid.close])).all(axis=0))


def _not_prices(grid: CandleGrid) -> BoolArray:
    prices = np.stack([grid.open, grid.high, grid.low, grid.close])
    right = (np.isfinite(prices) & (prices > 0)).all(axis=0) & np.isfinite(grid.volume) & (grid.volume >= 0)
    return np.asarray((_given(grid) & ~right).any(axis=0))


def _disordered(grid: CandleGrid) -> BoolArray:
    top, bottom = np.maximum(grid.open, grid.close), np.minimum(grid.open, grid.close)
    return np.asarray(((grid.high < top) | (grid.low > bottom)).any(axis=0))


def _jumping(grid: CandleGrid, limits: HealthLimits) -> BoolArray:
    """Tell symbols with a wick beyond the factor, or a jump of the close that went back or is too new to tell."""
    top, bottom = np.maximum(grid.open, grid.close), np.minimum(grid.open, grid.close)
    wicks = (grid.high > limits.jump_factor * top) | (grid.low * limits.jump_factor < bottom)
    jumping = np.asarray(wicks.any(axis=0))
    spread = np.fmax.reduce(grid.close, axis=0, initial=0.0) / np.fmin.reduce(grid.close, axis=0, initial=np.inf)
    for column in np.flatnonzero(spread > limits.jump_factor):
        closes = grid.close[:, column]
        closes = closes[np.isfinite(closes) & (closes > 0)]
        jumps = abs(np.diff(np.log(closes))) > math.log(limits.jump_factor)
        jumping[column] |= _unheld(jumps, closes, limits.jump_factor, limits.jump_confirmed)
    return jumping


def _stepping(grid: CandleGrid, limits: HealthLimits) -> BoolArray:
    """Tell symbols with an open far from the close of the candle before that went back or is too new to tell. Behind a
    hole an open may be anywhere."""
    steps = abs(np.log(grid.open[1:] / grid.close[:-1])) > math.log(limits.step_factor)
    stepping = np.asarray(steps.any(axis=0))
    for column in np.flatnonzero(stepping):
        stepping[column] = _unheld(steps[:, column], grid.close[:, column], limits.step_factor, limits.jump_confirmed)
    return stepping


def _unheld(jumps: BoolArray, closes: FloatArray, factor: float, confirmed: int) -> bool:
    """Return whether a jump from a candle to the next (n - 1,) among closes (n,) is new, or near its start again."""
    for at in np.flatnonzero(jumps):
        after = closes[at + 1 : at + 1 + confirmed]
        went_back = abs(np.log(after / closes[at])) < math.log(factor) / 2
        if len(after) < confirmed or went_back.any():
            return True
    return False


def _frozen(grid: CandleGrid, candles: int) -> BoolArray:
    if len(grid.times) < candles:
        return _all(grid, condition=False)
    close = grid.close[-candles:]
    return np.asarray(((grid.high[-candles:] == grid.low[-candles:]) & (close == close[0])).all(axis=0))


def _repeated(grid: CandleGrid, candles: int) -> BoolArray:
    if len(grid.times) < candles:
        return _all(grid, condition=False)
    last = np.stack([grid.open, grid.high, grid.low, grid.close, grid.volume])[:, -candles:]
    return np.asarray((last == last[:, :1]).all(axis=(0, 1)) & (last[-1, 0] > 0))
