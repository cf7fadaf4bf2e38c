"""Which span of time a question about the history is about: one rule for its pages and its exports."""

from datetime import datetime

from signalbox.api.pages import DAY, day_of
from signalbox.api.problems import refused
from signalbox.api.signal_inputs import FIRST
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.history.filters import Sort
from signalbox.domain.history.search import Search
from signalbox.ports.signals import require_rankable

DEFAULT_SPAN = 30 * DAY


def span_of(asked: Search, sort: Sort, now: datetime) -> tuple[datetime, datetime]:
    """Return from when on (included) and until when (not) signals are asked for in the order `sort`.

    Raises ProblemError (400) if all symbols would be ranked over too long a span.
    """
    if sort is not Sort.CREATED and asked.since is None and asked.until is None:
        return _ranked_by_itself(asked, now)
    until = asked.until or max(_behind_all(now), asked.since or now)
    since = asked.since or (asked.until or day_of(now)) - DEFAULT_SPAN
    try:
        require_rankable(sort, asked.where, since, until)
    except InvalidValueError as e:
        raise refused("from", str(e)) from e
    return since, until


def _ranked_by_itself(asked: Search, now: datetime) -> tuple[datetime, datetime]:
    """Return the span of a ranking that was given none: one that indexes hold whole, so that no row is read in vain.

    A ranking of all symbols lies in a partition for each month, one of a symbol in a single one for all time.
    """
    if asked.where.symbols:
        return FIRST, _behind_all(now)
    month = day_of(now).replace(day=1)
    return (month - DAY).replace(day=1), (month + 31 * DAY).replace(day=1)


def _behind_all(now: datetime) -> datetime:
    return day_of(now) + 2 * DAY
