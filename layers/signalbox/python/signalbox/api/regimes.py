"""`/signals/api/regimes`: what regime a symbol, or the market as a whole, is in, and was in."""

from datetime import timedelta
from typing import Any

from chalice.app import Blueprint, Response

from signalbox import bootstrap
from signalbox.api.alert_inputs import RegimesQuery
from signalbox.api.answers import RegimesAnswer
from signalbox.api.endpoint import Endpoints
from signalbox.api.inputs import require_order
from signalbox.api.kept import answered, kept
from signalbox.api.pages import DAY, day_of
from signalbox.domain.caching.versions import regime_name
from signalbox.domain.instants import to_iso
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.regimes.change import RegimeChange

DEFAULT_SPAN = timedelta(days=30)

endpoints = Endpoints(Blueprint(__name__))


@endpoints.add("GET", "/signals/api/regimes", RegimesAnswer, query=RegimesQuery, is_checked=True)
def regimes(query: RegimesQuery) -> Response:
    """Return the regime now, null before the first is known, and its changes in a span of time, newest first; of the
    last 30 days where none is given. `market` is the equal-weight basket of all watched symbols."""
    timeframe = Timeframe(query.timeframe)
    require_order(query.since, query.until)
    now = bootstrap.clock().now()
    until = query.until or day_of(now) + 2 * DAY
    since = query.since or (query.until or day_of(now)) - DEFAULT_SPAN
    about = {"symbol": query.symbol, "timeframe": str(timeframe)}

    def read() -> dict[str, Any]:
        stored = bootstrap.regime_repository()
        current = stored.latest(query.symbol, timeframe, now)
        changes = stored.between(query.symbol, timeframe, since, until, query.limit)
        return {
            **about,
            "current": None if current is None else _represent(current),
            "changes": [_represent(change) for change in changes],
        }

    asked = {"of": "regimes", **about, "since": to_iso(since), "until": to_iso(until), "limit": query.limit}
    return answered(kept(asked, (regime_name(query.symbol, timeframe),), read, now=now))


def _represent(change: RegimeChange) -> dict[str, str]:
    return {
        "since": to_iso(change.since),
        "direction": change.direction.name,
        "volatility": change.volatility.name,
        "regime": change.label,
    }
