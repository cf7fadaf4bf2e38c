"""A question as it is remembered: enough to ask it again for the same tier, at another moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from json import dumps
from typing import Any

from signalbox.domain.history.export_job import ExportedQuery
from signalbox.domain.history.filters import SignalFilter, Sort
from signalbox.domain.instants import EPOCH

SPELLING = "3"
"""Changes with whatever is kept under a key, so that answers of older code are not read."""


def key_of(question: Mapping[str, Any]) -> str:
    """Return the key of a question in JSON's own types: the same however it was written, another for every other."""
    return sha256(f"{SPELLING}{dumps(question, sort_keys=True)}".encode()).hexdigest()[:40]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a page of signals is an answer to. `delay_class` names the tier whose delay hides open signals."""

    since: datetime
    until: datetime
    where: SignalFilter
    sort: Sort
    descending: bool
    limit: int
    delay_class: str
    bound_to: str = ""
    cursor: str | None = None

    @property
    def key(self) -> str:
        """What equal questions share, however they were written, and different ones do not."""
        return key_of(self.to_message())

    def to_message(self) -> dict[str, Any]:
        """Return the question in JSON's own types."""
        spelled = ExportedQuery(
            since=self.since,
            until=self.until,
            visible_at=EPOCH,
            asked_at=EPOCH,
            where=self.where,
            sort=self.sort,
            descending=self.descending,
        ).to_message()
        kept = {name: spelled[name] for name in ("since", "until", "where", "sort", "descending")}
        own = {"limit": self.limit, "delay_class": self.delay_class, "bound_to": self.bound_to, "cursor": self.cursor}
        return kept | own

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> "Question":
        """Return the question that `to_message` wrote."""
        moments = {"visible_at": "1970-01-01T00:00:00Z", "asked_at": "1970-01-01T00:00:00Z"}
        read = ExportedQuery.from_message(dict(message) | moments)
        return cls(
            since=read.since,
            until=read.until,
            where=read.where,
            sort=read.sort,
            descending=read.descending,
            limit=message["limit"],
            delay_class=message["delay_class"],
            bound_to=message["bound_to"],
            cursor=message["cursor"],
        )
