"""Revisions: the current levels of an open signal, for someone who would act on it now.

The rule: target and stop stay where they were published, the entry becomes the consensus price. Moving a stop or a
target after the fact would make another trade of it, and the signal's ending is counted on the published ones. So what
changes is what is left to gain and to lose from here; once that is worse than the stated minimum, acting would be
chasing, and `may_act` is off.

Two things keep a price at an edge from flapping: what switched off comes back on only well above the minimum, and only
once the price has moved by the threshold since the last revision.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from math import isfinite
from typing import Any

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import from_ms, to_iso, to_ms
from signalbox.domain.market.consensus import ConsensusPrice
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.costs import DEFAULT_COSTS, Costs
from signalbox.domain.signals.signal import Levels, Signal, SignalType, Status

_DEFAULT_BPS = {
    Timeframe.M1: 10.0,
    Timeframe.M5: 20.0,
    Timeframe.M15: 35.0,
    Timeframe.H1: 60.0,
    Timeframe.H4: 120.0,
    Timeframe.D1: 250.0,
}


class RevisionReason(StrEnum):
    """Why a signal was revised."""

    PRICE_MOVED = "price_moved"
    LEVEL_CROSSED = "level_crossed"
    CHASING = "chasing"
    WORTH_ACTING = "worth_acting"
    TIME_RAN_OUT = "time_ran_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionRules:
    """When a signal is revised, and when it may no longer be acted on.

    Attributes
    ----------
    move_atr : float, default 0.5
        A price this many ATR away from that of the last revision is a new one.
    move_bps : mapping of Timeframe to float
        The same in basis points, where no ATR is known, and the least it is anyway. About a third of a quiet
        candle's range of each timeframe.
    min_reward_risk : float, default 1
        Least that is to be gained, in units of what is to be lost, both net of costs.
    readmit_share : float, default 0.25
        How far above the minimum it must be again before the signal may be acted on again.
    costs : Costs
        What a round trip costs.
    """

    move_atr: float = 0.5
    move_bps: Mapping[Timeframe, float] = field(default_factory=lambda: dict(_DEFAULT_BPS))
    min_reward_risk: float = 1.0
    readmit_share: float = 0.25
    costs: Costs = DEFAULT_COSTS


DEFAULT_RULES = RevisionRules()


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One numbered change of the current levels: what acting at `as_of` would have meant.

    `levels` hold the consensus price as entry beside the published target and stop. `reward_risk` is what is left, net
    of costs; None at or beyond a level. `used` are the exchanges behind that price, `rejected` says of each other one
    that quoted why it does not count: the price frames that say so too are soon forgotten.
    """

    number: int
    reason: RevisionReason
    as_of: datetime
    levels: Levels
    reward_risk: float | None
    may_act: bool
    low_trust: bool
    used: tuple[str, ...]
    rejected: Mapping[str, str]

    def to_record(self) -> dict[str, Any]:
        """Return what is appended to the signal's history; prices as exact text."""
        return {
            "kind": "revised",
            "number": self.number,
            "reason": str(self.reason),
            "as_of": to_iso(self.as_of),
            "entry_price": str(self.levels.entry_price),
            "target_price": str(self.levels.target_price),
            "stop_loss": str(self.levels.stop_loss),
            "reward_risk": None if self.reward_risk is None else round(self.reward_risk, 4),
            "may_act": self.may_act,
            "low_trust": self.low_trust,
            "used": list(self.used),
            "rejected": dict(self.rejected),
        }


