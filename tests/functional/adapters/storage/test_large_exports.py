"""A large export over the indexes of the history: 2,000 signals in `make test`, 100,000 in `make prove`."""

import csv
import json
import marshal
import os
import tracemalloc
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import file_digest
from itertools import chain, count, islice
from pathlib import Path
from typing import Any

import pytest

from infra.bench.dynamo_model import Item, ModelledDynamo
from infra.bench.history_house import END, SignalRows, strategy_of
from signalbox.adapters.storage.signals import DynamoSignalRepository
from signalbox.domain.history.export import COLUMNS, ExportFormat, Kind, record_of, unguarded
from signalbox.domain.history.export_job import ExportJob, ExportStatus
from signalbox.domain.history.export_reader import read_records
from signalbox.domain.signals.signal import NULL_STRATEGY, Signal
from signalbox.services import export_history as service
from tests.fakes.exports import FileObjects, InMemoryExports, make_export_job, make_exported_query
from tests.fakes.work import InMemoryQueue
from tests.proof import cases

ROWS = cases(2_000, 100_000)
PART_BYTES = service.PART_BYTES * ROWS // 100_000
PAGE_ROWS = cases(50, service.PAGE_ROWS)
"""The real sizes where the real number is exported; a tenth of the rows are several pages and a part either way."""
DAYS = 30
"""One partition of the feed, which even a tenth of the rows fill beyond a page."""
SUMMARIES = ("=1+1", '-2 "quoted", and\r\nbroken', "+3\n", "@SUM(A1)", "'=4", "  =5", "Trend up", "ＵＰ＝６", "")
"""What is said of a signal, in turn: formulas, quotes, broken lines, and nothing at all."""


class KeptRows(SignalRows):
    """A record with numbers of many digits and texts that a spreadsheet would run, its items made once, on disk."""

    def __init__(self, rows: int, folder: Path) -> None:
        real = (row for row in count() if strategy_of(row) != NULL_STRATEGY)
        super().__init__(next(islice(real, rows - 1, None)) + 1, DAYS)
        self._items, self._places = folder / f"{rows}.items", array("Q")
        with self._items.open("wb") as items:
            for row in range(self.count):
                self._places.append(items.tell())
                marshal.dump(super().item(row), items)

    def signal(self, row: int) -> Signal:
        features = {f"feature_{at:02d}": row / (at + 3) for at in range(20)}
        summary = SUMMARIES[row % len(SUMMARIES)]
        return replace(
            super().signal(row), summary=summary, notes=("=note", f"{row}"), mae_r=-row / 7, features=features
        )

    def item(self, row: int) -> Item:
        with self._items.open("rb") as items:
            items.seek(self._places[row])
            item: Item = marshal.load(items)  # noqa: S302 - this test wrote it
        return item

    def expected(self) -> Iterator[dict[str, Any]]:
        """What an export of everything must hold: the newest first, as JSON has it."""
        for row in reversed(range(self.count)):
            if strategy_of(row) != NULL_STRATEGY:
                yield json.loads(json.dumps(record_of(self.signal(row))))


@dataclass(frozen=True)
class Exported:
    """A finished job, its file, and the most memory (bytes) that was in use at once while it was worked on."""

    job: ExportJob
    file: Path
    peak: int

    def records(self) -> Iterator[dict[str, Any]]:
        with self.file.open(encoding="utf-8", newline="") as lines:
            yield from read_records(self.job.form, lines)


@pytest.fixture
def export(
    tmp_path: Path, use_client: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Exported]:
    """Exports a whole record in a format, as the worker does."""
    monkeypatch.setattr(service, "PART_BYTES", PART_BYTES)
    monkeypatch.setattr(service, "PAGE_ROWS", PAGE_ROWS)
    monkeypatch.setattr("tests.fakes.exports.SMALLEST_PART", PART_BYTES)

    def exported(record: KeptRows, form: ExportFormat, *, traced: bool = False) -> Exported:
        use_client(ModelledDynamo({os.environ["SIGNALS_TABLE"]: record}))
        query = make_exported_query(
            since=END - timedelta(days=DAYS),
            until=END,
            visible_at=END + timedelta(days=1),
            asked_at=END + timedelta(days=1),
        )
        exports, objects = InMemoryExports(), FileObjects(tmp_path)
        job = make_export_job(export_id=f"export-{record.count}", form=form, query=query)
        exports.add(job)
        record.partition("feed-by-time", f"{END - timedelta(days=DAYS):%Y-%m}#0")  # a table is there before its reader
        if traced:
            tracemalloc.start()
        try:
            service.export_history(
                job.export_id,
                exports=exports,
                signals=DynamoSignalRepository(),
                objects=objects,
                queue=InMemoryQueue(),
                now=job.expires_at - timedelta(hours=1),
                seconds_left=lambda: 900.0,
            )
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        done = exports.stored[job.export_id]
        return Exported(done, objects.path(done.key), peak)

    return exported


@pytest.mark.prove
def test_ten_times_the_rows_take_no_more_memory_and_every_format_tells_the_same(
    tmp_path: Path, export: Callable[..., Exported]
) -> None:
    small, large = KeptRows(ROWS // 10, tmp_path), KeptRows(ROWS, tmp_path)
    files = {}
    for form in ExportFormat:
        traced = form is ExportFormat.JSON  # the largest, and tracing takes its time
        few, files[form] = export(small, form, traced=traced), (done := export(large, form, traced=traced))
        assert (done.job.status, done.job.rows) == (ExportStatus.READY, ROWS)
        assert (done.job.size, done.job.sha256) == _size_and_hash(done.file)
        assert len(done.job.etags) >= 5
        assert done.job.size > 9 * few.job.size
        assert done.peak <= 1.1 * few.peak
    for rows in zip(large.expected(), *(files[form].records() for form in ExportFormat), strict=True):
        assert all(row == rows[0] for row in rows[1:])


def test_other_programs_read_the_same_records(tmp_path: Path, export: Callable[..., Exported]) -> None:
    """Python's own csv and json, which know nothing of how we read."""
    record = KeptRows(200, tmp_path)
    as_csv, as_json, as_lines = (export(record, form).file for form in ExportFormat)
    records = list(record.expected())

    assert (
        json.loads(as_json.read_text()) == [json.loads(line) for line in as_lines.read_text().splitlines()] == records
    )
    with as_csv.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    texts = [column.name for column in COLUMNS if column.kind in {Kind.TEXT, Kind.EXACT, Kind.MOMENT}]
    numbers = [column.name for column in COLUMNS if column.kind in {Kind.NUMBER, Kind.WHOLE}]
    nested = [column.name for column in COLUMNS if column.kind is Kind.NESTED]
    for row, wanted in zip(rows, records, strict=True):
        assert {name: unguarded(row[name]) or None for name in texts} == {name: wanted[name] or None for name in texts}
        assert {name: float(row[name] or "nan") for name in numbers if wanted[name] is not None} == {
            name: wanted[name] for name in numbers if wanted[name] is not None
        }
        assert {name: json.loads(row[name]) for name in nested} == {name: wanted[name] for name in nested}
    cells = list(chain.from_iterable(row.items() for row in rows))
    assert not [cell for name, cell in cells if name not in numbers and cell.lstrip().startswith(("=", "+", "-", "@"))]


def _size_and_hash(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        return path.stat().st_size, file_digest(file, "sha256").hexdigest()
