"""Exports as callers get them: one answer, or a job, its worker, and a link."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import pytest

from signalbox import bootstrap
from signalbox.adapters.aws import client
from signalbox.api import exports
from signalbox.domain.history.export import ExportFormat, record_of
from signalbox.domain.history.export_job import LIFE
from signalbox.domain.history.export_reader import read_records
from signalbox.domain.signals.signal import Signal
from signalbox.ports.work import Turn
from signalbox.settings import settings
from tests.builders import ended, make_signal
from tests.functional.functions.conftest import NOW, Handler, load_event, messages

AS_OF = NOW.replace(second=0)
EXPORT = "/signals/history/export"
Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def ask(handler: Handler, lambda_context: Any) -> Ask:
    """Ask the API as API Gateway would; the whole answer."""

    def asked(query: dict[str, str] | None = None, export_id: str = "", account: str = "acc", tier: str = "premium"):
        event = load_event("api")
        route = f"{EXPORT}/{{export_id}}" if export_id else EXPORT
        event |= {
            "resource": route,
            "path": route.replace("{export_id}", export_id),
            "multiValueQueryStringParameters": {name: [value] for name, value in (query or {}).items()} or None,
            "queryStringParameters": query,
            "pathParameters": {"export_id": export_id} if export_id else None,
        }
        event["requestContext"] |= {
            "resourcePath": route,
            "path": f"/live{event['path']}",
            "httpMethod": "GET",
            "authorizer": {"account_id": account, "tier": tier},
        }
        return handler("api")(event, lambda_context)

    return asked


@pytest.fixture
def signals(house: None) -> list[Signal]:
    """Twenty of the last hours, one of this minute, newest first; and a turn that says what time it is."""
    bootstrap.turn_repository().record(
        Turn(job="generate_signals", timeframe="1h", as_of=AS_OF, planned_at=AS_OF, shards=1, symbols=2)
    )
    new = make_signal(AS_OF, symbol="ETH/USDT", published_at=AS_OF + timedelta(seconds=10), summary="=1+1")
    old = [make_signal(AS_OF - timedelta(hours=hours), quality_score=hours / 3) for hours in range(1, 21)]
    for signal in (new, *old):
        bootstrap.signal_repository().add(signal)
    bootstrap.signal_repository().update(old[3], ended(old[3]))
    return [new, *(ended(signal) if at == 3 else signal for at, signal in enumerate(old))]


@pytest.fixture
def only_jobs(house: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be small enough for an answer."""
    monkeypatch.setenv("EXPORT_ANSWER_BYTES", "1000")
    settings.cache_clear()


@pytest.fixture
def busy_house(signals: list[Signal], only_jobs: None) -> None:
    """Signals, of which every export is a job."""


def expected(signals: list[Signal]) -> list[dict[str, Any]]:
    return [json.loads(json.dumps(record_of(signal))) for signal in signals]


def records(form: str, text: str) -> list[dict[str, Any]]:
    return list(read_records(ExportFormat(form), io.StringIO(text, newline="")))


def work(handler: Handler, context: Any) -> list[dict[str, Any]]:
    """Let the worker handle what waits; return what it gave back."""
    failed = []
    for body in messages("EXPORTS"):
        event = load_event("export_history")
        event["Records"][0]["body"] = json.dumps(body)
        failed += handler("export_history")(event, context)["batchItemFailures"]
    return failed


@pytest.fixture
def patient(lambda_context: Any) -> Any:
    """The context of a worker with all of its time left."""

    class Patient(type(lambda_context)):
        def get_remaining_time_in_millis(self) -> int:
            return 300_000

    return Patient()


@pytest.mark.parametrize("form", ExportFormat)
def test_a_small_export_is_the_answer(ask: Ask, signals: list[Signal], form: ExportFormat) -> None:
    answer = ask({"format": form})
    headers = answer["headers"]
    assert answer["statusCode"] == 200
    assert records(form, answer["body"]) == expected(signals)
    assert headers["Content-Type"] == form.media_type
    assert headers["Content-Disposition"] == f'attachment; filename="signals.{form}"'
    assert headers["X-Row-Count"] == "21"
    assert headers["X-Content-SHA256"] == sha256(answer["body"].encode()).hexdigest()


def test_a_csv_opens_in_pythons_own_reader_and_runs_nothing_in_a_spreadsheet(ask: Ask, signals: list[Signal]) -> None:
    rows = list(csv.DictReader(io.StringIO(ask()["body"], newline="")))
    assert [row["id"] for row in rows] == [signal.signal_id for signal in signals]
    assert rows[0]["summary"] == "'=1+1"


def test_an_export_follows_the_historys_conditions_and_order(ask: Ask, signals: list[Signal]) -> None:
    query = {"format": "json", "quality_min": "2", "symbol": "BTC/USDT", "sort": "quality", "order": "asc"}
    found = [signal for signal in signals if signal.symbol == "BTC/USDT" and signal.quality_score >= 2]
    assert json.loads(ask(query)["body"]) == expected(sorted(found, key=lambda signal: signal.quality_score))