def revise(
    signal: Signal,
    price: ConsensusPrice,
    *,
    atr: float | None,
    now: datetime,
    rules: RevisionRules = DEFAULT_RULES,
) -> tuple[Signal, Revision] | None:
    """Return the revised signal and its revision, or None if nothing about it changed enough.

    Reasons, the first that holds: the signal outlived `expires_at`; the price came to lie at or beyond target or stop;
    what is left to gain fell below the minimum; or the price moved by the threshold since the last revision, which may
    make it worth acting again. A price older than the last revision's changes nothing, nor does the same one a second
    time.

    Parameters
    ----------
    signal : Signal
        Open; an ended one is never revised.
    price : ConsensusPrice
        Of the signal's symbol.
    atr : float or None
        Average true range on the signal's timeframe, quote currency; None or not positive where it is not known.
    now : datetime
        The system clock.
    rules : RevisionRules, optional
        Thresholds, and what a round trip costs.

    Raises
    ------
    InvalidValueError
        If the price is of another symbol.
    """
    if price.symbol != signal.symbol:
        raise InvalidValueError(f"price must be of {signal.symbol}, was of {price.symbol}")
    older = signal.revised_at is not None and price.time < to_ms(signal.revised_at)
    if signal.status is not Status.OPEN or older or not (isfinite(price.price) and price.price > 0):
        return None
    levels = current_levels(signal, Decimal(repr(float(price.price))))
    left = reward_risk(levels, signal.signal_type, rules.costs)
    worth = rules.min_reward_risk * (1.0 if signal.may_act else 1 + rules.readmit_share)
    may_act = now < signal.expires_at and left is not None and left >= worth
    moved = abs(float(levels.entry_price - current_levels(signal).entry_price)) >= _threshold(signal, atr, rules)
    reason = _reason(signal, now, moved=moved, may_act=may_act, beyond=left is None)
    if reason is None:
        return None
    revision = Revision(
        number=signal.revision + 1,
        reason=reason,
        as_of=from_ms(price.time),
        levels=levels,
        reward_risk=left,
        may_act=may_act,
        low_trust=price.low_trust,
        used=price.used,
        rejected=price.rejected,
    )
    return _revised(signal, revision, _reached(signal, price)), revision


def current_levels(signal: Signal, entry_price: Decimal | None = None) -> Levels:
    """Return the levels for someone acting at `entry_price`; without one, those of the newest revision, or the
    published ones if there is none."""
    return replace(signal.levels, entry_price=entry_price or signal.revised_price or signal.levels.entry_price)


def reward_risk(levels: Levels, signal_type: SignalType, costs: Costs = DEFAULT_COSTS) -> float | None:
    """Return what is left to gain over what is left to lose, each net of costs; None unless the entry lies strictly
    between stop and target. Negative where costs eat the gain."""
    side = signal_type.side
    entry, target, stop = float(levels.entry_price), float(levels.target_price), float(levels.stop_loss)
    reward, risk = side * (target - entry), side * (entry - stop)
    if reward <= 0 or risk <= 0:
        return None
    return (reward - costs.side_fraction * (entry + target)) / (risk + costs.side_fraction * (entry + stop))


def _reason(signal: Signal, now: datetime, *, moved: bool, may_act: bool, beyond: bool) -> RevisionReason | None:
    was_beyond = reward_risk(current_levels(signal), signal.signal_type) is None
    reasons = (
        (now >= signal.expires_at and signal.may_act, RevisionReason.TIME_RAN_OUT),
        (beyond and not was_beyond, RevisionReason.LEVEL_CROSSED),
        (signal.may_act and not may_act, RevisionReason.CHASING),
        (may_act and not signal.may_act and moved, RevisionReason.WORTH_ACTING),
        (moved, RevisionReason.PRICE_MOVED),
    )
    return next((reason for holds, reason in reasons if holds), None)


def _revised(signal: Signal, revision: Revision, reached: float) -> Signal:
    return replace(
        signal,
        revision=revision.number,
        may_act=revision.may_act,
        revised_price=revision.levels.entry_price,
        revised_at=revision.as_of,
        mfe_r=max(signal.mfe_r, reached),
        mae_r=min(signal.mae_r, reached),
    )


def _reached(signal: Signal, price: ConsensusPrice) -> float:
    """Return the R, before costs, that `price` gave a filled signal; at or beyond a level, what the level gives."""
    if signal.filled_price is None or signal.filled_at is None or price.time < to_ms(signal.filled_at):
        return 0.0
    filled, target, stop = (
        float(each) for each in (signal.filled_price, signal.levels.target_price, signal.levels.stop_loss)
    )
    held = min(max(price.price, min(stop, target)), max(stop, target))
    return signal.signal_type.side * (held - filled) / abs(filled - stop)


def _threshold(signal: Signal, atr: float | None, rules: RevisionRules) -> float:
    """How far the price must be from the last revision's, in quote currency."""
    least = float(current_levels(signal).entry_price) * rules.move_bps[signal.timeframe] * 1e-4
    return max(least, rules.move_atr * atr) if atr is not None and isfinite(atr) and atr > 0 else least
