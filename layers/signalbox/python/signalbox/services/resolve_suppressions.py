"""Find out what the candidates that were not sent would have come to: that is what a filter is worth."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from signalbox.domain.errors import SignalboxError
from signalbox.domain.instants import from_ms, to_ms
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.batch_resolution import settle_many
from signalbox.domain.signals.signal import Ending
from signalbox.domain.signals.suppression import Suppression
from signalbox.domain.universe.universe import Member, Universe
from signalbox.ports.market import CandleStore
from signalbox.ports.signals import SuppressionRepository
from signalbox.services.parallel import in_parallel

MOST_DUE = 5_000
"""How many of a symbol's suppressions one run judges at most, the oldest first; the rest is the next run's."""


@dataclass(frozen=True, slots=True)
class SuppressionsReport:
    """What one run found out.

    `suppressions_unsettled` are over, but wait for the candle after their last, or until a symbol that is halted trades
    again or is gone; `symbols_failed` are left for the next run.
    """

    suppressions_resolved: int
    suppressions_unsettled: int
    symbols_failed: int


def resolve_suppressions(
    universe: Universe,
    *,
    candles: CandleStore,
    suppressions: SuppressionRepository,
    grace_seconds: int,
    now: datetime,
) -> SuppressionsReport:
    """Store the ending of every suppressed candidate of the universe whose life is over.

    Each is judged by the rules for signals, on the candles of its own timeframe, as if it had been published
    `grace_seconds` after its candle, once one more candle than its life had has closed: by then its last is stored, or
    the exchange was asked for it again. What is resolved stays as it is and is not read again, so a run that is cut
    short is gone on with by the next; what fails for one symbol leaves the others alone.
    """
    grace = timedelta(seconds=grace_seconds)
    counts: Counter[str] = Counter()
    for member in universe.members:
        try:
            over = suppressions.due(member.symbol, now, MOST_DUE)
            due = _by_timeframe(over, member, now)
            counts["unsettled"] += len(over) - len(due)
            for timeframe, group in groupby(due, key=lambda one: one.timeframe):
                endings = _endings(list(group), timeframe, member, candles, grace, now)
                resolved = in_parallel(lambda each: suppressions.resolve(*each), endings)
                counts["resolved"] += sum(resolved)
        except SignalboxError:
            counts["failed"] += 1
    return SuppressionsReport(counts["resolved"], counts["unsettled"], counts["failed"])


def _by_timeframe(over: Sequence[Suppression], member: Member, now: datetime) -> list[Suppression]:
    """Return those that can be judged, by timeframe."""
    if member.listed and member.inactive_since is not None:
        return []
    ready = [
        one
        for one in over
        if one.exchange == member.exchange
        if one.expires_at is not None and one.expires_at <= from_ms(one.timeframe.last_closed_open(to_ms(now)))
    ]
    return sorted(ready, key=lambda one: one.timeframe.milliseconds)


def _endings(  # noqa: PLR0917 - private, and called once
    due: Sequence[Suppression],
    timeframe: Timeframe,
    member: Member,
    candles: CandleStore,
    grace: timedelta,
    now: datetime,
) -> list[tuple[Suppression, Ending]]:
    """Return those that have an ending, each with it. A symbol that is gone stopped with its last candle."""
    first = timeframe.floor(min(to_ms(one.created_at) for one in due))
    last = timeframe.last_closed_open(to_ms(now))
    grid = candles.load(member.exchange, timeframe, member.bucket, [member.symbol], first, last)
    signals = [one.as_signal(one.created_at + grace) for one in due]
    stored = grid.column(member.symbol)
    gone = {member.symbol: from_ms(stored[-1].time + timeframe.milliseconds)} if stored and not member.listed else {}
    settled = settle_many([signal for signal in signals if signal is not None], grid, now=now, delisted_at=gone)
    return [(one, signal.ending) for one, signal in zip(due, settled, strict=True) if signal.ending is not None]
