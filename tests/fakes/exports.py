"""In-memory ports of exports, and signals made while they are read."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import md5
from pathlib import Path

from signalbox.domain.errors import InvalidValueError, UploadLostError
from signalbox.domain.history.export import ExportFormat
from signalbox.domain.history.export_job import LIFE, ExportedQuery, ExportJob
from signalbox.domain.history.filters import ANY
from signalbox.domain.signals.signal import Signal
from signalbox.ports.signals import FeedQuery, Page
from tests.builders import NOW
from tests.fakes.signals import InMemorySignals

SMALLEST_PART = 5 * 1024 * 1024


class InMemoryExports:
    """`ports.ExportRepository`."""

    def __init__(self) -> None:
        self.stored: dict[str, ExportJob] = {}

    def add(self, job: ExportJob) -> bool:
        return self.stored.setdefault(job.export_id, job) is job

    def get(self, export_id: str) -> ExportJob | None:
        return self.stored.get(export_id)

    def replace(self, before: ExportJob, after: ExportJob) -> bool:
        stored = self.stored.get(before.export_id)
        if stored is None or stored.version != before.version:
            return False
        self.stored[before.export_id] = after
        return True


@dataclass
class InMemoryObjects:
    """`ports.ObjectStore`; `finished` is the upload that each object was made of."""

    objects: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    finished: dict[str, str] = field(default_factory=dict)
    media_types: dict[str, str] = field(default_factory=dict)
    begun: int = 0

    def begin(self, key: str, media_type: str) -> str:
        self.begun += 1
        upload_id = f"{key}!{self.begun}"
        self.uploads[upload_id] = {}
        self.media_types[key] = media_type
        return upload_id

    def put_part(self, key: str, upload_id: str, number: int, data: bytes) -> str:
        if upload_id not in self.uploads:
            raise UploadLostError(f"part {number} of {key} must be in the store, was not")
        self.uploads[upload_id][number] = data
        return md5(data, usedforsecurity=False).hexdigest()

    def complete(self, key: str, upload_id: str, tags: Sequence[str]) -> None:
        if upload_id not in self.uploads:
            if key in self.objects:
                return
            raise UploadLostError(f"upload of {key} must be in the store, was not")
        parts = [self.uploads[upload_id].get(number) for number in range(1, len(tags) + 1)]
        found = [None if part is None else md5(part, usedforsecurity=False).hexdigest() for part in parts]
        if found != list(tags):
            raise UploadLostError(f"upload of {key} must have its parts, had others")
        data = [part for part in parts if part is not None]
        if any(len(part) < SMALLEST_PART for part in data[:-1]):
            raise InvalidValueError("every part but the last must have 5 MiB")
        self.objects[key] = b"".join(data)
        del self.uploads[upload_id]

    def put(self, key: str, data: bytes) -> None:
        self.objects[key] = data

    def read(self, key: str) -> Iterator[bytes]:
        if key not in self.objects:
            raise UploadLostError(f"{key} must be in the store, was not")
        yield from (self.objects[key][at : at + 65536] for at in range(0, len(self.objects[key]), 65536))

    def link(self, key: str, *, file_name: str, seconds: int) -> str:
        return f"https://store.example/{key}?as={file_name}&for={seconds}"


class FileObjects(InMemoryObjects):
    """Keeps objects in a folder instead of in memory."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def put_part(self, key: str, upload_id: str, number: int, data: bytes) -> str:
        tag = self.path(f"{key}-{upload_id}-{number}")
        tag.write_bytes(data)
        return tag.name

    def complete(self, key: str, upload_id: str, tags: Sequence[str]) -> None:
        with self.path(key).open("wb") as whole:
            for tag in tags:
                assert tag.startswith(self.path(f"{key}-{upload_id}").name)
                whole.write((self.folder / tag).read_bytes())

    def read(self, key: str) -> Iterator[bytes]:
        with self.path(key).open("rb") as whole:
            while piece := whole.read(65536):
                yield piece

    def path(self, key: str) -> Path:
        return self.folder / key.replace("/", "_")


class MadeSignals(InMemorySignals):
    """Signals that are made while they are read, so that a hundred thousand take no memory: the newest first."""

    def __init__(self, count: int, make: Callable[[int], Signal]) -> None:
        super().__init__()
        self.count = count
        self.make = make

    def feed(self, query: FeedQuery) -> Page:
        start = 0 if query.cursor is None else int(self._cursors.read(query.cursor, query.scope))
        end = min(start + query.limit, self.count)
        cursor = self._cursors.write(str(end), query.scope) if end < self.count else None
        return Page([self.make(number) for number in range(start, end)], cursor)


def make_exported_query(**overrides: object) -> ExportedQuery:
    """Everything of the last year and the next day, as it stands at `NOW`."""
    query = ExportedQuery(
        since=NOW - timedelta(days=365), until=NOW + timedelta(days=1), visible_at=NOW, asked_at=NOW, where=ANY
    )
    return replace(query, **overrides)


def make_export_job(**overrides: object) -> ExportJob:
    """An export of acc-1 that waits to be begun."""
    job = ExportJob(
        export_id="export-1",
        account_id="acc-1",
        form=ExportFormat.CSV,
        query=make_exported_query(),
        expires_at=NOW + LIFE,
    )
    return replace(job, **overrides)
