"""Exports read back: whatever the format, the same records."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.history.export import COLUMNS, Column, ExportFormat, Kind, Record, unguarded


def read_records(form: ExportFormat, lines: Iterable[str]) -> Iterator[Record]:
    """Yield the records of an export.

    Parameters
    ----------
    form : ExportFormat
        What it was written as.
    lines : iterable of str
        Its lines with their ends as they are, as `open(path, encoding="utf-8", newline="")` gives them. A byte order
        mark, which a program may have added, is taken off.

    Raises
    ------
    InvalidValueError
        If it is no export of this format, or was cut off; the message names the line.
    """
    if form is ExportFormat.CSV:
        yield from _read_csv(_without_mark(lines))
        return
    ended = form is ExportFormat.JSONL
    for number, line in enumerate(_without_mark(lines), 1):
        text = line.strip()
        if form is ExportFormat.JSON and (text == "[" or ended):
            continue
        if form is ExportFormat.JSON and text == "]":
            ended = True
        else:
            yield _read_json(text.removesuffix(","), number)
    if not ended:
        raise InvalidValueError("a JSON export must end with ], ended without: it was cut off")


def _without_mark(lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield line if number else line.removeprefix("\ufeff")


def _read_json(text: str, number: int) -> Record:
    try:
        record = json.loads(text)
    except ValueError as e:
        raise InvalidValueError(f"line {number} must be a JSON object, was {text[:80]!r}") from e
    if not isinstance(record, dict):
        raise InvalidValueError(f"line {number} must be a JSON object, was {text[:80]!r}")
    return record


def _read_csv(lines: Iterable[str]) -> Iterator[Record]:
    reader = csv.reader(lines, strict=True)
    names = [column.name for column in COLUMNS]
    try:
        header = next(reader, [])
        if header[: len(names)] != names:
            raise InvalidValueError(f"the first line must name the columns {', '.join(names)}, was {header!r}")
        for cells in reader:
            if len(cells) != len(header):
                raise InvalidValueError(
                    f"line {reader.line_num} must have {len(header)} cells, had {len(cells)}: it was cut off"
                )
            yield {column.name: _value(column, cell) for column, cell in zip(COLUMNS, cells, strict=False)}
    except csv.Error as e:
        raise InvalidValueError(f"line {reader.line_num} must be RFC 4180, was not: {e}") from e


def _value(column: Column, cell: str) -> Any:
    if cell == "" and (column.nullable or column.kind is not Kind.TEXT):
        return None
    try:
        return _FROM_CELL[column.kind](cell)
    except (ValueError, KeyError) as e:
        raise InvalidValueError(f"{column.name} must be a {column.kind}, was {cell[:80]!r}") from e


_FROM_CELL: dict[Kind, Callable[[str], Any]] = {
    Kind.TEXT: unguarded,
    Kind.EXACT: str,
    Kind.NUMBER: float,
    Kind.WHOLE: int,
    Kind.FLAG: lambda cell: {"true": True, "false": False}[cell],
    Kind.MOMENT: str,
    Kind.NESTED: json.loads,
}
