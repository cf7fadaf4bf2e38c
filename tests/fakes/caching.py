"""The cache's ports in memory, with the semantics of the real ones."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any

from infra.bench.cache_house import Versions
from signalbox.domain.caching.figures import CacheFigures
from signalbox.domain.caching.popularity import Popularity
from signalbox.domain.caching.versions import Version
from signalbox.ports.caching import KeptAnswer

InMemoryVersions = Versions
"""`ports.VersionRepository`, as the benchmark of the cache has it."""


@dataclass
class InMemoryAnswers:
    """`ports.AnswerStore`. Threads may share it: each call is whole, as DynamoDB's are."""

    stored: dict[str, KeptAnswer] = field(default_factory=dict)
    leases: dict[str, datetime] = field(default_factory=dict)
    lock: Any = field(default_factory=Lock)

    def get(self, key: str) -> KeptAnswer | None:
        with self.lock:
            return self.stored.get(key)

    def put(self, key: str, answer: KeptAnswer) -> None:
        with self.lock:
            known = self.stored.get(key)
            if known is None or known.stamp.read_at <= answer.stamp.read_at:
                self.stored[key] = KeptAnswer(answer.stamp, answer.reading, max(len(answer.reading.text) // 6, 1))
                self.leases.pop(key, None)

    def claim(self, key: str, now: datetime, until: datetime) -> bool:
        with self.lock:
            if key in self.leases and self.leases[key] > now:
                return False
            self.leases[key] = until
            return True

    def release(self, key: str) -> None:
        with self.lock:
            self.leases.pop(key, None)


@dataclass
class InMemoryCacheReader:
    """`ports.CacheReader`. Counts its looks."""

    versions: InMemoryVersions = field(default_factory=InMemoryVersions)
    answers: InMemoryAnswers = field(default_factory=InMemoryAnswers)
    looks: int = 0

    def current(self, names: Sequence[str]) -> Mapping[str, Version]:
        self.looks += 1
        return {name: self.versions.stored.get(name, Version()) for name in names}

    def look(self, names: Sequence[str], key: str) -> tuple[Mapping[str, Version], KeptAnswer | None]:
        return self.current(names), self.answers.get(key)


class InMemoryCacheFigures:
    """`ports.CacheFiguresRepository`."""

    def __init__(self) -> None:
        self.stored: dict[str, dict[str, float]] = {}

    def add(self, grown: Mapping[str, float], now: datetime) -> None:
        day = self.stored.setdefault(f"{now:%Y-%m-%d}", {})
        for name, value in grown.items():
            day[name] = day.get(name, 0) + value

    def of_day(self, now: datetime) -> CacheFigures:
        return CacheFigures(**self.stored.get(f"{now:%Y-%m-%d}", {}))


class InMemoryAsked:
    """`ports.AskedRepository`."""

    def __init__(self) -> None:
        self.record: Popularity | None = None

    def hear(self, requests: Iterable[tuple[str, int, Mapping[str, Any]]], now: datetime) -> None:
        self.record = (self.record or Popularity(now)).heard(requests, now)

    def top(self, most: int) -> list[Mapping[str, Any]]:
        return self.record.top(most) if self.record else []
