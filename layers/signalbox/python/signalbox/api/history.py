"""`/signals/history`: every signal there ever was, by page."""

from chalice.app import Blueprint, Response

from signalbox import bootstrap
from signalbox.api.answers import HistoryPage
from signalbox.api.endpoint import Endpoints
from signalbox.api.kept import answered
from signalbox.api.pages import page
from signalbox.api.policies import caller
from signalbox.api.signal_inputs import HistoryQuery, Order
from signalbox.api.spans import span_of

endpoints = Endpoints(Blueprint(__name__))


@endpoints.add("GET", "/signals/history", HistoryPage, query=HistoryQuery, is_checked=True)
def history(query: HistoryQuery) -> Response:
    """Return the signals created in a span of time that fit every condition.

    Where no span is given it is the last 30 days. Sorted by quality or confidence it is this month and the one before,
    or, where symbols are named, all there is.
    A page may be shorter than asked, even empty, and still have a `next`: conditions that few signals fit are looked
    for page by page.
    """
    asked = query.search()
    now = bootstrap.clock().now()
    since, until = span_of(asked, query.sort, now)
    found = page(
        query,
        caller(endpoints.routes.current_request.context),
        since=since,
        until=until,
        where=asked.where,
        sort=query.sort,
        descending=query.order is Order.DESCENDING,
        bound_to=f"{asked.since} {asked.until}",
        now=now,
    )
    return answered(found.text)
