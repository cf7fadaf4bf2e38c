"""An export too large for one answer: what was asked for, and how far it has got.

QUEUED -> RUNNING -> READY, or FAILED with a reason. A job is a checkpoint: everything before `cursor` lies in the parts
that `etags` names and in the tail, so a worker that dies anywhere leaves a job from which the next one goes on. Each
change counts `version` up, and storage takes a change only of the version it was made from: of two workers on one job
the slower one finds out and stops.
"""

from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from enum import StrEnum
from math import inf
from typing import Any

from signalbox.domain.errors import PermanentError
from signalbox.domain.history.export import ExportFormat
from signalbox.domain.history.filters import Between, SignalFilter, Sort
from signalbox.domain.instants import from_iso, to_iso
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import Origin, SignalType, Status

LIFE = timedelta(hours=24)
"""How long an export can be fetched."""
MOST_ATTEMPTS = 3
"""How often an export is begun anew whose upload was lost."""

_WORDS: dict[str, type[StrEnum]] = {
    "signal_types": SignalType,
    "timeframes": Timeframe,
    "statuses": Status,
    "origins": Origin,
}


class ExportStatus(StrEnum):
    """How far an export is."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    READY = "READY"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedQuery:
    """The signals created in [since, until) that fit `where`, in an order, as a reader at `asked_at` may see them.

    Open signals published after `visible_at` (the tier delay of the moment of the request) are not among them, nor is
    anything published after `asked_at`.
    """

    since: datetime
    until: datetime
    visible_at: datetime
    asked_at: datetime
    where: SignalFilter
    sort: Sort = Sort.CREATED
    descending: bool = True

    def to_message(self) -> dict[str, Any]:
        """Return the query in JSON's own types."""
        return {
            "since": to_iso(self.since),
            "until": to_iso(self.until),
            "visible_at": to_iso(self.visible_at),
            "asked_at": to_iso(self.asked_at),
            "where": {name: _spell(getattr(self.where, name)) for name in self.where.asked},
            "sort": str(self.sort),
            "descending": self.descending,
        }

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> "ExportedQuery":
        """Return the query that `to_message` wrote."""
        moments = {name: from_iso(message[name]) for name in ("since", "until", "visible_at", "asked_at")}
        where = SignalFilter(**{name: _read(name, value) for name, value in message["where"].items()})
        return cls(**moments, where=where, sort=Sort(message["sort"]), descending=message["descending"])


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportJob:
    """One export of one account, and how far it has got.

    `rows` and `size` (bytes) count what lies in the parts and the tail; `written` says that these are all. `tail` is
    the object that holds what was too little for a part when time was over. `attempt` counts how often it was begun.
    `sha256` (hexadecimal) is that of the finished file.
    """

    export_id: str
    account_id: str
    form: ExportFormat
    query: ExportedQuery
    expires_at: datetime
    status: ExportStatus = ExportStatus.QUEUED
    version: int = 0
    attempt: int = 1
    upload_id: str | None = None
    etags: tuple[str, ...] = ()
    tail: str | None = None
    cursor: str | None = None
    rows: int = 0
    size: int = 0
    written: bool = False
    sha256: str | None = None
    reason: str | None = None

    @property
    def key(self) -> str:
        """Where the file lies in the store."""
        return f"{self.export_id}/{self.attempt}.{self.form}"

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to be done."""
        return self.status in (ExportStatus.READY, ExportStatus.FAILED)

    @property
    def tail_key(self) -> str:
        """Where a tail of this version may be put: no other worker's."""
        return f"{self.export_id}/{self.attempt}.tail-{self.version}"

    def begun(self, upload_id: str) -> "ExportJob":
        """Return the job with its upload begun."""
        return replace(self, version=self.version + 1, status=ExportStatus.RUNNING, upload_id=upload_id)

    def advanced(
        self, *, cursor: str | None, rows: int, size: int, etag: str | None = None, tail: str | None = None
    ) -> "ExportJob":
        """Return the job with `rows` more, of `size` bytes: in a new part, or in the object `tail` until there are
        enough for one. Without a `cursor` they were the last."""
        return replace(
            self,
            version=self.version + 1,
            etags=self.etags if etag is None else (*self.etags, etag),
            tail=tail,
            cursor=cursor,
            rows=self.rows + rows,
            size=self.size + size,
            written=cursor is None,
        )

    def anew(self, reason: str) -> "ExportJob":
        """Return the job at its beginning, after its upload was lost; raise PermanentError if it was lost too often."""
        if self.attempt >= MOST_ATTEMPTS:
            raise PermanentError(f"an export must be whole after {MOST_ATTEMPTS} attempts, was not: {reason}")
        kept = {name: getattr(self, name) for name in ("export_id", "account_id", "form", "query", "expires_at")}
        return ExportJob(**kept, version=self.version + 1, attempt=self.attempt + 1, status=ExportStatus.RUNNING)

    def finished(self, sha256: str) -> "ExportJob":
        """Return the job with its file in place."""
        return replace(self, version=self.version + 1, status=ExportStatus.READY, sha256=sha256)

    def failed(self, reason: str) -> "ExportJob":
        """Return the job given up."""
        return replace(self, version=self.version + 1, status=ExportStatus.FAILED, reason=reason)


def _spell(value: Between | frozenset[str]) -> list[Any]:
    if isinstance(value, Between):
        return [None if abs(bound) == inf else bound for bound in (value.low, value.high)]
    return sorted(map(str, value))


def _read(name: str, value: list[Any]) -> Any:
    if name in _RANGES:
        low, high = value
        return Between(-inf if low is None else low, inf if high is None else high)
    return frozenset(map(_WORDS.get(name, str), value))


_RANGES = frozenset(each.name for each in fields(SignalFilter) if each.type is Between)
