"""`/signals/api/signals`: the feed of signals, and one signal with its record."""

from typing import Any

from chalice.app import Blueprint

from signalbox import bootstrap
from signalbox.api.answers import FeedPage, FullSignalDocument
from signalbox.api.current import currents
from signalbox.api.endpoint import Endpoints
from signalbox.api.pages import DAY, day_of, one, page
from signalbox.api.policies import caller
from signalbox.api.representation import represent
from signalbox.api.signal_inputs import SignalsQuery

RECENT = 30 * DAY
"""How far back the feed reaches, in whole days; older signals are in the history."""

endpoints = Endpoints(Blueprint(__name__))


@endpoints.add("GET", "/signals/api/signals", FeedPage, query=SignalsQuery)
def feed(query: SignalsQuery) -> dict[str, Any]:
    """Return the newest signals, open and ended."""
    now = bootstrap.clock().now()
    return page(
        query,
        caller(endpoints.routes.current_request.context),
        since=day_of(now) - RECENT,
        until=day_of(now) + 2 * DAY,
        signals=bootstrap.cached_feed(),
        prices=bootstrap.current_prices(),
        now=now,
    )


@endpoints.add("GET", "/signals/api/signals/{signal_id}", FullSignalDocument)
def signal_by_id(signal_id: str) -> dict[str, Any]:
    """Return one signal, with what changed about it."""
    now = bootstrap.clock().now()
    account = caller(endpoints.routes.current_request.context)
    signal = one(signal_id, account, signals=bootstrap.signal_repository(), now=now)
    revisions = bootstrap.price_history().of_signal(signal.signal_id)
    current = currents([signal], bootstrap.current_prices(), now)
    return {
        **represent(signal, now),
        "current": current.get(signal.signal_id),
        "features": dict(signal.features),
        "revisions": revisions,
    }
