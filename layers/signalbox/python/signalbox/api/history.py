"""`/signals/history`: every signal there ever was, by page."""

from datetime import timedelta
from typing import Any

from chalice.app import Blueprint

from signalbox import bootstrap
from signalbox.api.inputs import HistoryQuery, read_query
from signalbox.api.pages import page
from signalbox.api.policies import caller

DEFAULT_SPAN = timedelta(days=30)

routes = Blueprint(__name__)


@routes.route("/signals/history")
def history() -> dict[str, Any]:
    """Return the signals created in a span of time, newest first; the last 30 days where none is given."""
    request = routes.current_request
    query = read_query(HistoryQuery, request.query_params)
    now = bootstrap.clock().now()
    until = query.until or now + timedelta(days=1)
    return page(
        query,
        caller(request.context),
        since=query.since or until - DEFAULT_SPAN,
        until=until,
        signals=bootstrap.signal_repository(),
        now=now,
    )
