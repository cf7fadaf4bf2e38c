"""Ask again what is asked most, so that whoever asks next finds the answer there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from signalbox.domain.accounts.account import Tier
from signalbox.domain.caching.questions import Question
from signalbox.ports.signals import FeedQuery, Page

MOST_WARMED = 20
"""Questions that are asked again: each costs a page where it changed, and its counters where it did not."""


class Pages(Protocol):
    """Whoever answers with pages of signals, and keeps them."""

    def feed(self, query: FeedQuery) -> Page:
        """Return one page."""
        ...


@dataclass(frozen=True, slots=True)
class WarmReport:
    """How many questions were asked again, and how many of their answers had to be read anew."""

    asked: int
    recomputed: int


def warm_cache(
    questions: Sequence[Mapping[str, Any]], *, pages: Pages, recomputed: Callable[[], int], now: datetime
) -> WarmReport:
    """Ask `questions` as their tiers would at `now`, the system clock's. An answer that is still good costs nothing
    but looking; so this may be done as often as anybody likes. `recomputed` counts what was read anew so far."""
    before = recomputed()
    for message in questions:
        pages.feed(query_of(Question.from_message(message), now))
    return WarmReport(asked=len(questions), recomputed=recomputed() - before)


def query_of(question: Question, now: datetime) -> FeedQuery:
    """Return the query that a caller of the question's tier would ask at `now`."""
    return FeedQuery(
        since=question.since,
        until=question.until,
        visible_at=now - Tier(question.delay_class).delay,
        limit=question.limit,
        where=question.where,
        sort=question.sort,
        descending=question.descending,
        cursor=question.cursor,
        bound_to=question.bound_to,
        delay_class=question.delay_class,
    )
