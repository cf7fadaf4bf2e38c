"""Which of many open signals their prices may revise, over columns: the screen before `revision.revise`.

Most prices of most minutes revise nothing. As long as its price stays within a range that follows from its levels and
its newest revision, `revise` leaves a signal as it is; exact decimals are for those whose price left theirs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf, nan

import numpy as np

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import to_ms
from signalbox.domain.market.candles import BoolArray, FloatArray
from signalbox.domain.market.consensus import ConsensusPrice
from signalbox.domain.signals.revision import DEFAULT_RULES, RevisionRules
from signalbox.domain.signals.signal import Signal

_EDGE = 1e-9
"""How near to an end of its range, as a share of the price, floats are not trusted to tell what decimals say."""


@dataclass(frozen=True, eq=False)
class QuietRanges:
    """Between which prices n open signals are left as they are, one row per signal.

    Attributes
    ----------
    low, high : (n,) float64 arrays
        Quote currency: a price at or beyond either may revise the signal. One whose time has run out has no range:
        `high` is then -inf.
    since : (n,) float64 array
        Epoch ms: an older price revises nothing; -inf where there was no revision.
    """

    low: FloatArray
    high: FloatArray
    since: FloatArray

    @classmethod
    def of(
        cls,
        signals: Sequence[Signal],
        atrs: Sequence[float | None],
        *,
        now: datetime,
        rules: RevisionRules = DEFAULT_RULES,
    ) -> "QuietRanges":
        """Return the ranges of signals, in their order.

        `atrs` has the average true range of each, quote currency, None where it is not known; `now` is the system
        clock.
        """
        side, entry, target, stop, threshold, acts, is_over, since = _columns(signals, atrs, now, rules)
        low, high = entry - threshold, entry + threshold
        lower, upper = np.minimum(target, stop), np.maximum(target, stop)
        may_act, lay_between = acts > 0, (lower < entry) & (entry < upper)
        low = np.where(may_act | lay_between, np.maximum(low, lower), low)
        high = np.where(may_act | lay_between, np.minimum(high, upper), high)
        chased = _chased_from(side, target, stop, rules)
        low = np.where(may_act & (side < 0), np.maximum(low, chased), low)
        high = np.where(may_act & (side > 0), np.minimum(high, chased), high)
        return cls(low + _EDGE * entry, np.where(may_act & (is_over > 0), -inf, high - _EDGE * entry), since)


def _columns(
    signals: Sequence[Signal], atrs: Sequence[float | None], now: datetime, rules: RevisionRules
) -> tuple[FloatArray, ...]:
    """Lay out what ranges depend on: side, entry of the newest revision, target, stop, threshold of a move, whether it
    may be acted on, whether its time has run out, since when prices count."""
    rows = [
        (
            signal.signal_type.side,
            signal.levels.entry_price if signal.revised_price is None else signal.revised_price,
            signal.levels.target_price,
            signal.levels.stop_loss,
            rules.move_bps[signal.timeframe] * 1e-4,
            nan if atr is None else rules.move_atr * atr,
            signal.may_act,
            now >= signal.expires_at,
            -inf if signal.revised_at is None else to_ms(signal.revised_at),
        )
        for signal, atr in zip(signals, atrs, strict=True)
    ]
    side, entry, target, stop, share, move, *others = np.array(rows, np.float64).reshape(-1, 9).T.copy()
    least = entry * share
    return side, entry, target, stop, np.where(np.isfinite(move), np.fmax(least, move), least), *others


def to_revise(
    signals: Sequence[Signal],
    prices: Sequence[ConsensusPrice],
    atrs: Sequence[float | None],
    *,
    now: datetime,
    rules: RevisionRules = DEFAULT_RULES,
) -> list[Signal]:
    """Return those of n open signals that `revise` is to be asked about: all that it revises, few others.

    `prices` and `atrs` (average true range, quote currency, None where it is not known) are one per signal.
    """
    quiet = QuietRanges.of(signals, atrs, now=now, rules=rules)
    quoted = np.array([price.price for price in prices], np.float64)
    times = np.array([price.time for price in prices], np.float64)
    found = may_be_revised(quiet, quoted, times)
    return [signal for signal, may_be in zip(signals, found.tolist(), strict=True) if may_be]


def may_be_revised(quiet: QuietRanges, prices: FloatArray, times: FloatArray) -> BoolArray:
    """Return for each of n signals whether its price may revise it.

    True wherever `revise` returns a revision, and beside that at most within a billionth of a limit.

    Parameters
    ----------
    quiet : QuietRanges
        Of n signals.
    prices : (n,) float64 array
        Quote currency; what is no price (NaN, infinite, not positive) revises nothing.
    times : (n,) float64 array
        Epoch ms of the prices.

    Raises
    ------
    InvalidValueError
        If there is not one price and one time per signal.
    """
    if not prices.shape == times.shape == quiet.low.shape:
        raise InvalidValueError(
            f"prices and times must have shape {quiet.low.shape}, had {prices.shape}, {times.shape}"
        )
    has_left = (prices <= quiet.low) | (prices >= quiet.high)
    return has_left & (times >= quiet.since) & (prices > 0) & (prices < inf)


def _chased_from(side: FloatArray, target: FloatArray, stop: FloatArray, rules: RevisionRules) -> FloatArray:
    """Return the price beyond which less than the least reward:risk is left, net of costs: where `revision.reward_risk`
    equals `min_reward_risk`, solved for the entry."""
    cost, least = side * rules.costs.side_fraction, rules.min_reward_risk
    return (1 - cost) / (1 + cost) * (target + least * stop) / (1 + least)
