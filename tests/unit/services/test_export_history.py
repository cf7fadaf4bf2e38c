import io
import json
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from itertools import count

import pytest

from signalbox.domain.errors import PermanentError, StorageUnavailableError, TransientError
from signalbox.domain.history.export import ExportFormat, record_of
from signalbox.domain.history.export_job import ExportJob, ExportStatus
from signalbox.domain.history.export_reader import read_records
from signalbox.domain.history.filters import SignalFilter, Sort
from signalbox.domain.signals.signal import Status
from signalbox.services import export_history as service
from signalbox.services.export_history import (
    MARGIN_SECONDS,
    RETRY_SECONDS,
    ExportReport,
    WholeExport,
    begin_export,
    export_history,
    export_now,
)
from tests.builders import NOW, ended, make_signal
from tests.fakes.exports import (
    InMemoryExports,
    InMemoryObjects,
    MadeSignals,
    make_export_job,
    make_exported_query,
)
from tests.fakes.signals import InMemorySignals
from tests.fakes.work import InMemoryQueue

SMALL_PART = 8_000


class KilledError(BaseException):
    """The worker's end: nothing catches it."""


class House:
    """One export and what it needs, with calls that can be made to fail."""

    def __init__(self, signals: InMemorySignals, job: ExportJob) -> None:
        self.signals, self.job = signals, job
        self.exports, self.objects, self.queue = InMemoryExports(), InMemoryObjects(), InMemoryQueue()
        self.exports.add(job)

    def work(self, seconds_left: Callable[[], float] = lambda: 300.0) -> ExportReport:
        return export_history(
            self.job.export_id,
            exports=self.exports,
            signals=self.signals,
            objects=self.objects,
            queue=self.queue,
            now=NOW,
            seconds_left=seconds_left,
        )

    @property
    def now(self) -> ExportJob:
        found = self.exports.get(self.job.export_id)
        assert found is not None
        return found

    @property
    def file(self) -> bytes:
        return self.objects.objects[self.now.key]


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of 8 KB and pages of 5, so that a hundred signals are several of both."""
    monkeypatch.setattr(service, "PART_BYTES", SMALL_PART)
    monkeypatch.setattr(service, "PAGE_ROWS", 5)
    monkeypatch.setattr("tests.fakes.exports.SMALLEST_PART", SMALL_PART)


def hundred(number_of_signals: int = 100) -> InMemorySignals:
    signals = InMemorySignals()
    for number in range(number_of_signals):
        signal = make_signal(NOW - timedelta(hours=number + 1), summary=f"=number {number}", quality_score=number / 3)
        signals.add(signal if number % 2 else ended(signal, r=-number / 7))
    return signals


def records(form: ExportFormat, data: bytes) -> list[dict]:
    return list(read_records(form, io.StringIO(data.decode(), newline="")))


def expected(signals: InMemorySignals) -> list[dict]:
    newest_first = sorted(signals.stored.values(), key=lambda signal: signal.key.sort_key, reverse=True)
    return [json.loads(json.dumps(record_of(signal))) for signal in newest_first]


def killed_at(house: House, at: int) -> None:
    """Let the house end at the `at`th call from now on to storage, store or queue, before or after it took effect."""
    calls = count(1)

    def deadly(call: Callable) -> Callable:
        def made(*args: object, **options: object) -> object:
            number = next(calls)
            if number == at:
                raise KilledError
            result = call(*args, **options)
            if number == at - 1 and at % 2:
                next(calls)
                raise KilledError
            return result

        return made

    for port, names in (
        (house.exports, ["get", "replace"]),
        (house.objects, ["begin", "put_part", "complete", "put", "read"]),
        (house.signals, ["feed"]),
        (house.queue, ["send"]),
    ):
        for name in names:
            setattr(port, name, deadly(getattr(type(port), name).__get__(port)))


def revived(house: House) -> None:
    for port in (house.exports, house.objects, house.signals, house.queue):
        for name in ("get", "replace", "begin", "put_part", "complete", "put", "read", "feed", "send"):
            vars(port).pop(name, None)


@pytest.mark.parametrize("form", ExportFormat)
def test_a_job_writes_every_signal_and_says_how_many_and_their_hash(small_parts: None, form: ExportFormat):
    house = House(hundred(), make_export_job(form=form))
    report = house.work()

    assert records(form, house.file) == expected(house.signals)
    assert (house.now.status, house.now.rows, house.now.size) == (ExportStatus.READY, 100, len(house.file))
    assert house.now.sha256 == sha256(house.file).hexdigest()
    assert len(house.now.etags) > 2
    assert (report.status, report.rows, report.handed_on) == ("READY", 100, False)


@pytest.mark.parametrize("form", ExportFormat)
def test_an_answer_holds_the_same_file_as_a_job(small_parts: None, form: ExportFormat):
    house = House(hundred(), make_export_job(form=form))
    house.work()
    found = export_now(house.job.query, form, signals=house.signals, most_bytes=10**6, may_go_on=lambda: True)

    assert found is not None
    assert found.text.encode() == house.file
    assert (found.rows, found.sha256) == (house.now.rows, house.now.sha256)


def test_what_is_too_large_or_takes_too_long_is_no_answer(small_parts: None):
    query, signals = make_exported_query(), hundred()

    def ask(most_bytes: int, *, may_go_on: bool) -> WholeExport | None:
        return export_now(query, ExportFormat.JSON, signals=signals, most_bytes=most_bytes, may_go_on=lambda: may_go_on)

    whole = ask(10**6, may_go_on=True)
    assert whole is not None
    carried = len(json.dumps(whole.text, ensure_ascii=False).encode()) - 2
    assert ask(carried, may_go_on=True) == whole
    assert ask(len(whole.text), may_go_on=True) is None
    assert ask(10**6, may_go_on=False) is None


def test_reading_for_an_answer_stops_at_the_limit(small_parts: None):
    signals = MadeSignals(10**9, lambda number: make_signal(NOW - timedelta(hours=number % 1000)))

    assert (
        export_now(make_exported_query(), ExportFormat.CSV, signals=signals, most_bytes=50_000, may_go_on=lambda: True)
        is None
    )


@pytest.mark.parametrize("form", ExportFormat)
def test_a_worker_killed_at_any_call_leaves_the_same_file_as_one_that_lived(small_parts: None, form: ExportFormat):
    whole = House(hundred(40), make_export_job(form=form))
    whole.work()
    for at in range(1, 32):
        house = House(hundred(40), make_export_job(form=form))
        killed_at(house, at)
        try:
            house.work()
        except KilledError:
            assert not house.now.is_over or house.now == whole.now
        revived(house)
        house.work()
        assert house.file == whole.file
        assert (house.now.sha256, house.now.rows) == (whole.now.sha256, whole.now.rows)


def test_workers_whose_time_is_over_hand_on_and_the_file_is_the_same(small_parts: None):
    whole = House(hundred(), make_export_job())
    whole.work()
    house = House(hundred(), make_export_job())
    workers = 0
    while not house.now.is_over:
        left = iter([300.0, 300.0, 300.0])
        report = house.work(lambda left=left: next(left, MARGIN_SECONDS - 1))
        workers += 1
        assert report.handed_on or house.now.is_over
    assert workers > 5
    assert house.queue.bodies == [{"export_id": "export-1"}] * (workers - 1)
    assert any("tail" in key for key in house.objects.objects), "time was over before a part was full"
    assert house.file == whole.file
    assert (house.now.sha256, house.now.rows) == (whole.now.sha256, 100)


def test_a_message_that_comes_again_changes_nothing(small_parts: None):
    house = House(hundred(), make_export_job())
    house.work()
    before = house.now
    report = house.work()

    assert report.steps == 0
    assert house.now == before
    assert house.objects.begun == 1


def test_of_two_workers_the_slower_one_stops_and_its_message_comes_again(small_parts: None):
    house = House(hundred(), make_export_job())
    put_part, raced = house.objects.put_part, False

    def overtaken(*args: object) -> str:
        nonlocal raced
        if not raced:
            raced = True
            house.work()
        return put_part(*args)

    house.objects.put_part = overtaken
    with pytest.raises(TransientError, match="another worker went on"):
        house.work()

    assert house.now.status is ExportStatus.READY
    assert records(ExportFormat.CSV, house.file) == expected(house.signals)


def test_an_upload_that_was_lost_is_begun_anew(small_parts: None):
    house = House(hundred(), make_export_job())
    killed_at(house, 12)
    with pytest.raises(KilledError):
        house.work()
    revived(house)
    assert house.now.rows > 0
    house.objects.uploads.clear()
    house.work()

    assert house.now.attempt == 2
    assert (house.now.rows, records(ExportFormat.CSV, house.file)) == (100, expected(house.signals))


def test_an_upload_that_is_lost_again_and_again_fails_with_a_reason(small_parts: None):
    house = House(hundred(), make_export_job())
    begin = house.objects.begin

    def lost(key: str, media_type: str) -> str:
        upload_id = begin(key, media_type)
        house.objects.uploads.clear()
        return upload_id

    house.objects.begin = lost
    with pytest.raises(PermanentError, match="whole after 3 attempts"):
        house.work()

    assert house.now.status is ExportStatus.FAILED
    assert "3 attempts" in str(house.now.reason)
    assert house.work().steps == 0


def test_storage_that_fails_for_a_while_leaves_the_job_to_a_worker_that_is_called_a_minute_later(small_parts: None):
    house = House(hundred(), make_export_job())

    def busy(_query: object) -> None:
        raise StorageUnavailableError("busy")

    house.signals.feed = busy
    report = house.work()
    assert (report.handed_on, report.status, report.steps) == (True, "RUNNING", 1)
    assert (house.queue.bodies, house.queue.delays) == ([{"export_id": "export-1"}], [RETRY_SECONDS])
    revived(house)
    house.work()

    assert house.now.status is ExportStatus.READY


def test_an_expired_or_unknown_job_is_left_alone():
    house = House(hundred(), make_export_job(expires_at=NOW))

    assert house.work().steps == 0
    assert house.now == house.job
    house.exports.stored.clear()
    assert house.work().status == "UNKNOWN"


@pytest.mark.parametrize("form", ExportFormat)
def test_the_export_of_nothing_is_whole(form: ExportFormat):
    house = House(InMemorySignals(), make_export_job(form=form))
    house.work()

    assert (house.now.status, house.now.rows) == (ExportStatus.READY, 0)
    assert records(form, house.file) == []


def test_only_what_was_published_and_visible_at_the_request_is_exported():
    signals = InMemorySignals()
    asked_at, delay = NOW + timedelta(minutes=30), timedelta(minutes=15)
    young = make_signal(NOW + timedelta(minutes=20))
    old, later = make_signal(NOW), make_signal(NOW + timedelta(minutes=31))
    for signal in (old, young, later):
        signals.add(signal)
    signals.update(later, ended(later))
    query = make_exported_query(asked_at=asked_at, visible_at=asked_at - delay)
    house = House(signals, make_export_job(form=ExportFormat.JSONL, query=query))
    house.work()

    assert [record["id"] for record in records(ExportFormat.JSONL, house.file)] == [old.signal_id]


def test_the_query_is_followed_in_filter_and_order(small_parts: None):
    signals = hundred()
    where = SignalFilter(statuses=frozenset({Status.OPEN}))
    query = make_exported_query(where=where, sort=Sort.QUALITY, descending=False)
    house = House(signals, make_export_job(form=ExportFormat.JSON, query=query))
    house.work()
    found = records(ExportFormat.JSON, house.file)

    assert len(found) == 50
    assert [record["quality_score"] for record in found] == sorted(record["quality_score"] for record in found)


def test_beginning_stores_a_job_and_calls_a_worker():
    exports, queue = InMemoryExports(), InMemoryQueue()
    job = make_export_job()
    made = begin_export(
        job.export_id,
        job.query,
        job.form,
        account_id=job.account_id,
        expires_at=job.expires_at,
        exports=exports,
        queue=queue,
    )

    assert made == job == exports.get("export-1")
    assert queue.bodies == [{"export_id": "export-1"}]
