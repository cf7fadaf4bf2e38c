"""`/signals/history`: every signal there ever was, by page."""

from chalice.app import Blueprint, Response

from signalbox import bootstrap
from signalbox.api.answers import HistoryPage
from signalbox.api.endpoint import Endpoints
from signalbox.api.kept import answered
from signalbox.api.pages import DAY, day_of, page
from signalbox.api.policies import caller
from signalbox.api.signal_inputs import HistoryQuery, Order

DEFAULT_SPAN = 30 * DAY

endpoints = Endpoints(Blueprint(__name__))


@endpoints.add("GET", "/signals/history", HistoryPage, query=HistoryQuery, is_checked=True)
def history(query: HistoryQuery) -> Response:
    """Return the signals created in a span of time that fit every condition; the last 30 days where no span is given.

    A page may be shorter than asked, even empty, and still have a `next`: conditions that few signals fit are looked
    for page by page.
    """
    asked = query.search()
    now = bootstrap.clock().now()
    until = asked.until or max(day_of(now) + 2 * DAY, asked.since or now)
    found = page(
        query,
        caller(endpoints.routes.current_request.context),
        since=asked.since or (asked.until or day_of(now)) - DEFAULT_SPAN,
        until=until,
        where=asked.where,
        sort=query.sort,
        descending=query.order is Order.DESCENDING,
        bound_to=f"{asked.since} {asked.until}",
        now=now,
    )
    return answered(found.text)
