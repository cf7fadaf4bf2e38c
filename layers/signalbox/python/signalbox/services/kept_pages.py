"""Pages of signals as questions that can be kept an answer to, and asked again for the same tier at another moment."""

from datetime import datetime

from signalbox.domain.accounts.account import Tier
from signalbox.domain.caching.questions import Question
from signalbox.domain.caching.versions import names_asked
from signalbox.ports.caching import Request
from signalbox.ports.signals import FeedQuery


def request_of(query: FeedQuery, now: datetime) -> Request:
    """Return what is asked of the cache by a query at `now`, the system clock's."""
    question = question_of(query)
    return Request(
        key=question.key,
        names=names_asked(query.where, query.since, query.until, query.visible_at),
        visible_at=query.visible_at,
        now=now,
        question=question,
    )


def question_of(query: FeedQuery) -> Question:
    """Return the question that a query asks, without the moment at which it does."""
    return Question(
        since=query.since,
        until=query.until,
        where=query.where,
        sort=query.sort,
        descending=query.descending,
        limit=query.limit,
        delay_class=query.delay_class,
        bound_to=query.bound_to,
        cursor=query.cursor,
    )


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
