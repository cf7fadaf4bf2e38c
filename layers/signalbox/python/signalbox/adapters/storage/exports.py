"""Exports in DynamoDB: one item a job, changed only from the version that was read."""

from datetime import timedelta
from typing import Any

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition

from signalbox.adapters.storage.attributes import (
    CompactJSONAttribute,
    MomentAttribute,
    WholeAttribute,
    WordAttribute,
    WordsAttribute,
)
from signalbox.adapters.storage.dynamo import ConditionFailedError, Table
from signalbox.domain.history.export import ExportFormat
from signalbox.domain.history.export_job import ExportedQuery, ExportJob, ExportStatus
from signalbox.settings import settings


class ExportItem(Table):
    """One job with its checkpoint; the tags of its parts are some 35 bytes for each 8 MiB."""

    class Meta:
        table_name = ""

    setting = "EXPORTS_TABLE"

    export_id = UnicodeAttribute(hash_key=True)
    account_id = UnicodeAttribute()
    form = WordAttribute(ExportFormat)
    query_message = CompactJSONAttribute()
    expires_at = MomentAttribute()
    status = WordAttribute(ExportStatus)
    version = WholeAttribute()
    attempt = WholeAttribute()
    upload_id = UnicodeAttribute(null=True)
    etags = WordsAttribute()
    tail = UnicodeAttribute(null=True)
    cursor = UnicodeAttribute(null=True)
    rows = WholeAttribute()
    size = WholeAttribute()
    written = BooleanAttribute()
    sha256 = UnicodeAttribute(null=True)
    reason = UnicodeAttribute(null=True)
    ttl = WholeAttribute()


_AS_IS = tuple(name for name in ExportItem.get_attributes() if name not in ("query_message", "ttl"))


class DynamoExportRepository:
    """Implements `ports.ExportRepository`."""

    def add(self, job: ExportJob) -> bool:
        """Store a new job; return False, changing nothing, if its id is there already."""
        return _item(job).put_new()

    def get(self, export_id: str) -> ExportJob | None:
        """Return the job as it was stored last, or None."""
        values = ExportItem.fetch(export_id=export_id)
        if values is None:
            return None
        query = ExportedQuery.from_message(values["query_message"])
        return ExportJob(query=query, **{name: values[name] for name in _AS_IS})

    def replace(self, before: ExportJob, after: ExportJob) -> bool:
        """Store `after`; return False, changing nothing, if the stored job is no longer of the version of `before`."""
        condition: Condition = ExportItem.version == before.version
        try:
            _item(after).save(condition)
        except ConditionFailedError:
            return False
        return True


def _item(job: ExportJob) -> ExportItem:
    values: dict[str, Any] = {name: getattr(job, name) for name in _AS_IS}
    gone = int((job.expires_at + timedelta(days=settings().exports_kept_days)).timestamp())
    return ExportItem(query_message=job.query.to_message(), ttl=gone, **values)
