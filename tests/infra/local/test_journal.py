from pathlib import Path

import pytest

from infra.local.journal import Journal, explain
from infra.local.names import plain_name

STAMP = "2026-01-01 00:00:00"
DENIED = (
    "An error occurred (AccessDeniedException) when calling the PutItem operation: User: arn:aws:sts::0:assumed-role/r "
    "is not authorized to perform: dynamodb:PutItem"
)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "ministack.log"
    path.touch()
    return path


def write(log: Path, *lines: str) -> None:
    with log.open("a") as file:
        file.writelines(f"{line}\n" for line in lines)


def test_handled_stream_records_are_counted_by_table(log: Path) -> None:
    journal = Journal(log)
    for number in (3, 4):
        write(log, f"{STAMP} INFO [lambda] ESM: Lambda relay processed {number} DynamoDB stream records from signals")
        journal.read()
    assert journal.stream_records == {"signals": 7}


def test_a_raising_function_is_a_failure_with_its_message(log: Path) -> None:
    write(
        log,
        f"{STAMP} WARNING [lambda] ESM: Lambda signalbox-work failed processing SQS batch from q "
        "(errorType=Runtime.HandlerError errorMessage=no such thing)",
        "Traceback (most recent call last):",
    )
    assert [str(failure) for failure in Journal(log).read()] == ["work failed: no such thing"]


def test_a_message_given_back_is_explained_by_the_error_line_of_its_function(log: Path) -> None:
    write(
        log,
        f"{STAMP} INFO [lambda] ESM: Lambda signalbox-work processed 1 SQS messages from q (1 partial failures)",
        f"{STAMP} INFO [lambda] ESM: Lambda signalbox-work output:",
        f'{{"level": "ERROR", "message": "shard failed", "exception": "Traceback\\n{DENIED}"}}',
        f"{STAMP} INFO [lambda] something else",
    )
    (failure,) = Journal(log).read()
    assert failure.denied
    assert str(failure) == "work may not dynamodb:PutItem (AccessDeniedException)"


def test_a_message_given_back_without_a_word_is_still_a_failure(log: Path) -> None:
    write(
        log,
        f"{STAMP} INFO [lambda] ESM: Lambda work processed 1 SQS messages from q (1 partial failures)",
        f"{STAMP} INFO [lambda] ESM: Lambda work output:",
        '{"level": "INFO", "message": "started"}',
        f"{STAMP} INFO [lambda] something else",
    )
    assert [failure.reason for failure in Journal(log, patience=0.0).read()] == [
        "gave messages back without saying why"
    ]


def test_an_error_line_of_a_function_that_gave_nothing_back_is_no_failure(log: Path) -> None:
    write(
        log,
        f"{STAMP} INFO [lambda] ESM: Lambda work processed 1 SQS messages from q",
        f"{STAMP} INFO [lambda] ESM: Lambda work output:",
        '{"level": "ERROR", "message": "one exchange is silent"}',
        f"{STAMP} INFO [lambda] something else",
    )
    assert Journal(log).read() == []


def test_a_line_is_taken_when_it_is_whole(log: Path) -> None:
    journal = Journal(log)
    line = f"{STAMP} INFO [lambda] ESM: Lambda relay processed 5 DynamoDB stream records from signals\n"
    for part in (line[:40], line[40:]):
        with log.open("a") as file:
            file.write(part)
        journal.read()
    assert journal.stream_records == {"signals": 5}


def test_reports_of_functions_are_added_up(log: Path) -> None:
    for candles in (2, 3):
        write(
            log,
            f"{STAMP} INFO [lambda] Lambda generate output:",
            f'{{"level": "INFO", "message": "GenerationReport", "candles": {candles}, "cold_start": true}}',
        )
    journal = Journal(log)
    journal.read()
    assert journal.reports == {"GenerationReport.candles": 5}


def test_a_denied_call_names_action_and_resource() -> None:
    reason = f"{DENIED} on resource: arn:aws:dynamodb:eu-central-1:0:table/signalbox-SignalsTable-219E5C7BDDBEE"
    assert str(explain("signalbox-generate_signals", reason)) == (
        "generate_signals may not dynamodb:PutItem on signals (AccessDeniedException)"
    )


def test_a_denied_call_takes_its_table_from_the_adapters_words() -> None:
    reason = f"signalbox.domain.errors.PermanentError: PutItem on signalbox-SignalsTable-219E5C7BDDBEE failed: {DENIED}"
    assert str(explain("generate", reason)) == "generate may not dynamodb:PutItem on signals (AccessDeniedException)"


@pytest.mark.parametrize(
    ("physical", "word"),
    [
        ("signalbox-SignalsTable-219E5C7BDDBEE", "signals"),
        ("arn:aws:lambda:eu-central-1:000000000000:function:signalbox-plan_shards", "plan_shards"),
        ("http://127.0.0.1:4566/000000000000/signalbox-deliver-free", "deliver_free"),
        ("signalbox-RelayDeadLetters-59949C7999A99", "relay_dead_letters"),
    ],
)
def test_physical_names_become_words(physical: str, word: str) -> None:
    assert plain_name(physical) == word
