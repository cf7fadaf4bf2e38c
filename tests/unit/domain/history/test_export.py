import csv
import io
import json
from dataclasses import fields, replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.history.export import (
    COLUMNS,
    RUN_BY_SPREADSHEETS,
    ExportFormat,
    Kind,
    closing,
    guarded,
    opening,
    record_of,
    spelled,
    unguarded,
)
from signalbox.domain.history.export_reader import read_records
from signalbox.domain.signals.costs import Costs
from signalbox.domain.signals.signal import Ending, Levels, Signal, Status
from tests.builders import NOW, ended, make_signal

DANGEROUS = ["=1+1", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", " =1+1", "'=1", "''", "'", "-5", '="a",b']


def exported(form: ExportFormat, signals: list[Signal]) -> str:
    return opening(form) + "".join(spelled(form, signals, 0)) + closing(form, len(signals))


def read(form: ExportFormat, text: str) -> list[dict]:
    return list(read_records(form, io.StringIO(text, newline="")))


def varied() -> list[Signal]:
    """An open one, an ended one, and one of everything that could go wrong in a file."""
    open_one = make_signal(confidence=0.1 + 0.2, notes=("first, note", 'a "second"'))
    strange = make_signal(
        NOW - timedelta(hours=1),
        symbol="币安人生/USDT",
        summary='Trend "up",\r\nthen\ndown; =1+1',
        reasons={"adx": 31.25, "why": "line\nbreak", "deep": {"list": [1, None, -0.5]}},
        features={"tiny": 5e-324, "nothing": float("nan")},
        levels=Levels(
            entry_price=Decimal("0.00000000123456789012345678901234567890"),
            target_price=Decimal("1E+3"),
            stop_loss=Decimal("0.000000001000"),
        ),
        mae_r=-1.0000000000000002,
        filled_price=Decimal("0.10"),
        filled_at=NOW,
    )
    stopped = ended(
        make_signal(NOW - timedelta(hours=2)), Status.STOP_HIT, r=-1.05, optimistic_r=-1.05, candles_hash=""
    )
    return [open_one, strange, stopped]


def test_every_format_reads_back_as_the_same_records():
    signals = varied()
    expected = json.loads(json.dumps([record_of(signal) for signal in signals]))

    for form in ExportFormat:
        assert read(form, exported(form, signals)) == expected
    assert json.loads(exported(ExportFormat.JSON, signals)) == expected
    assert [json.loads(line) for line in exported(ExportFormat.JSONL, signals).split("\n")[:-1]] == expected


@pytest.mark.parametrize("form", ExportFormat)
def test_an_export_of_nothing_is_a_file_of_no_records(form: ExportFormat):
    text = exported(form, [])

    assert read(form, text) == []
    if form is ExportFormat.JSON:
        assert json.loads(text) == []


def test_numbers_keep_every_digit():
    _, strange, stopped = map(record_of, varied())

    assert strange["entry_price"] == "0.00000000123456789012345678901234567890"
    assert strange["target_price"] == "1000"
    assert strange["filled_price"] == "0.10"
    assert strange["mae_r"] == -1.0000000000000002
    assert strange["features"] == {"tiny": 5e-324, "nothing": None}
    assert stopped["r"] == -1.05
    assert stopped["ended_at"] == "2024-01-05T18:00:00Z"


def test_every_field_of_a_signal_its_levels_ending_and_costs_is_a_column():
    names = {column.name for column in COLUMNS}
    held = {f"ending_{field.name}" if field.name == "candles_hash" else field.name for field in fields(Ending)}

    assert {field.name for field in fields(Signal)} - {"levels", "ending"} <= names
    assert {field.name for field in fields(Levels)} | held - {"costs"} | {each.name for each in fields(Costs)} <= names
    assert len(names) == len(COLUMNS)


def test_csv_is_rfc_4180_with_one_header_and_no_byte_order_mark():
    text = exported(ExportFormat.CSV, varied())
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))

    assert rows[0] == [column.name for column in COLUMNS]
    assert rows[0][0] == "id"
    assert {len(row) for row in rows} == {len(COLUMNS)}
    assert text.endswith("\r\n")
    assert "\n" not in text.replace("\r\n", "").replace("then\ndown", "")


def test_no_cell_of_text_begins_as_a_formula_and_negative_numbers_stay_numbers():
    signals = [replace(make_signal(), summary=text, regime=text, code_version=text) for text in DANGEROUS]
    text = exported(ExportFormat.CSV, [*signals, *varied()])
    header, *rows = csv.reader(io.StringIO(text, newline=""))

    for row in rows:
        for column, cell in zip(COLUMNS, row, strict=True):
            if cell.lstrip().startswith(RUN_BY_SPREADSHEETS):
                assert column.kind is Kind.NUMBER
                assert float(cell) < 0
    assert rows[-1][header.index("r")] == "-1.05"
    assert [record["summary"] for record in read(ExportFormat.CSV, text)[: len(signals)]] == DANGEROUS


@given(st.text() | st.sampled_from(DANGEROUS))
def test_a_guarded_text_runs_nowhere_and_reads_back(text: str):
    assert not guarded(text).lstrip().startswith(RUN_BY_SPREADSHEETS)
    assert unguarded(guarded(text)) == text


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=3), st.floats(), st.text("\"',\r\n=\t;a"))
def test_any_text_and_number_reads_back_from_every_format(notes: list[str], quality: float, summary: str):
    signal = make_signal(notes=tuple(notes), quality_score=quality, summary=summary)
    records = [read(form, exported(form, [signal])) for form in ExportFormat]

    assert records[0] == records[1] == records[2]
    assert records[0][0]["notes"] == notes
    assert records[0][0]["summary"] == summary


def test_a_byte_order_mark_that_somebody_added_is_taken_off():
    signals = varied()
    for form in ExportFormat:
        assert len(read(form, "\ufeff" + exported(form, signals))) == len(signals)


@pytest.mark.parametrize("form", ExportFormat)
def test_a_file_that_was_cut_off_is_refused(form: ExportFormat):
    text = exported(form, varied())

    with pytest.raises(InvalidValueError, match=r"must"):
        read(form, text[: len(text) - 40])


def test_a_file_with_other_columns_is_refused():
    with pytest.raises(InvalidValueError, match="first line must name the columns"):
        read(ExportFormat.CSV, "a,b\r\n1,2\r\n")


def test_a_column_that_a_later_version_adds_is_no_hindrance():
    text = exported(ExportFormat.CSV, [make_signal()])
    header, row, _ = text.split("\r\n")

    assert read(ExportFormat.CSV, f"{header},more\r\n{row},9\r\n") == read(ExportFormat.CSV, text)
