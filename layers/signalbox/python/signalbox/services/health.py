"""Whether the system keeps up: the age of the newest turn of each job."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from signalbox.domain.market.timeframe import Timeframe
from signalbox.ports.work import Turn

ALLOWANCE = timedelta(minutes=5)
"""How late a turn may be, beyond its own cycle, before it counts as missed."""


@dataclass(frozen=True, slots=True)
class Health:
    """How things stand at `now`."""

    status: Literal["ok", "late", "starting"]
    now: datetime
    turns: tuple[Turn, ...]


def report_health(turns: Sequence[Turn], *, now: datetime) -> Health:
    """Return `late` if any job's newest turn is older than its cycle and the allowance, `starting` without turns."""
    ordered = tuple(sorted(turns, key=lambda turn: (turn.job, turn.timeframe)))
    if not ordered:
        return Health("starting", now, ordered)
    late = any(is_late(turn, now) for turn in ordered)
    return Health("late" if late else "ok", now, ordered)


def is_late(turn: Turn, now: datetime) -> bool:
    """Return whether the turn after this one is overdue."""
    cycle = timedelta(milliseconds=Timeframe.of(turn.timeframe).milliseconds)
    return now - turn.as_of > cycle + ALLOWANCE
