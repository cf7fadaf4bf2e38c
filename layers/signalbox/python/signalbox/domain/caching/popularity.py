"""What is asked for most: a bounded record of questions in which old requests count less and less."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from signalbox.domain.instants import from_iso, to_iso

HALF_LIFE = timedelta(hours=1)
"""After so long a request counts half."""
MOST_REMEMBERED = 100
FORGOTTEN_BELOW = 0.01


@dataclass(frozen=True, slots=True)
class Asked:
    """How much a question was asked: `weight` requests as of a moment, each halved every `HALF_LIFE`."""

    weight: float
    question: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Popularity:
    """Weights of questions by key, all as of one moment."""

    at: datetime
    asked: Mapping[str, Asked] = field(default_factory=dict)

    def heard(self, requests: Iterable[tuple[str, int, Mapping[str, Any]]], now: datetime) -> "Popularity":
        """Return the record with more requests in it: each a key, how often, and the question in JSON's own types.

        Of more than `MOST_REMEMBERED` questions the least asked are forgotten, and those that hardly count.
        """
        at = max(now, self.at)
        faded = 0.5 ** ((at - self.at) / HALF_LIFE)
        found = {key: Asked(each.weight * faded, each.question) for key, each in self.asked.items()}
        for key, times, question in requests:
            known = found.get(key)
            found[key] = Asked(times + (known.weight if known else 0.0), question)
        kept = sorted(found.items(), key=lambda item: (-item[1].weight, item[0]))[:MOST_REMEMBERED]
        return Popularity(at, {key: each for key, each in kept if each.weight >= FORGOTTEN_BELOW})

    def top(self, most: int) -> list[Mapping[str, Any]]:
        """Return the `most` questions that were asked most, the first first."""
        ranked = sorted(self.asked.items(), key=lambda item: (-item[1].weight, item[0]))
        return [each.question for _, each in ranked[:most]]

    def to_record(self) -> dict[str, Any]:
        """Return the record in JSON's own types."""
        asked = {key: [round(each.weight, 6), dict(each.question)] for key, each in self.asked.items()}
        return {"at": to_iso(self.at), "asked": asked}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Popularity":
        """Return the record that `to_record` wrote."""
        return cls(from_iso(record["at"]), {key: Asked(*each) for key, each in record["asked"].items()})
