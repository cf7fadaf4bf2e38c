"""Signals as records of an export: the same records as CSV, as one JSON array, or as JSON lines.

A record is flat, its columns always in the order of `COLUMNS`. Prices are exact text, numbers their shortest exact
digits, moments ISO 8601 with `Z`; what is not there is null, in CSV an empty cell. Mappings and lists are JSON, in CSV
JSON text.

CSV is RFC 4180 in UTF-8 without a byte order mark, which would become part of the first column's name wherever it is
not expected; a spreadsheet is told UTF-8 when it imports. A spreadsheet runs a cell as a formula by how it begins, so a
*text* that begins with one of `RUN_BY_SPREADSHEETS`, also behind blanks, gets an apostrophe in front, and so does one
that begins with an apostrophe: whoever reads takes one leading apostrophe off every text and has what was written
(`export_reader`). Numbers are never touched: `-1.5` stays a number. JSON text begins with a bracket and runs nowhere.
"""

import csv
import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from io import StringIO
from operator import attrgetter
from typing import Any

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import to_iso
from signalbox.domain.signals.costs import Costs
from signalbox.domain.signals.signal import Ending, Signal

Record = dict[str, Any]

GUARD = "'"
RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How a formula begins, in ASCII and in the full-width forms that spreadsheets fold into it."""
_GUARDED = (*RUN_BY_SPREADSHEETS, GUARD)


class ExportFormat(StrEnum):
    """How an export is written."""

    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"

    @property
    def media_type(self) -> str:
        """The format's name on the web."""
        return _MEDIA_TYPES[self]


_MEDIA_TYPES = {
    ExportFormat.CSV: "text/csv; charset=utf-8; header=present",
    ExportFormat.JSON: "application/json",
    ExportFormat.JSONL: "application/jsonl; charset=utf-8",
}


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    EXACT = "exact decimal"
    NUMBER = "float64"
    WHOLE = "whole number"
    FLAG = "true or false"
    MOMENT = "moment"
    NESTED = "JSON"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, what it holds, where that comes from, and whether it may be null."""

    name: str
    kind: Kind
    value: Callable[[Signal], Any]
    nullable: bool = False


def _own(kind: Kind, *names: str, nullable: bool = False) -> list[Column]:
    return [Column(name, kind, attrgetter(name), nullable) for name in names]


def _level(name: str) -> Column:
    return Column(name, Kind.EXACT, attrgetter(f"levels.{name}"))


def _of_ending(kind: Kind, name: str, column: str = "") -> Column:
    def value(signal: Signal) -> Any:
        ending: Ending | None = signal.ending
        return None if ending is None else getattr(ending, name)

    return Column(column or name, kind, value, nullable=True)


def _cost(name: str) -> Column:
    def value(signal: Signal) -> Any:
        costs: Costs | None = None if signal.ending is None else signal.ending.costs
        return None if costs is None else getattr(costs, name)

    return Column(name, Kind.NUMBER, value, nullable=True)


COLUMNS: tuple[Column, ...] = (
    Column("id", Kind.TEXT, attrgetter("signal_id")),
    *_own(Kind.TEXT, "symbol", "exchange", "timeframe", "strategy"),
    *_own(Kind.WHOLE, "strategy_version"),
    *_own(Kind.TEXT, "signal_type", "status"),
    *(_level(name) for name in ("entry_price", "target_price", "stop_loss")),
    *_own(Kind.MOMENT, "created_at", "published_at", "expires_at"),
    *_own(Kind.NUMBER, "quality_score"),
    *_own(Kind.NUMBER, "confidence", nullable=True),
    *_own(Kind.TEXT, "regime", "summary", "origin"),
    *_own(Kind.FLAG, "may_act"),
    *_own(Kind.WHOLE, "revision"),
    *_own(Kind.EXACT, "revised_price", nullable=True),
    *_own(Kind.MOMENT, "revised_at", nullable=True),
    *_own(Kind.EXACT, "filled_price", nullable=True),
    *_own(Kind.MOMENT, "filled_at", nullable=True),
    *_own(Kind.NUMBER, "mfe_r", "mae_r"),
    _of_ending(Kind.MOMENT, "ended_at"),
    _of_ending(Kind.EXACT, "exit_price"),
    *(_of_ending(Kind.NUMBER, name) for name in ("r", "optimistic_r", "cost_r")),
    _of_ending(Kind.FLAG, "ambiguous"),
    *(_cost(name) for name in ("fee_bps", "half_spread_bps", "slippage_bps")),
    _of_ending(Kind.WHOLE, "rules_version"),
    _of_ending(Kind.TEXT, "candles_hash", "ending_candles_hash"),
    *_own(Kind.MOMENT, "checked_until", nullable=True),
    *_own(Kind.EXACT, "last_close", nullable=True),
    *_own(Kind.WHOLE, "candles_missing"),
    *_own(Kind.TEXT, "candles_hash"),
    *_own(Kind.NESTED, "quality_parts", "reasons", "features"),
    *_own(Kind.WHOLE, "feature_version"),
    *_own(Kind.NESTED, "notes"),
    *_own(Kind.TEXT, "code_version"),
)
"""The columns of every export, in order. A new one goes to the end."""


def record_of(signal: Signal) -> Record:
    """Return the record of a signal, made of JSON's own types.

    An empty text is null where the column may be null. A number that is not finite, which JSON does not know, is null.
    """
    return {
        column.name: None if (value := column.value(signal)) is None else _AS_JSON[column.kind](value, column)
        for column in COLUMNS
    }


def opening(form: ExportFormat) -> str:
    """Return what stands before the first record."""
    if form is ExportFormat.CSV:
        return _csv_lines([[column.name for column in COLUMNS]])
    return "[\n" if form is ExportFormat.JSON else ""


def spelled(form: ExportFormat, signals: Iterable[Signal], before: int) -> Iterator[str]:
    """Yield the text of each signal, one by one; `before` is how many records stand before them."""
    for number, signal in enumerate(signals, before):
        record = record_of(signal)
        if form is ExportFormat.CSV:
            yield _csv_lines([[_cell(column, record[column.name]) for column in COLUMNS]])
        elif form is ExportFormat.JSONL:
            yield compact(record) + "\n"
        else:
            yield (",\n" if number else "") + compact(record)


def closing(form: ExportFormat, rows: int) -> str:
    """Return what stands behind the last of `rows` records."""
    if form is not ExportFormat.JSON:
        return ""
    return "\n]\n" if rows else "]\n"


def compact(value: Any) -> str:
    """Return JSON without spaces, in Unicode's own characters; raise InvalidValueError for what JSON does not know."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as e:
        raise InvalidValueError(f"a record must be made of JSON's own types: {e}") from e


