"""Clock, universe, turns and queues in memory."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from signalbox.adapters.storage.turns import JOBS
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.universe.universe import Universe
from signalbox.ports.work import Turn
from tests.fakes.storing import add_once


@dataclass
class FixedClock:
    """A clock that stands until it is set."""

    moment: datetime

    def now(self) -> datetime:
        return self.moment


class InMemoryUniverse:
    """`ports.UniverseRepository`."""

    def __init__(self, *versions: Universe) -> None:
        self.stored = {universe.since: universe for universe in versions}

    def current(self, at: datetime) -> Universe | None:
        newest = max((since for since in self.stored if since <= at), default=None)
        return None if newest is None else self.stored[newest]

    def add(self, universe: Universe) -> bool:
        return add_once(self.stored, universe.since, universe)


class InMemoryTurns:
    """`ports.TurnRepository`."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, Timeframe], Turn] = {}

    def record(self, turn: Turn) -> None:
        if turn.job not in JOBS:
            raise InvalidValueError(f"job must be one of {', '.join(JOBS)}, was {turn.job!r}")
        key = (turn.job, Timeframe.of(turn.timeframe))
        if key not in self.stored or self.stored[key].as_of <= turn.as_of:
            self.stored[key] = turn

    def latest(self) -> list[Turn]:
        ordered = sorted(self.stored, key=lambda key: (key[0], key[1].milliseconds))
        return [self.stored[key] for key in ordered]


@dataclass
class InMemoryQueue:
    """`ports.Queue`: keeps the bodies as their receiver would read them, or raises `error`."""

    bodies: list[dict[str, Any]] = field(default_factory=list)
    delays: list[int] = field(default_factory=list)
    error: Exception | None = None

    def send(self, bodies: Sequence[Mapping[str, Any]], delay_seconds: int = 0) -> None:
        if not 0 <= delay_seconds <= 900:
            raise InvalidValueError(f"delay_seconds must be 0 to 900, was {delay_seconds}")
        if self.error is not None:
            raise self.error
        self.bodies += [json.loads(json.dumps(body)) for body in bodies]
        self.delays += [delay_seconds] * len(bodies)
