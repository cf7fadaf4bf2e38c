"""`/signals/api/monitoring`: whether the system keeps up, for its owners and users."""

from typing import Any

from chalice.app import Blueprint

from signalbox import bootstrap
from signalbox.api.answers import MonitoringAnswer
from signalbox.api.endpoint import Endpoints
from signalbox.api.health import represent_turn
from signalbox.domain.accounts.account import Account, Scope
from signalbox.domain.instants import to_iso
from signalbox.services.monitoring import Monitoring, look_around
from signalbox.settings import settings

DEAD_LETTERS = "dead_letters"
"""How the names of queues end that hold what was tried to its end."""

endpoints = Endpoints(Blueprint(__name__))


@endpoints.add("GET", "/signals/api/monitoring", MonitoringAnswer, scope=Scope.READ)
def monitoring(account: Account) -> dict[str, Any]:  # noqa: ARG001 - any account may look
    """Return the age of turns and candles, the depth of queues, and how many dead letters there are.

    At most 5 seconds old.
    """
    wall = bootstrap.wall_clock().now()
    seen = bootstrap.remembered_monitoring().recall("monitoring", wall, lambda _name: _look())
    return seen or {}


def _look() -> dict[str, Any]:
    now = bootstrap.clock().now()
    found = look_around(
        bootstrap.turn_repository().latest(),
        bootstrap.queue_watch().depths(),
        bootstrap.universe_repository().current(now),
        settings().timeframes,
        candles=bootstrap.candle_reader(),
        is_dead_letters=lambda name: name.endswith(DEAD_LETTERS),
        now=now,
    )
    return _represent(found)


def _represent(found: Monitoring) -> dict[str, Any]:
    now = found.health.now
    return {
        "status": found.health.status,
        "measured_at": to_iso(now),
        "turns": [
            {
                **represent_turn(turn),
                "age_seconds": (now - turn.as_of).total_seconds(),
                "late": (turn.job, turn.timeframe) in found.late_turns,
            }
            for turn in found.health.turns
        ],
        "queues": [
            {"name": depth.name, "waiting": depth.waiting, "in_flight": depth.in_flight, "delayed": depth.delayed}
            for depth in found.queues
        ],
        "dead_letters": found.dead_letters,
        "candles": [
            {
                "exchange": each.exchange,
                "timeframe": each.timeframe,
                "closed_at": None if each.closed_at is None else to_iso(each.closed_at),
                "age_seconds": None if each.closed_at is None else (now - each.closed_at).total_seconds(),
            }
            for each in found.series
        ],
    }
