"""Export a query of the history, whole: in one answer if it is small, else as a job that writes a file.

A job is done in steps: begin an upload, put a part, ..., complete it and hash it. Each step does its work first and is
saved then, on the condition that nobody else saved one meanwhile. A worker that dies anywhere leaves a job from which
the next goes on at the last step; a part that it had put is put again, under the same number. Memory holds one page
and one part, whatever is exported.

The hash is taken from the finished file as the store gives it back: it says what is there, not what was meant to be.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from json import dumps

from signalbox.domain.errors import PermanentError, StorageUnavailableError, TransientError, UploadLostError
from signalbox.domain.history.export import ExportFormat, closing, opening, spelled
from signalbox.domain.history.export_job import ExportedQuery, ExportJob
from signalbox.ports.exports import ExportRepository, ObjectStore
from signalbox.ports.signals import FeedQuery, Page, SignalRepository
from signalbox.ports.work import Queue

PAGE_ROWS = 200
"""Signals read at once: they and their text are what memory holds beside a part."""
PART_BYTES = 8 * 1024 * 1024
"""A part is put once it has so many bytes; S3 takes none below 5 MiB, and 10,000 of an upload."""
MARGIN_SECONDS = 60.0
"""What must be left of a worker's time to begin with another page or step; then a message calls the next worker."""
RETRY_SECONDS = 60
"""When the next worker is called where storage does not answer: a message given back comes after half an hour only."""


@dataclass(frozen=True, slots=True)
class WholeExport:
    """An export small enough for one answer. `sha256` is that of `text` in UTF-8, hexadecimal."""

    text: str
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What one worker did for a job."""

    export_id: str
    status: str
    steps: int
    rows: int
    bytes: int
    handed_on: bool


def export_now(
    query: ExportedQuery,
    form: ExportFormat,
    *,
    signals: SignalRepository,
    most_bytes: int,
    may_go_on: Callable[[], bool],
) -> WholeExport | None:
    """Return the export of a query, or None if it takes more than `most_bytes` in an answer, or too long.

    Bytes are counted as the answer carries them, which is inside JSON: a quote counts two.
    """
    texts = [opening(form)]
    rows, size = 0, _bytes_in_answer(texts[0])
    for page in _pages(query, None, signals):
        for text in spelled(form, page.signals, rows):
            texts.append(text)
            size += _bytes_in_answer(text)
            if size > most_bytes:
                return None
        rows += len(page.signals)
        if page.cursor is not None and not may_go_on():
            return None
    texts.append(closing(form, rows))
    whole = "".join(texts)
    return WholeExport(whole, rows, sha256(whole.encode()).hexdigest())


def begin_export(
    export_id: str,
    query: ExportedQuery,
    form: ExportFormat,
    *,
    account_id: str,
    expires_at: datetime,
    exports: ExportRepository,
    queue: Queue,
) -> ExportJob:
    """Store the job of an export and call a worker for it; return the job."""
    job = ExportJob(export_id=export_id, account_id=account_id, form=form, query=query, expires_at=expires_at)
    exports.add(job)
    queue.send([_message(job)])
    return job


def export_history(
    export_id: str,
    *,
    exports: ExportRepository,
    signals: SignalRepository,
    objects: ObjectStore,
    queue: Queue,
    now: datetime,
    seconds_left: Callable[[], float],
) -> ExportReport:
    """Work on a job until it is over, or until this worker's time is, and then call the next one. Where storage does
    not answer, that one is called a minute later, as often as it takes until the job expires.

    Nothing happens if it is over already, or has expired. What fails for good is said in the job, for whoever waits for
    it, and raised. Raises TransientError if another worker is at the same job: this one's message must come again, as
    the other may die.
    """
    job = exports.get(export_id)
    steps, handed_on = 0, False
    while job is not None and not job.is_over and now < job.expires_at:
        if seconds_left() < MARGIN_SECONDS:
            queue.send([_message(job)])
            handed_on = True
            break
        try:
            job = _saved(exports, job, _step(job, exports, signals, objects, seconds_left))
        except StorageUnavailableError:
            queue.send([_message(job)], RETRY_SECONDS)
            handed_on = True
            break
        steps += 1
    status, rows, size = ("UNKNOWN", 0, 0) if job is None else (str(job.status), job.rows, job.size)
    return ExportReport(export_id, status, steps, rows, size, handed_on)


def _step(
    job: ExportJob,
    exports: ExportRepository,
    signals: SignalRepository,
    objects: ObjectStore,
    seconds_left: Callable[[], float],
) -> ExportJob:
    """Do what is next; return the job as it is then."""
    try:
        try:
            if job.upload_id is None:
                return job.begun(objects.begin(job.key, job.form.media_type))
            if not job.written:
                return _with_more(job, job.upload_id, signals, objects, seconds_left)
            objects.complete(job.key, job.upload_id, job.etags)
            return job.finished(_hash(job, objects))
        except UploadLostError as e:
            return job.anew(str(e))
    except PermanentError as e:
        _saved(exports, job, job.failed(str(e)))
        raise


def _with_more(
    job: ExportJob,
    upload_id: str,
    signals: SignalRepository,
    objects: ObjectStore,
    seconds_left: Callable[[], float],
) -> ExportJob:
    """Read pages until they fill a part, end, or time is over; put what was read."""
    held = bytearray() if job.tail is None else bytearray(b"".join(objects.read(job.tail)))
    before, rows = len(held), 0
    if job.cursor is None:
        held += opening(job.form).encode()
    for page in _pages(job.query, job.cursor, signals):
        held += "".join(spelled(job.form, page.signals, job.rows + rows)).encode()
        rows += len(page.signals)
        if page.cursor is None:
            held += closing(job.form, job.rows + rows).encode()
        if page.cursor is None or len(held) >= PART_BYTES:
            etag = objects.put_part(job.key, upload_id, len(job.etags) + 1, bytes(held))
            return job.advanced(etag=etag, cursor=page.cursor, rows=rows, size=len(held) - before)
        if seconds_left() < MARGIN_SECONDS:
            break
    objects.put(job.tail_key, bytes(held))
    return job.advanced(tail=job.tail_key, cursor=page.cursor, rows=rows, size=len(held) - before)


def _hash(job: ExportJob, objects: ObjectStore) -> str:
    found, size = sha256(), 0
    for piece in objects.read(job.key):
        found.update(piece)
        size += len(piece)
    if size != job.size:
        raise UploadLostError(f"the file of export {job.export_id} must have {job.size} bytes, had {size}")
    return found.hexdigest()


def _pages(query: ExportedQuery, cursor: str | None, signals: SignalRepository) -> Iterator[Page]:
    """Yield the pages behind `cursor`, the last one without a cursor."""
    while True:
        page = signals.feed(
            FeedQuery(
                since=query.since,
                until=query.until,
                visible_at=query.visible_at,
                limit=PAGE_ROWS,
                where=query.where,
                sort=query.sort,
                descending=query.descending,
                cursor=cursor,
                bound_to=f"export {query.since} {query.until}",
            )
        )
        yield Page([signal for signal in page.signals if signal.published_at <= query.asked_at], page.cursor)
        if page.cursor is None:
            return
        cursor = page.cursor


def _saved(exports: ExportRepository, before: ExportJob, after: ExportJob) -> ExportJob:
    if not exports.replace(before, after):
        raise TransientError(f"export {before.export_id} must be at version {before.version}, another worker went on")
    return after


def _bytes_in_answer(text: str) -> int:
    return len(dumps(text, ensure_ascii=False).encode()) - 2


def _message(job: ExportJob) -> dict[str, str]:
    return {"export_id": job.export_id}
