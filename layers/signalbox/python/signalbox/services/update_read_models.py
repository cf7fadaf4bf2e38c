"""Count what happened to signals into the statistics, each event once; and make them anew from the signals."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from signalbox.domain.caching.versions import MADE_ANEW, Moves, statistics_moves
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.history.filters import ANY, SignalFilter
from signalbox.domain.signals.events import EventKind, SignalEvent
from signalbox.domain.signals.signal import NULL_STRATEGY, Signal
from signalbox.domain.statistics.contributions import Contribution, contribution, contributions_of
from signalbox.ports.caching import VersionRepository
from signalbox.ports.signals import FeedQuery, SignalRepository, StoredSignals
from signalbox.ports.statistics import StatisticsRepository

COUNTED = (EventKind.PUBLISHED, EventKind.ENDED)
PAGE = 200
"""Signals read at once by a rebuild."""


@dataclass(frozen=True, slots=True)
class ReadModelReport:
    """How many events there were to count, and how many of them had not been counted before."""

    events: int
    counted: int


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """How many signals there were, and how many of their events were counted anew."""

    signals: int
    counted: int


def update_read_models(
    events: Sequence[SignalEvent],
    *,
    signals: StoredSignals,
    statistics: StatisticsRepository,
    versions: VersionRepository,
    now: datetime,
) -> ReadModelReport:
    """Count the publications and endings among `events`; whatever comes twice, or in another order, counts once.

    What is counted is read from the signal: what was published never changes, nor does an ending. Then, and only then,
    the counters of the statistics move: an answer that was read while events were being counted is asked for again. A
    crash in between brings the events again, which count for nothing but move the counters. Raises InvalidValueError
    for an event of a signal that is not there.
    """
    found = [_contribution_of(event, signals) for event in events if event.kind in COUNTED]
    contributions = [each for each in found if each is not None]
    counted = statistics.count(contributions, now)
    moves = statistics_moves(events)
    if moves:
        versions.move(moves, now)
    return ReadModelReport(events=len(contributions), counted=counted)


def rebuild_statistics(
    *,
    signals: SignalRepository,
    statistics: StatisticsRepository,
    versions: VersionRepository,
    since: datetime,
    now: datetime,
) -> RebuildReport:
    """Recount every signal created from `since` on into the generation that `begin_rebuild` began, and serve it, so
    that no kept answer holds older sums.

    Events that arrive meanwhile are counted by `update_read_models`; what both meet counts once. Call it some seconds
    after `begin_rebuild`: by then the feed's index holds everything that was counted before.
    """
    seen = counted = 0
    for page in _pages(signals, since, now):
        counted += statistics.recount([each for signal in page for each in contributions_of(signal)], now)
        seen += len(page)
    statistics.finish_rebuild()
    versions.move({MADE_ANEW: Moves()}, now)
    return RebuildReport(signals=seen, counted=counted)


def _contribution_of(event: SignalEvent, signals: StoredSignals) -> Contribution | None:
    signal = signals.get(event.signal_id)
    if signal is None:
        raise InvalidValueError(f"the signal of event {event.event_id} must be stored, was not found")
    return contribution(signal, event.kind)


def _pages(signals: SignalRepository, since: datetime, now: datetime) -> Iterator[list[Signal]]:
    """Every signal, the coin's too, oldest first; those from the future as well, which a market clock may know."""
    until = now + timedelta(days=366)
    for where in (ANY, SignalFilter(strategies=frozenset({NULL_STRATEGY}))):
        cursor = None
        while True:
            query = FeedQuery(
                since=since,
                until=until,
                visible_at=until,
                limit=PAGE,
                where=where,
                descending=False,
                cursor=cursor,
            )
            page = signals.feed(query)
            yield page.signals
            cursor = page.cursor
            if cursor is None:
                break
