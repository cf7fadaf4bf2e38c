"""`/signals/history/export`: the whole of any query of the history, as a file."""

import re
from datetime import timedelta
from http import HTTPStatus
from secrets import token_urlsafe
from typing import Annotated, Any

from chalice.app import Blueprint, Response
from pydantic import BeforeValidator, ConfigDict, WithJsonSchema
from typing_extensions import TypedDict

from signalbox import bootstrap
from signalbox.api.access import quota_holder, too_many
from signalbox.api.answers import Count, MomentText
from signalbox.api.endpoint import Endpoints
from signalbox.api.policies import caller
from signalbox.api.problems import not_found
from signalbox.api.signal_inputs import HistoryQuery, Order
from signalbox.api.spans import span_of
from signalbox.domain.history.export import ExportFormat
from signalbox.domain.history.export_job import LIFE, ExportedQuery, ExportJob, ExportStatus
from signalbox.domain.instants import from_ms, to_iso, to_ms
from signalbox.services.export_history import WholeExport, begin_export, export_now
from signalbox.settings import settings

MILLISECONDS_KEPT = 12_000
"""What must be left of this function's time to read another page; then a job takes over."""
LINK_SECONDS = 300
JOBS_PER_HOUR = 10
JOBS_PER_DAY = 50
"""Large exports that one caller may begin: each may read the whole history."""


def _whole(_text: Any) -> Any:
    raise ValueError("an export is whole, and has no pages")


def _without_pages(schema: dict[str, Any]) -> None:
    for name in ("limit", "cursor"):
        schema["properties"].pop(name)


class ExportQuery(HistoryQuery):
    """Parameters of an export: those of the history but its pages, and a format."""

    model_config = ConfigDict(
        extra="forbid", defer_build=True, populate_by_name=False, json_schema_extra=_without_pages
    )

    format: ExportFormat = ExportFormat.CSV
    limit: Annotated[int, BeforeValidator(_whole)] = 0
    cursor: Annotated[str | None, BeforeValidator(_whole)] = None


class ExportAnswer(TypedDict):
    """A large export. `rows`, `bytes` and `sha256` are of the file; `url` fetches it, until `url_expires_at`."""

    id: str
    status: ExportStatus
    format: ExportFormat
    rows: Count
    bytes: Count
    sha256: str | None
    requested_at: MomentText
    expires_at: MomentText
    url: str | None
    url_expires_at: MomentText | None
    reason: str | None


_FileText = Annotated[str, WithJsonSchema({"type": "string"})]
_FileArray = Annotated[list[dict[str, Any]], WithJsonSchema({"type": "array", "items": {"type": "object"}})]
_EXPORT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FILES = {
    "text/csv": _FileText,
    "application/json": _FileArray,
    "application/jsonl": _FileText,
}

endpoints = Endpoints(Blueprint(__name__))


@endpoints.add(
    "GET", "/signals/history/export", _FILES, query=ExportQuery, others={int(HTTPStatus.ACCEPTED): ExportAnswer}
)
def export(query: ExportQuery) -> Response:
    """Return every signal that a query of the history fits, as one file; without a span, those that its pages show.

    What is larger than 5 MB is written in the background instead (202): `Location` says where its state and, at last,
    its link are.

    `X-Row-Count` and `X-Content-SHA256` are of the file as it is unpacked. The tier's delay is that of this moment.
    """
    request = endpoints.routes.current_request
    account = caller(request.context)
    asked = query.search()
    now = from_ms(to_ms(bootstrap.clock().now()))
    since, until = span_of(asked, query.sort, now)
    exported = ExportedQuery(
        since=since,
        until=until,
        visible_at=now - account.tier.delay,
        asked_at=now,
        where=asked.where,
        sort=query.sort,
        descending=query.order is Order.DESCENDING,
    )
    context = endpoints.routes.lambda_context
    found = export_now(
        exported,
        query.format,
        signals=bootstrap.signal_repository(),
        most_bytes=settings().export_answer_bytes,
        may_go_on=lambda: context.get_remaining_time_in_millis() > MILLISECONDS_KEPT,
    )
    return _job(exported, query.format, account.account_id, request.context) if found is None else _file(found, query)


@endpoints.add("GET", "/signals/history/export/{export_id}", ExportAnswer)
def export_by_id(export_id: str) -> Response:
    """Return how far a large export is, and once it is `READY` a link to its file.

    The link is good for five minutes; this answer has a new one each time, for a day.
    """
    # What cannot be an id may not even be a key to the store, which would then refuse to look.
    job = bootstrap.export_repository().get(export_id) if _EXPORT_ID.fullmatch(export_id) else None
    account = caller(endpoints.routes.current_request.context)
    if job is None or job.account_id != account.account_id or job.expires_at <= bootstrap.wall_clock().now():
        raise not_found(f"export {export_id[:120]!r}")
    return _answer(job, HTTPStatus.OK)


def _job(exported: ExportedQuery, form: ExportFormat, account_id: str, event_context: Any) -> Response:
    now = bootstrap.wall_clock().now()
    holder = quota_holder(event_context)
    if holder is not None:
        quotas = bootstrap.quota_repository()
        again = quotas.count(f"exports#{holder}", per_hour=JOBS_PER_HOUR, per_day=JOBS_PER_DAY, now=now)
        if again is not None:
            raise too_many(
                f"at most {JOBS_PER_HOUR} large exports an hour and {JOBS_PER_DAY} a day may be begun; used up",
                again,
                now,
            )
    job = begin_export(
        token_urlsafe(18),
        exported,
        form,
        account_id=account_id,
        expires_at=from_ms(to_ms(now + LIFE)),
        exports=bootstrap.export_repository(),
        queue=bootstrap.queue("EXPORTS"),
    )
    return _answer(job, HTTPStatus.ACCEPTED)


def _file(found: WholeExport, query: ExportQuery) -> Response:
    return Response(
        body=found.text,
        headers={
            "Content-Type": query.format.media_type,
            "Content-Disposition": f'attachment; filename="signals.{query.format}"',
            "Cache-Control": "private, no-store",
            "X-Row-Count": str(found.rows),
            "X-Content-SHA256": found.sha256,
        },
    )


def _answer(job: ExportJob, status: HTTPStatus) -> Response:
    ready = job.status is ExportStatus.READY
    until = bootstrap.wall_clock().now() + timedelta(seconds=LINK_SECONDS)
    name = f"signals-{job.query.asked_at:%Y%m%dT%H%M%SZ}.{job.form}"
    headers: dict[str, str | list[str]] = {"Cache-Control": "private, no-store"}
    if status is HTTPStatus.ACCEPTED:
        # Relative to the address that was asked, whatever stage and host that has.
        asked = str(endpoints.routes.current_request.context.get("path"))
        headers |= {"Location": f"{'' if asked.endswith('/') else 'export/'}{job.export_id}", "Retry-After": "5"}
    body = {
        "id": job.export_id,
        "status": job.status,
        "format": job.form,
        "rows": job.rows,
        "bytes": job.size,
        "sha256": job.sha256,
        "requested_at": to_iso(job.query.asked_at),
        "expires_at": to_iso(job.expires_at),
        "url": bootstrap.export_store().link(job.key, file_name=name, seconds=LINK_SECONDS) if ready else None,
        "url_expires_at": to_iso(until) if ready else None,
        # The job's own reason names resources, and is for whoever operates this.
        "reason": "the file could not be written; ask for the export again" if job.reason else None,
    }
    return Response(body, status_code=status, headers=headers)
