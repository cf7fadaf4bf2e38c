"""`/health`: whether turns are being planned, and how old the newest is."""

from typing import Any

from chalice.app import Blueprint

from signalbox import bootstrap
from signalbox.domain.instants import to_iso
from signalbox.services.health import report_health

routes = Blueprint(__name__)


@routes.route("/health")
def health() -> dict[str, Any]:
    """Return `ok`, or `late` where a turn is overdue, or `starting` before the first one, and the newest turns."""
    found = report_health(bootstrap.turn_repository().latest(), now=bootstrap.clock().now())
    return {
        "status": found.status,
        "now": to_iso(found.now),
        "turns": [
            {
                "job": turn.job,
                "timeframe": turn.timeframe,
                "as_of": to_iso(turn.as_of),
                "planned_at": to_iso(turn.planned_at),
                "shards": turn.shards,
                "symbols": turn.symbols,
            }
            for turn in found.turns
        ],
    }
