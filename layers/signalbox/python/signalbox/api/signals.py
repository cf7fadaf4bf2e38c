"""`/signals/api/signals`: the feed of signals, and one signal with its record."""

from datetime import timedelta
from typing import Any

from chalice.app import Blueprint

from signalbox import bootstrap
from signalbox.api.inputs import SignalsQuery, read_query
from signalbox.api.pages import one, page
from signalbox.api.policies import caller
from signalbox.api.representation import represent

RECENT = timedelta(days=30)
"""How far back the feed reaches; older signals are in the history."""

routes = Blueprint(__name__)


@routes.route("/signals/api/signals")
def feed() -> dict[str, Any]:
    """Return the newest signals, open and ended."""
    request = routes.current_request
    now = bootstrap.clock().now()
    return page(
        read_query(SignalsQuery, request.query_params),
        caller(request.context),
        since=now - RECENT,
        until=now + timedelta(days=1),
        signals=bootstrap.signal_repository(),
        now=now,
    )


@routes.route("/signals/api/signals/{signal_id}")
def signal_by_id(signal_id: str) -> dict[str, Any]:
    """Return one signal, with what changed about it."""
    now = bootstrap.clock().now()
    account = caller(routes.current_request.context)
    signal = one(signal_id, account, signals=bootstrap.signal_repository(), now=now)
    revisions = bootstrap.price_history().of_signal(signal.signal_id)
    return {**represent(signal, now), "features": dict(signal.features), "revisions": revisions}
