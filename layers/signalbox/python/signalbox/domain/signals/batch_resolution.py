"""Settling many signals over one grid of candles: numpy finds where each one may end, `settle` decides there.

Almost every candle in a signal's life touches nothing. The search skips all of those at once and hands the signal, as
`settle` would have left it there, to `settle` for the rest. So there is one set of rules, whichever way is taken.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

import numpy as np

from signalbox.domain.instants import from_ms, to_ms
from signalbox.domain.market.candles import BoolArray, Candle, CandleGrid, FloatArray, IntArray
from signalbox.domain.signals.costs import DEFAULT_COSTS, Costs
from signalbox.domain.signals.evidence import candle_line, extend
from signalbox.domain.signals.resolution import MISSING_SHARE, due_slots, settle
from signalbox.domain.signals.signal import Signal, Status

FinerCandlesOf = Callable[[str, int, int], Sequence[Candle]]
"""(symbol, start, end) in epoch ms -> the finest candles stored of [start, end), oldest first."""


def settle_many(  # noqa: PLR0913  the same facts that `settle` asks for
    signals: Sequence[Signal],
    grid: CandleGrid,
    *,
    now: datetime,
    finer: FinerCandlesOf | None = None,
    delisted_at: Mapping[str, datetime] | None = None,
    costs: Costs = DEFAULT_COSTS,
) -> list[Signal]:
    """Return what `settle` returns for each of `signals` with its symbol's candles of `grid`, in the same order.

    Parameters
    ----------
    signals : sequence of Signal
        Open or ended, of any symbols of the grid.
    grid : CandleGrid
        Closed candles of the settlement timeframe, at least from the earliest `checked_until` or `published_at` on.
    now : datetime
        The system clock; candles that are not over by then do not count.
    finer : callable, optional
        Gives the finest candles stored of a symbol over a span, asked only for ties.
    delisted_at : mapping of symbol to datetime, optional
        Symbols that stopped trading.
    costs : Costs, optional
        Assumed, and stored with the endings.

    Raises
    ------
    InvalidValueError
        As `settle`.
    KeyError
        If a signal's symbol is not in the grid.
    """
    columns = {symbol: at for at, symbol in enumerate(grid.symbols)}
    tracks: dict[str, _Track] = {}
    settled = []
    for signal in signals:
        if signal.status is not Status.OPEN:
            settled.append(signal)
            continue
        track = tracks.get(signal.symbol)
        if track is None:
            track = tracks[signal.symbol] = _Track.of(grid, columns[signal.symbol])
        gone = (delisted_at or {}).get(signal.symbol)
        over = min(to_ms(moment) for moment in (now, signal.expires_at, gone) if moment is not None)
        ahead = _skip_quiet(signal, track, over)
        settled.append(
            settle(
                ahead,
                track.rest(ahead, over),
                timeframe=grid.timeframe,
                now=now,
                finer=None if finer is None else _of_symbol(finer, signal.symbol),
                delisted_at=gone,
                costs=costs,
            )
        )
    return settled


@dataclass(frozen=True, eq=False)
class _Track:
    """The candles of one symbol that are evidence: columns for the search, candles and their lines for the record."""

    grid: CandleGrid
    candles: list[Candle]
    lines: list[bytes]
    times: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray

    @classmethod
    def of(cls, grid: CandleGrid, column: int) -> "_Track":
        """Take one symbol's column."""
        opened, high, low, close = (getattr(grid, name)[:, column] for name in ("open", "high", "low", "close"))
        rows = np.flatnonzero(_are_prices(opened, high, low, close))
        volume = grid.volume[rows, column]
        times, prices = grid.times[rows], [values[rows] for values in (opened, high, low, close)]
        cells = zip(times.tolist(), *(values.tolist() for values in prices), volume.tolist(), strict=True)
        candles = [Candle(*cell) for cell in cells]
        return cls(grid, candles, [candle_line(candle) for candle in candles], times, *prices[:3])

    def rest(self, signal: Signal, over: int) -> list[Candle]:
        """Return the candles that are over by `over` (epoch ms) and not settled yet."""
        start = int(np.searchsorted(self.times, _cursor(signal, self.grid)))
        stop = int(np.searchsorted(self.times, over - self.grid.timeframe.milliseconds, side="right"))
        return self.candles[start:stop]


def _skip_quiet(signal: Signal, track: _Track, over: int) -> Signal:
    """Return the signal as `settle` leaves it after every candle before the first that touches a level or has too many
    missing before it."""
    step = track.grid.timeframe.milliseconds
    first, slots = due_slots(signal, track.grid.timeframe)
    start = int(np.searchsorted(track.times, _cursor(signal, track.grid)))
    stop = int(np.searchsorted(track.times, over - step, side="right"))
    if stop <= start:
        return signal
    filled = float(track.open[start]) if signal.filled_price is None else float(signal.filled_price)
    levels, side = signal.levels, signal.signal_type.side
    target, stopped = side * float(levels.target_price), side * float(levels.stop_loss)
    span = slice(start, stop)
    highs, lows = side * track.high[span], side * track.low[span]
    best, worst = (highs, lows) if side > 0 else (lows, highs)
    expected = (track.times[span] - first) // step
    came = np.arange(stop - start) + _settled_before(signal, first, step)
    # An open beyond a level is one: evidence has its open within low and high.
    loud = (best >= target) | (worst <= stopped)
    loud |= expected - came > MISSING_SHARE * slots
    quiet = int(loud.argmax()) if loud.any() else stop - start
    if quiet == 0:
        return signal
    last = start + quiet - 1
    risk = abs(filled - float(levels.stop_loss))
    return replace(
        signal,
        filled_price=signal.filled_price or Decimal(repr(filled)),
        filled_at=signal.filled_at or from_ms(track.candles[start].time),
        checked_until=from_ms(track.candles[last].time + step),
        mfe_r=max(signal.mfe_r, (float(best[:quiet].max()) - side * filled) / risk),
        mae_r=min(signal.mae_r, (float(worst[:quiet].min()) - side * filled) / risk),
        last_close=Decimal(repr(track.candles[last].close)),
        candles_missing=int(expected[quiet - 1] - came[quiet - 1]),
        candles_hash=extend(signal.candles_hash, track.lines[start : start + quiet]),
    )


def _cursor(signal: Signal, grid: CandleGrid) -> int:
    return due_slots(signal, grid.timeframe)[0] if signal.checked_until is None else to_ms(signal.checked_until)


def _settled_before(signal: Signal, first: int, step: int) -> int:
    """How many candles of the signal's life came before this call."""
    if signal.checked_until is None:
        return 0
    return (to_ms(signal.checked_until) - first) // step - signal.candles_missing


def _are_prices(opened: FloatArray, high: FloatArray, low: FloatArray, close: FloatArray) -> BoolArray:
    """The same judgement as `barriers.is_price`, over columns."""
    finite: BoolArray = np.isfinite(opened) & np.isfinite(high) & np.isfinite(low) & np.isfinite(close)
    held: BoolArray = (low > 0) & (low <= np.minimum(opened, close)) & (np.maximum(opened, close) <= high)
    return finite & held


def _of_symbol(finer: FinerCandlesOf, symbol: str) -> Callable[[int, int], Sequence[Candle]]:
    return lambda start, end: finer(symbol, start, end)
