"""`/signals/api/regimes`: what regime a symbol, or the market as a whole, is in, and was in."""

from datetime import timedelta
from typing import Any

from chalice.app import Blueprint

from signalbox import bootstrap
from signalbox.api.alert_inputs import RegimesQuery
from signalbox.api.answers import RegimesAnswer
from signalbox.api.endpoint import Endpoints
from signalbox.domain.instants import to_iso
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.regimes.change import RegimeChange

DEFAULT_SPAN = timedelta(days=30)

endpoints = Endpoints(Blueprint(__name__))


@endpoints.add("GET", "/signals/api/regimes", RegimesAnswer, query=RegimesQuery)
def regimes(query: RegimesQuery) -> dict[str, Any]:
    """Return the regime now, null before the first is known, and its changes in a span of time, newest first; of the
    last 30 days where none is given. `market` is the equal-weight basket of all watched symbols."""
    timeframe = Timeframe(query.timeframe)
    now = bootstrap.clock().now()
    until = query.until or now + timedelta(days=1)
    stored = bootstrap.regime_repository()
    current = stored.latest(query.symbol, timeframe, now)
    changes = stored.between(query.symbol, timeframe, query.since or until - DEFAULT_SPAN, until, query.limit)
    return {
        "symbol": query.symbol,
        "timeframe": str(timeframe),
        "current": None if current is None else _represent(current),
        "changes": [_represent(change) for change in changes],
    }


def _represent(change: RegimeChange) -> dict[str, str]:
    return {
        "since": to_iso(change.since),
        "direction": change.direction.name,
        "volatility": change.volatility.name,
        "regime": change.label,
    }
