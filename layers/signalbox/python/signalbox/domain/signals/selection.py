"""Which candidates are sent. The one written rule, in the order in which its parts are asked; the first that holds is
the reason of the suppression:

1. `bad_levels`: no levels could be placed.
2. `repeat`: the same strategy has an open signal of the same symbol, timeframe and side.
3. `cool_down`: the same strategy's last signal of the symbol and timeframe ended fewer than `cool_down_candles` ago.
4. `regime`: the strategy does not fit the regime.
5. `low_quality`: the quality score is below the minimum.
6. `conflict`: another open signal of the symbol and timeframe points the other way. What was said first stands
   until it ends.
7. `conflict`: of what is left, one symbol and timeframe holds BUY and SELL. The side whose best quality score is
   ahead by at least `conflict_margin` is sent, the other is not; if neither is ahead by that much, neither is sent.

What is never delivered (the coin) is asked 1 and 2 alone, and counts in nobody else's conflicts: a yardstick that
were filtered by the others' rules would measure those rules.

The outcome does not depend on the order of the candidates or of the signals.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from signalbox.domain.instants import to_iso
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.candidate import Candidate
from signalbox.domain.signals.signal import NULL_STRATEGY, Signal, SignalType, Status
from signalbox.domain.signals.suppression import SuppressionReason


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionRules:
    """The numbers of the rule.

    `cool_down_candles` counts candles of the signal's own timeframe; `minimum_quality` and `conflict_margin` are
    points of the quality score.
    """

    cool_down_candles: int = 6
    minimum_quality: float = 65.0
    conflict_margin: float = 10.0


DEFAULT_RULES = SelectionRules()


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A candidate that is not sent, and why."""

    candidate: Candidate
    reason: SuppressionReason
    detail: str


Refusal = tuple[SuppressionReason, str]
_Market = tuple[str, Timeframe]


def select(
    candidates: Sequence[Candidate], recent: Sequence[Signal], rules: SelectionRules
) -> tuple[list[Candidate], list[Suppressed]]:
    """Split the candidates of one turn into those that are sent and those that are not.

    Parameters
    ----------
    candidates : sequence of Candidate
        All of one turn.
    recent : sequence of Signal
        The open signals of the candidates' symbols, and those that ended within the cool-down. Older ones, and those of
        other symbols, change nothing.
    rules : SelectionRules
        The numbers.

    Returns
    -------
    tuple of (list of Candidate, list of Suppressed)
        Each ordered by symbol, time and strategy. Every candidate is in exactly one of them.
    """
    history: dict[_Market, list[Signal]] = defaultdict(list)
    for signal in sorted(recent, key=lambda signal: signal.signal_id):
        history[signal.symbol, signal.timeframe].append(signal)

    sent: list[Candidate] = []
    suppressed: list[Suppressed] = []
    for candidate in sorted(candidates, key=lambda candidate: candidate.key):
        refusal = _refusal(candidate, history[candidate.symbol, candidate.timeframe], rules)
        if refusal:
            suppressed.append(Suppressed(candidate, *refusal))
        else:
            sent.append(candidate)

    conflicting = list(_conflicts(sent, rules))
    losers = {lost.candidate.key for lost in conflicting}
    sent = [candidate for candidate in sent if candidate.key not in losers]
    return sent, sorted(suppressed + conflicting, key=lambda lost: lost.candidate.key)


def _refusal(  # noqa: PLR0911 - one return per part of the rule
    candidate: Candidate, history: Sequence[Signal], rules: SelectionRules
) -> Refusal | None:
    """Return why the candidate is not sent on its own account (1 to 6), or None."""
    own = [signal for signal in history if signal.strategy == candidate.strategy]
    if candidate.levels is None:
        return SuppressionReason.BAD_LEVELS, candidate.levels_problem
    repeated = _first_open(own, candidate.signal_type)
    if repeated:
        return SuppressionReason.REPEAT, f"{repeated.signal_id} is still open"
    if not candidate.deliverable:
        return None
    rested = _end_of_rest(candidate, own, rules)
    if rested > candidate.created_at:
        return SuppressionReason.COOL_DOWN, f"rests until {to_iso(rested)} after its last ending"
    if candidate.quality_parts["regime_fit"] <= 0:
        return SuppressionReason.REGIME, f"{candidate.strategy} does not {candidate.signal_type} in {candidate.regime}"
    if candidate.quality_score < rules.minimum_quality:
        return (
            SuppressionReason.LOW_QUALITY,
            f"quality score must be at least {rules.minimum_quality:g}, was {candidate.quality_score:g}",
        )
    opposite = SignalType.SELL if candidate.signal_type is SignalType.BUY else SignalType.BUY
    contradicted = _first_open([signal for signal in history if signal.strategy != NULL_STRATEGY], opposite)
    if contradicted:
        return SuppressionReason.CONFLICT, f"{contradicted.signal_id} is open and points the other way"
    return None


def _first_open(signals: Iterable[Signal], signal_type: SignalType) -> Signal | None:
    return next((s for s in signals if s.status is Status.OPEN and s.signal_type is signal_type), None)


def _end_of_rest(candidate: Candidate, own: Iterable[Signal], rules: SelectionRules) -> datetime:
    """Return when the cool-down after the strategy's last ending is over; the candidate's own time if there is none."""
    rest = timedelta(milliseconds=rules.cool_down_candles * candidate.timeframe.milliseconds)
    ends = [signal.ending.ended_at + rest for signal in own if signal.ending is not None]
    return max(ends, default=candidate.created_at)


def _conflicts(candidates: Sequence[Candidate], rules: SelectionRules) -> Iterable[Suppressed]:
    """Yield those of one turn's candidates that lose to the other side (7). `candidates` are in order of their keys."""
    delivered = [candidate for candidate in candidates if candidate.deliverable]
    for _, group in groupby(sorted(delivered, key=_place), key=_place):
        rivals = list(group)
        best = {
            side: max((c.quality_score for c in rivals if c.signal_type is side), default=None) for side in SignalType
        }
        buy, sell = best[SignalType.BUY], best[SignalType.SELL]
        if buy is None or sell is None:
            continue
        winner = None
        if abs(buy - sell) >= rules.conflict_margin:
            winner = SignalType.BUY if buy > sell else SignalType.SELL
        detail = f"best BUY scored {buy:g}, best SELL {sell:g}; one must be ahead by {rules.conflict_margin:g}"
        for candidate in rivals:
            if candidate.signal_type is not winner:
                yield Suppressed(candidate, SuppressionReason.CONFLICT, detail)


def _place(candidate: Candidate) -> tuple[str, Timeframe, datetime]:
    return candidate.symbol, candidate.timeframe, candidate.created_at