def test_the_tiers_delay_holds_in_exports(ask: Ask, signals: list[Signal]) -> None:
    assert records("csv", ask(tier="free")["body"]) == expected(signals[1:])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"format": "xml"}, "format"),
        ({"limit": "5"}, "limit"),
        ({"cursor": "abc"}, "cursor"),
        ({"colour": "red"}, "colour"),
        ({"from": "yesterday"}, "from"),
    ],
)
def test_bad_input_is_refused_and_named(ask: Ask, house: None, query: dict[str, str], field: str) -> None:
    answer = ask(query)
    assert answer["statusCode"] == 400
    assert [error["field"] for error in json.loads(answer["body"])["errors"]] == [field]


def test_a_large_export_is_a_job_and_at_last_a_link_to_the_same_file(
    ask: Ask, signals: list[Signal], handler: Handler, patient: Any, only_jobs: None
) -> None:
    begun = ask({"format": "jsonl"})
    job = json.loads(begun["body"])
    assert (begun["statusCode"], job["status"], job["url"]) == (202, "QUEUED", None)
    assert begun["headers"]["Location"] == f"export/{job['id']}"
    assert work(handler, patient) == []

    ready = json.loads(ask(export_id=job["id"])["body"])
    path = urlsplit(ready["url"]).path.removeprefix("/")
    stored = client("s3").get_object(Bucket="test-exports", Key=path)
    file = stored["Body"].read()
    assert (ready["status"], ready["rows"], ready["bytes"]) == ("READY", 21, len(file))
    assert ready["sha256"] == sha256(file).hexdigest()
    assert records("jsonl", file.decode()) == expected(signals)
    assert stored["ContentType"] == "application/jsonl; charset=utf-8"


def test_a_job_keeps_the_delay_of_the_moment_it_was_asked_for(
    ask: Ask, signals: list[Signal], handler: Handler, patient: Any, only_jobs: None
) -> None:
    job = json.loads(ask({"format": "jsonl"}, tier="free")["body"])
    later = AS_OF + timedelta(hours=1)
    bootstrap.turn_repository().record(
        Turn(job="generate_signals", timeframe="1h", as_of=later, planned_at=later, shards=1, symbols=2)
    )
    work(handler, patient)
    assert json.loads(ask(export_id=job["id"], tier="free")["body"])["rows"] == len(signals) - 1


def test_an_export_of_one_account_is_not_there_for_another(ask: Ask, signals: list[Signal], only_jobs: None) -> None:
    job = json.loads(ask()["body"])
    mine, other, unknown = (
        ask(export_id=job["id"]), ask(export_id=job["id"], account="other"), ask(export_id="nothing")
    )  # fmt: skip
    assert (mine["statusCode"], other["statusCode"], unknown["statusCode"]) == (200, 404, 404)
    assert other["body"].replace(job["id"], "nothing") == unknown["body"]


def test_an_expired_export_is_not_there(ask: Ask, signals: list[Signal], only_jobs: None) -> None:
    job = json.loads(ask()["body"])
    stored = bootstrap.export_repository().get(job["id"])
    assert stored is not None
    assert bootstrap.export_repository().replace(stored, replace(stored, expires_at=stored.expires_at - LIFE))
    assert ask(export_id=job["id"])["statusCode"] == 404


def test_a_failed_export_says_so_and_names_nothing_of_the_inside(
    ask: Ask, signals: list[Signal], only_jobs: None
) -> None:
    job = json.loads(ask()["body"])
    stored = bootstrap.export_repository().get(job["id"])
    assert stored is not None
    bootstrap.export_repository().replace(stored, stored.failed("bucket test-exports refused"))
    answer = json.loads(ask(export_id=job["id"])["body"])
    assert (answer["status"], answer["url"]) == ("FAILED", None)
    assert answer["reason"] == "the file could not be written; ask for the export again"


def test_a_worker_without_time_calls_the_next_one(
    ask: Ask, handler: Handler, lambda_context: Any, patient: Any, busy_house: None
) -> None:
    job = json.loads(ask()["body"])
    assert work(handler, lambda_context) == []
    assert json.loads(ask(export_id=job["id"])["body"])["status"] == "QUEUED"
    assert work(handler, patient) == []
    assert json.loads(ask(export_id=job["id"])["body"])["status"] == "READY"


def test_large_exports_are_counted(
    ask: Ask, signals: list[Signal], only_jobs: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "JOBS_PER_HOUR", 2)
    answers = [ask(account="busy") for _ in range(3)]
    assert {answer["statusCode"] for answer in answers[:-1]} == {202}
    assert answers[-1]["statusCode"] == 429
    assert int(answers[-1]["headers"]["Retry-After"]) > 0
    assert ask(account="other")["statusCode"] == 202


def test_a_message_of_no_export_changes_nothing(handler: Handler, lambda_context: Any) -> None:
    assert handler("export_history")(load_event("export_history"), lambda_context) == {"batchItemFailures": []}
