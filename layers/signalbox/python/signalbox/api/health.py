"""`/health`: whether turns are being planned, and how old the newest is."""

from typing import Any

from chalice.app import Blueprint

from signalbox import bootstrap
from signalbox.api.answers import HealthAnswer
from signalbox.api.endpoint import Endpoints
from signalbox.domain.instants import to_iso
from signalbox.ports.work import Turn
from signalbox.services.health import report_health, still_planned
from signalbox.settings import settings

endpoints = Endpoints(Blueprint(__name__))


@endpoints.add("GET", "/health", HealthAnswer, is_open=True)
def health() -> dict[str, Any]:
    """Return `ok`, or `late` where a turn is overdue, or `starting` before the first one, and the newest turns."""
    turns = still_planned(bootstrap.turn_repository().latest(), settings().timeframes)
    stepped = settings().clock == "market"
    found = report_health(turns, now=bootstrap.clock().now(), stepped=stepped)
    return {
        "status": found.status,
        "now": to_iso(found.now),
        "turns": [represent_turn(turn) for turn in found.turns],
    }


def represent_turn(turn: Turn) -> dict[str, Any]:
    """Return the JSON document of a turn."""
    return {
        "job": turn.job,
        "timeframe": turn.timeframe,
        "as_of": to_iso(turn.as_of),
        "planned_at": to_iso(turn.planned_at),
        "shards": turn.shards,
        "symbols": turn.symbols,
    }
