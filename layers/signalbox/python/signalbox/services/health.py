"""Whether the system keeps up: the age of the newest turn of each job."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from signalbox.domain.market.timeframe import Timeframe
from signalbox.ports.work import Turn

ALLOWANCE = timedelta(minutes=5)
"""How late a turn may be, beyond its own cycle, before it counts as missed."""
REPRICING = timedelta(minutes=1)
"""The cycle of re-pricing, whatever timeframe settles; where time is stepped, it is once a turn."""


@dataclass(frozen=True, slots=True)
class Health:
    """How things stand at `now`."""

    status: Literal["ok", "late", "starting"]
    now: datetime
    turns: tuple[Turn, ...]


def report_health(turns: Sequence[Turn], *, now: datetime, stepped: bool = False) -> Health:
    """Return `late` if any job's newest turn is older than its cycle and the allowance, `starting` without turns.

    `stepped` says that time is stepped, a turn at a time.
    """
    ordered = tuple(sorted(turns, key=lambda turn: (turn.job, turn.timeframe)))
    if not ordered:
        return Health("starting", now, ordered)
    late = any(is_late(turn, now, stepped=stepped) for turn in ordered)
    return Health("late" if late else "ok", now, ordered)


def is_late(turn: Turn, now: datetime, *, stepped: bool = False) -> bool:
    """Return whether the turn after this one is overdue."""
    each_minute = turn.job == "reprice_signals" and not stepped
    cycle = REPRICING if each_minute else timedelta(milliseconds=Timeframe.of(turn.timeframe).milliseconds)
    return now - turn.as_of > cycle + ALLOWANCE


def still_planned(turns: Iterable[Turn], timeframes: Collection[Timeframe]) -> list[Turn]:
    """Return the turns that another will follow, now that `timeframes` are in use: what was given up is not late."""
    shortest = min(timeframes, key=lambda timeframe: timeframe.milliseconds)
    asked = {"generate_signals": timeframes, "reprice_signals": [shortest]}
    return [turn for turn in turns if turn.timeframe in asked[turn.job]]
