"""What the services need to export: the jobs, and a store of large objects.

Every method may raise `TransientError` (try again) or `PermanentError` (do not).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from signalbox.domain.history.export_job import ExportJob


class ExportRepository(Protocol):
    """Exports that are made in the background; each goes away some time after it expires."""

    def add(self, job: ExportJob) -> bool:
        """Store a new job; return False, changing nothing, if its id is there already."""
        ...

    def get(self, export_id: str) -> ExportJob | None:
        """Return the job as it was stored last, or None."""
        ...

    def replace(self, before: ExportJob, after: ExportJob) -> bool:
        """Store `after`; return False, changing nothing, if the stored job is no longer of the version of `before`."""
        ...


class ObjectStore(Protocol):
    """Objects too large for a table, written in parts. A part put again replaces the one of its number."""

    def begin(self, key: str, media_type: str) -> str:
        """Begin an upload in parts and return its id. One that is never completed goes away by itself."""
        ...

    def put_part(self, key: str, upload_id: str, number: int, data: bytes) -> str:
        """Put part `number`, from 1 on, of at least 5 MiB unless it is the last; return its tag.

        Raises UploadLostError if the upload is no longer there.
        """
        ...

    def complete(self, key: str, upload_id: str, tags: Sequence[str]) -> None:
        """Make the object of exactly these parts; nothing happens if it was made of this upload before.

        Raises UploadLostError if the upload is no longer there, or has other parts.
        """
        ...

    def put(self, key: str, data: bytes) -> None:
        """Put a small object in one piece."""
        ...

    def read(self, key: str) -> Iterator[bytes]:
        """Yield an object, piece by piece; raise UploadLostError if it is not there."""
        ...

    def link(self, key: str, *, file_name: str, seconds: int) -> str:
        """Return an address from which anybody can fetch the object as `file_name` for so long. Nothing is asked."""
        ...