def guarded(text: str) -> str:
    """Return a text that no spreadsheet runs, from which `unguarded` makes the same again."""
    runs = text.startswith(_GUARDED) or text.lstrip().startswith(RUN_BY_SPREADSHEETS)
    return GUARD + text if runs else text


def unguarded(text: str) -> str:
    """Return the text that was guarded."""
    return text.removeprefix(GUARD)


def _cell(column: Column, value: Any) -> str:
    if value is None:
        return ""
    if column.kind is Kind.TEXT:
        return guarded(value)
    if column.kind is Kind.NESTED:
        return compact(value)
    if column.kind is Kind.FLAG:
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)


def _csv_lines(rows: Iterable[list[str]]) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def _finite(value: Any) -> Any:
    """Return `value` with null for every number in it that is not finite, and lists for tuples."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return value


def _exact(value: Decimal, _column: Column) -> str:
    return f"{value:f}"


def _moment(value: datetime, _column: Column) -> str:
    return to_iso(value)


def _text(value: Any, column: Column) -> str | None:
    return (str(value) or None) if column.nullable else str(value)


_AS_JSON: dict[Kind, Callable[[Any, Column], Any]] = {
    Kind.TEXT: _text,
    Kind.EXACT: _exact,
    Kind.NUMBER: lambda value, _column: _finite(float(value)),
    Kind.WHOLE: lambda value, _column: int(value),
    Kind.FLAG: lambda value, _column: bool(value),
    Kind.MOMENT: _moment,
    Kind.NESTED: lambda value, _column: _finite(dict(value) if hasattr(value, "items") else value),
}
