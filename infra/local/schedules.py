"""The stack's own schedules, read back from the Scheduler: what each calls, with what, and when it is due."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.local.errors import RunFailedError
from signalbox.domain.instants import to_iso

SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Schedule:
    """One schedule. `expression` is `cron(...)` or `rate(...)`; `payload` is its target's input as deployed."""

    name: str
    expression: str
    target: str
    payload: str

    @property
    def prices(self) -> bool:
        """Whether it re-prices; within a turn that comes after the signals of its candle."""
        return self.body(datetime.min.replace(tzinfo=UTC)).get("job") == "reprice_signals"

    def body(self, moment: datetime) -> dict[str, Any]:
        """Return what the Scheduler would send for `moment`: the payload with the scheduled time filled in."""
        filled = self.payload.replace(SCHEDULED_TIME, to_iso(moment))
        body: dict[str, Any] = json.loads(filled)
        return body

    def due(self, after: datetime, until: datetime) -> bool:
        """Return whether it fires in the span (after, until]."""
        if self.expression.startswith("rate("):
            return until > after
        minutes, hours = _cron_fields(self.expression)
        moment = until.replace(second=0, microsecond=0)
        while moment > after:
            if moment.minute in minutes and moment.hour in hours:
                return True
            moment -= _MINUTE
        return False


def read_schedules(scheduler: Any, names: Sequence[str]) -> list[Schedule]:
    """Return the schedules called `names`, those that re-price last."""
    found = [scheduler.get_schedule(Name=name.split("|")[-1].split("/")[-1]) for name in names]
    schedules = [
        Schedule(s["Name"], s["ScheduleExpression"], s["Target"]["Arn"], s["Target"].get("Input", "{}")) for s in found
    ]
    return sorted(schedules, key=lambda schedule: (schedule.prices, schedule.name))


def _cron_fields(expression: str) -> tuple[frozenset[int], frozenset[int]]:
    fields = expression.removeprefix("cron(").removesuffix(")").split()
    daily = len(fields) == 6 and all(field in ("*", "?") for field in fields[2:])
    if not expression.startswith("cron(") or not daily:
        raise RunFailedError(f"a stepped run knows rate(...) and daily cron(...) schedules, found {expression!r}")
    return _values(fields[0], 60), _values(fields[1], 24)


def _values(text: str, size: int) -> frozenset[int]:
    """Return the values of one cron field: `*`, `7`, `1,31`, `9-17`, `0/5`, `*/5`."""
    values: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        start = 0 if first == "*" else int(first)
        end = int(last) if last else (size - 1 if step or first == "*" else start)
        values.update(range(start, end + 1, int(step or 1)))
    return frozenset(values)
