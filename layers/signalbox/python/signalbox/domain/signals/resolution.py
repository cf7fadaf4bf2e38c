"""How a signal ends, rules version 1: settled by closed candles, a few at a time, to exactly one ending.

The stages, for each candle since the last check: is it evidence at all; how many that were due before it are missing;
the first one fills the signal at its open; then its open, high and low against target and stop. What is left when the
candles are used up is decided by the clock: delisted, expired, or still open.

Settling is a fold over candles whose whole state lies in the signal: however the candles are split over calls, the same
candles give the same ending.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from math import isfinite

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import from_ms, to_ms
from signalbox.domain.market.candles import Candle
from signalbox.domain.market.consensus import ConsensusPrice
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.barriers import Barriers, Touch, drill, is_price
from signalbox.domain.signals.costs import DEFAULT_COSTS, Costs
from signalbox.domain.signals.evidence import candle_line, extend
from signalbox.domain.signals.signal import Ending, Signal, Status

MISSING_SHARE = 0.02
"""More than this share of the candles of a signal's life missing: DATA_GAP."""

FinerCandles = Callable[[int, int], Sequence[Candle]]
"""(start, end) in epoch ms -> the finest candles stored of [start, end), oldest first."""


def settle(  # noqa: PLR0913  each is a fact of its own that an ending rests on
    signal: Signal,
    candles: Sequence[Candle],
    *,
    timeframe: Timeframe,
    now: datetime,
    finer: FinerCandles | None = None,
    delisted_at: datetime | None = None,
    last_price: ConsensusPrice | None = None,
    costs: Costs = DEFAULT_COSTS,
    patience: timedelta = timedelta(0),
) -> Signal:
    """Return the signal as it stands after `candles`, ended if it ended.

    Parameters
    ----------
    signal : Signal
        As it was left by the last call. One that ended is returned as it is.
    candles : sequence of Candle
        Closed candles of the signal's home exchange, oldest first, at least from `checked_until` (or from
        `published_at`) on; older ones are skipped, and so is one that is not over by `now`, by `expires_at` or by
        `delisted_at`. A hole before a given candle is final: to wait for a late candle, pass those before it only.
        Candles with a price that is none (not positive, not finite, open or close outside low and high) are holes.
    timeframe : Timeframe
        Of `candles`; the same one through the life of a signal. Should it grow all the same, the candle that holds the
        last check is looked at again as a whole.
    now : datetime
        The system clock.
    finer : callable, optional
        Gives the finest candles stored of a span; asked only where one candle touched both target and stop.
    delisted_at : datetime, optional
        When the exchange stopped trading the symbol. Before `expires_at`, it ends the signal at the last valid price.
    last_price : ConsensusPrice, optional
        The newest one known at or before `expires_at`: booked there if it is newer than the last candle's close. Either
        must lie within one timeframe of the signal before.
    costs : Costs, optional
        Assumed, and stored with the ending.
    patience : timedelta, default 0
        How long after `expires_at` (`delisted_at`) to wait for candles that are still due. None: booked at once.

    Raises
    ------
    InvalidValueError
        If the candles do not ascend, or do not open on the timeframe's grid.

    Notes
    -----
    `ended_at` is the close of the candle that settled it (of the finer one, where that decided), `expires_at`,
    `delisted_at`, or for DATA_GAP the open of the candle behind the hole. The candle that ends a signal extends MFE and
    MAE by its open and the exit alone: what else it touched before the exit is not known. A signal that was never
    filled ends as DATA_GAP.
    """
    if signal.status is not Status.OPEN:
        return signal
    walk = _Walk(signal, timeframe, costs, finer)
    end = to_ms(signal.expires_at)
    delisted = delisted_at is not None and to_ms(delisted_at) < end
    if delisted_at is not None and delisted:
        end = to_ms(delisted_at)
    now_ms = to_ms(now)
    over = min(end, now_ms)
    for candle in candles[bisect_left(candles, walk.cursor, key=_open_time) :]:
        if candle.time + walk.step > over:
            break
        if is_price(candle):
            walk.take(candle)
            if walk.ending is not None:
                return walk.result()
    due = timeframe.floor(end) > walk.cursor
    if now_ms >= end and not (due and now_ms < end + patience // timedelta(milliseconds=1)):
        if delisted:
            walk.delist(end, last_price)
        else:
            walk.expire(end, last_price)
    return walk.result()


def due_slots(signal: Signal, timeframe: Timeframe) -> tuple[int, int]:
    """Return the open time (epoch ms) of the first candle that counts for a signal, and how many count: those that
    open after `published_at` and close by `expires_at`."""
    first = timeframe.floor(to_ms(signal.published_at)) + timeframe.milliseconds
    count = (timeframe.floor(to_ms(signal.expires_at)) - first) // timeframe.milliseconds
    return first, max(0, count)


def too_many_missing(missing: int, slots: int) -> bool:
    """Return whether `missing` of `slots` candles are more than the rules allow."""
    return missing > MISSING_SHARE * slots


class _Walk:
    """One signal on its way through candles. Prices are float64; `Decimal` again where they are stored."""

    def __init__(self, signal: Signal, timeframe: Timeframe, costs: Costs, finer: FinerCandles | None) -> None:
        levels = signal.levels
        self.signal = signal
        self.step = timeframe.milliseconds
        self.costs = costs
        self.finer = finer
        self.barriers = Barriers(signal.signal_type.side, float(levels.target_price), float(levels.stop_loss))
        self.first, self.slots = due_slots(signal, timeframe)
        self.cursor = self.first
        if signal.checked_until is not None:
            self.cursor = max(self.first, timeframe.floor(to_ms(signal.checked_until)))
        self.checked_until = signal.checked_until
        self.filled = None if signal.filled_price is None else float(signal.filled_price)
        self.filled_at = signal.filled_at
        self.mfe, self.mae = signal.mfe_r, signal.mae_r
        self.missing = signal.candles_missing
        self.candles_hash = signal.candles_hash
        self.last_close = None if signal.last_close is None else float(signal.last_close)
        self.status = Status.OPEN
        self.ending: Ending | None = None

    def take(self, candle: Candle) -> None:
        """Go through one candle that is evidence."""
        hole, rest = divmod(candle.time - self.cursor, self.step)
        if hole < 0 or rest:
            raise InvalidValueError(
                f"candles must ascend on a grid of {self.step} ms from {self.cursor}, found one at {candle.time}"
            )
        self.missing += hole
        if too_many_missing(self.missing, self.slots):
            self._book(Status.DATA_GAP, candle.time)
            return
        self.candles_hash = extend(self.candles_hash, (candle_line(candle),))
        self.cursor = candle.time + self.step
        self.checked_until, self.last_close = from_ms(self.cursor), candle.close
        if self.filled is None:
            self.filled, self.filled_at = candle.open, from_ms(candle.time)
            if not self.barriers.encloses(candle.open):
                self._book(Status.INVALIDATED, self.cursor)
                return
        touch = self.barriers.touch(candle)
        if touch is Touch.NONE:
            self._extend(*self.barriers.extremes(candle))
        elif touch is Touch.BOTH:
            self._drill(candle)
        else:
            self._close(touch, candle, self.cursor)

    def expire(self, end: int, last_price: ConsensusPrice | None) -> None:
        """Book what is to be had at `expires_at`."""
        self.missing += max(0, self.first + self.slots * self.step - self.cursor) // self.step
        price, at = self._newest(end, last_price)
        fresh = at >= end - self.signal.timeframe.milliseconds
        if self.filled is None or price is None or not fresh or too_many_missing(self.missing, self.slots):
            self._book(Status.DATA_GAP, end)
        else:
            self._book(Status.EXPIRED, end, _exact(price))

    def delist(self, end: int, last_price: ConsensusPrice | None) -> None:
        """Book the last valid price there was. Candles that never came after trading stopped are not missing."""
        price, _ = self._newest(end, last_price)
        if self.filled is None or price is None:
            self._book(Status.DATA_GAP, end)
        else:
            self._book(Status.DELISTED, end, _exact(price))

    def result(self) -> Signal:
        """Return the signal as it stands; the very same object if nothing changed."""
        if self.ending is None and self.checked_until == self.signal.checked_until:
            return self.signal
        return replace(
            self.signal,
            status=self.status,
            filled_price=None if self.filled is None else _exact(self.filled),
            filled_at=self.filled_at,
            checked_until=self.checked_until,
            mfe_r=self.mfe,
            mae_r=self.mae,
            ending=self.ending,
            last_close=None if self.last_close is None else _exact(self.last_close),
            candles_missing=self.missing,
            candles_hash=self.candles_hash,
        )

    def _newest(self, end: int, last_price: ConsensusPrice | None) -> tuple[float | None, int]:
        """Return the newest valid price at or before `end`, and its time: the last close, or a price behind it."""
        if last_price is not None and self.cursor < last_price.time <= end and _is_positive(last_price.price):
            return last_price.price, last_price.time
        return self.last_close, self.cursor

    def _drill(self, candle: Candle) -> None:
        end = candle.time + self.step
        found = None if self.finer is None else drill(self.barriers, self.finer(candle.time, end), candle.time, end)
        if found is None:
            self._close(Touch.BOTH, candle, end)
            return
        self.candles_hash = extend(self.candles_hash, map(candle_line, found.candles))
        for quiet in found.candles[:-1]:
            self._extend(*self.barriers.extremes(quiet))
        self._close(found.touch, found.candles[-1], found.end)

    def _close(self, touch: Touch, candle: Candle, ended_at: int) -> None:
        levels = self.signal.levels
        self._extend(candle.open, candle.open)
        if touch is Touch.TARGET:
            self._book(Status.TARGET_HIT, ended_at, levels.target_price)
        elif touch is Touch.STOP_AT_OPEN:
            self._book(Status.STOP_HIT, ended_at, _exact(candle.open))
        else:
            self._book(Status.STOP_HIT, ended_at, levels.stop_loss, ambiguous=touch is Touch.BOTH)

    def _book(self, status: Status, at: int, exit_price: Decimal | None = None, *, ambiguous: bool = False) -> None:
        r = cost = optimistic = None
        if exit_price is not None and self.filled is not None:
            price = float(exit_price)
            self._extend(price, price)
            cost = self.costs.in_r(self.filled, price, self.barriers.stop)
            r = optimistic = self._gross_r(price) - cost
        if ambiguous and self.filled is not None:
            target = self.barriers.target
            optimistic = self._gross_r(target) - self.costs.in_r(self.filled, target, self.barriers.stop)
        self.status = status
        self.ending = Ending(
            status=status,
            ended_at=from_ms(at),
            exit_price=exit_price,
            r=r,
            optimistic_r=optimistic,
            cost_r=cost,
            ambiguous=ambiguous,
            candles_hash=self.candles_hash,
            costs=self.costs,
        )

    def _extend(self, best: float, worst: float) -> None:
        self.mfe = max(self.mfe, self._gross_r(best))
        self.mae = min(self.mae, self._gross_r(worst))

    def _gross_r(self, price: float) -> float:
        filled = self.filled
        if filled is None:
            raise InvalidValueError(f"R needs a filled_price, {self.signal.signal_id} has none yet")
        return self.barriers.side * (price - filled) / abs(filled - self.barriers.stop)


def _exact(price: float) -> Decimal:
    """The decimal that the exchange spelled: the shortest one that reads back as this float64."""
    return Decimal(repr(float(price)))


def _is_positive(price: float) -> bool:
    return isfinite(price) and price > 0


def _open_time(candle: Candle) -> int:
    return candle.time
