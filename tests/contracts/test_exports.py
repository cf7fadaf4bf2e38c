"""Jobs of exports, and the store of their files."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from signalbox.adapters.aws import client
from signalbox.adapters.object_store import S3ObjectStore
from signalbox.adapters.storage.exports import DynamoExportRepository
from signalbox.domain.errors import UploadLostError
from signalbox.domain.history.export_job import ExportStatus
from signalbox.domain.history.filters import Between, SignalFilter, Sort
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import Origin, SignalType, Status
from signalbox.ports.exports import ExportRepository, ObjectStore
from tests.builders import NOW
from tests.contracts.implementations import either
from tests.fakes.exports import SMALLEST_PART, InMemoryExports, InMemoryObjects, make_export_job, make_exported_query

exports = either(InMemoryExports, DynamoExportRepository)

EVERYTHING = SignalFilter(
    symbols=frozenset({"BTC/USDT", "币安人生/USDT"}),
    signal_types=frozenset({SignalType.BUY}),
    strategies=frozenset({"null", "momentum"}),
    timeframes=frozenset({Timeframe.H1, Timeframe.D1}),
    statuses=frozenset({Status.OPEN, Status.STOP_HIT}),
    regimes=frozenset({"UP/HIGH", "LOW"}),
    origins=frozenset({Origin.REPLAY}),
    quality=Between(low=12.5),
    confidence=Between(0.1, 0.7),
    words=frozenset({"breakout"}),
)


@pytest.fixture(params=["fake", "s3"])
def objects(request: pytest.FixtureRequest) -> Iterator[ObjectStore]:
    if request.param == "fake":
        yield InMemoryObjects()
        return
    request.getfixturevalue("aws")
    place = {"LocationConstraint": "eu-central-1"}
    client("s3").create_bucket(Bucket=os.environ["EXPORTS_BUCKET"], CreateBucketConfiguration=place)
    yield S3ObjectStore("EXPORTS_BUCKET")


def test_a_job_is_read_as_it_was_stored(exports: ExportRepository):
    query = make_exported_query(where=EVERYTHING, sort=Sort.CONFIDENCE, descending=False, visible_at=NOW)
    job = make_export_job(query=query)
    begun = job.begun("upload").advanced(etag='"a"', cursor="c", rows=3, size=9)
    done = replace(begun.advanced(tail="t", cursor="d", rows=1, size=2), reason="none")
    assert exports.add(job) is True
    assert exports.get("export-1") == job
    assert exports.replace(job, done) is True
    assert exports.get("export-1") == done
    assert exports.get("nothing") is None


def test_every_field_of_a_filter_is_kept(exports: ExportRepository):
    assert set(EVERYTHING.asked) == set(SignalFilter.__dataclass_fields__)
    exports.add(make_export_job(query=make_exported_query(where=EVERYTHING)))

    assert exports.get("export-1").query.where.spelled() == EVERYTHING.spelled()


def test_an_id_is_given_once(exports: ExportRepository):
    job = make_export_job()
    exports.add(job)

    assert exports.add(make_export_job(account_id="acc-2")) is False
    assert exports.get("export-1") == job


def test_of_two_changes_of_one_version_the_first_counts(exports: ExportRepository):
    job = make_export_job()
    exports.add(job)
    assert exports.replace(job, job.begun("first")) is True

    assert exports.replace(job, job.begun("second")) is False
    assert exports.get("export-1").upload_id == "first"
    assert exports.replace(make_export_job(export_id="unknown"), job) is False
    assert exports.get("unknown") is None


def test_a_job_at_its_end_keeps_hash_or_reason(exports: ExportRepository):
    job = make_export_job(expires_at=NOW + timedelta(milliseconds=1500))
    exports.add(job)
    finished = job.begun("u").advanced(etag="a", cursor=None, rows=0, size=1).finished("ab" * 32)
    assert exports.replace(job, finished) is True
    assert exports.get("export-1").sha256 == "ab" * 32
    assert exports.replace(finished, finished.failed("why")) is True
    assert (exports.get("export-1").status, exports.get("export-1").reason) == (ExportStatus.FAILED, "why")


def test_an_object_is_made_of_its_parts_in_order(objects: ObjectStore):
    large, small = b"a" * SMALLEST_PART, b"the end"
    upload = objects.begin("key/1.csv", "text/csv")
    objects.put_part("key/1.csv", upload, 1, b"b" * SMALLEST_PART)
    last = objects.put_part("key/1.csv", upload, 2, small)
    first = objects.put_part("key/1.csv", upload, 1, large)
    objects.complete("key/1.csv", upload, [first, last])
    objects.complete("key/1.csv", upload, [first, last])

    assert b"".join(objects.read("key/1.csv")) == large + small


def test_parts_that_are_no_longer_those_make_no_object(objects: ObjectStore):
    upload = objects.begin("key", "text/csv")
    old = objects.put_part("key", upload, 1, b"old")
    objects.put_part("key", upload, 1, b"new")

    with pytest.raises(UploadLostError):
        objects.complete("key", upload, [old])
    with pytest.raises(UploadLostError):
        list(objects.read("key"))


def test_an_empty_part_may_be_the_only_one(objects: ObjectStore):
    upload = objects.begin("key", "text/csv")
    objects.complete("key", upload, [objects.put_part("key", upload, 1, b"")])

    assert b"".join(objects.read("key")) == b""


def test_a_small_object_is_read_as_it_was_put(objects: ObjectStore):
    objects.put("key", b"first")
    objects.put("key", b"second")

    assert b"".join(objects.read("key")) == b"second"


def test_a_link_names_the_object_the_file_and_an_end(objects: ObjectStore):
    link = objects.link("id/1.csv", file_name="signals.csv", seconds=300)

    assert link.startswith("https://")
    assert "id/1.csv" in link
    assert "signals.csv" in link
    assert "300" in link
