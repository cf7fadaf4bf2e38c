"""`/signals/api/monitoring`: whether the system keeps up, for its owners and users.

What is counted while work is done rises when a signal is published. So counts are for those who may know of it at once;
others are shown how long deliveries took in hours that are over for longer than any tier's delay, and no other count.
"""

from dataclasses import asdict
from datetime import datetime
from math import ceil
from typing import Any

from chalice.app import Blueprint, Response

from signalbox import bootstrap
from signalbox.api.endpoint import Endpoints
from signalbox.api.health import represent_turn
from signalbox.api.monitoring_answers import MonitoringAnswer
from signalbox.domain.accounts.account import Account, Scope
from signalbox.domain.caching.figures import CacheFigures
from signalbox.domain.instants import to_iso
from signalbox.services.delivery_latency import show_latencies, told_to_all
from signalbox.services.health import still_planned
from signalbox.services.monitoring import Monitoring, look_around
from signalbox.settings import settings

DEAD_LETTERS = "dead_letters"
"""How the names of queues end that hold what was tried to its end."""

endpoints = Endpoints(Blueprint(__name__))


@endpoints.add("GET", "/signals/api/monitoring", MonitoringAnswer, scope=Scope.READ)
def monitoring(account: Account) -> Response:
    """Return the age of turns and candles, the depth of queues, how many dead letters there are, what the cache saves,
    and how long deliveries take.

    For a caller whose tier sees signals late, the counts (`queues`, `dead_letters`, `cache`) are null, and `deliveries`
    are those of the newest two hours that were over 15 minutes ago. At most 5 seconds old; `Age` says how old.
    """
    wall = bootstrap.wall_clock().now()
    seen = bootstrap.remembered_monitoring().recall("monitoring", wall, lambda _name: _look(wall)) or _look(wall)
    seconds = ceil((wall - seen["at"]).total_seconds())
    shown = seen["shown"] | (seen["late"] if account.tier.delay else {})
    return Response(shown, headers={"Age": str(seconds)} if seconds else None)


def _look(wall: datetime) -> dict[str, Any]:
    """Return what is shown, what is shown instead where signals are seen late, and by the wall clock `at` what moment
    it was looked."""
    now = bootstrap.clock().now()
    found = look_around(
        still_planned(bootstrap.turn_repository().latest(), settings().timeframes),
        bootstrap.queue_watch().depths(),
        bootstrap.universe_repository().current(now),
        settings().timeframes,
        candles=bootstrap.candle_reader(),
        is_dead_letters=lambda name: name.endswith(DEAD_LETTERS),
        now=now,
        stepped=settings().clock == "market",
    )
    cache = bootstrap.cache_figures_repository().of_day(wall)
    shown = {**_represent(found), "cache": _represent_cache(cache), "deliveries": _latencies(wall)}
    late = {"queues": None, "dead_letters": None, "cache": None, "deliveries": _latencies(told_to_all(wall))}
    return {"at": wall, "shown": shown, "late": late}


def _latencies(until: datetime) -> dict[str, Any]:
    since, found = show_latencies(repository=bootstrap.delivery_latencies(), until=until)
    return {"since": to_iso(since), "by_channel_and_tier": [asdict(each) for each in found]}


def _represent_cache(figures: CacheFigures) -> dict[str, Any]:
    told = ("requests", "hit_rate", "mean_age_seconds", "stale_answers", "evictions", "saved_read_units",
        "spent_read_units")  # fmt: skip
    return {name: getattr(figures, name) for name in told}


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
