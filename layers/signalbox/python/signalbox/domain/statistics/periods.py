"""Any period as few stored pieces: the days of its broken months, and its whole months."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from signalbox.domain.errors import InvalidValueError

_DAY = timedelta(days=1)


class Grain(StrEnum):
    """How long the stored pieces are."""

    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Span:
    """The pieces of one grain from the one that holds `first` to the one that holds `last`."""

    grain: Grain
    first: date
    last: date


def piece_name(grain: Grain, day: date) -> str:
    """Return the name of the piece that holds `day`: `day 2024-01-05`, `month 2024-01`; names sort as time does."""
    return f"{grain} {day:%Y-%m-%d}" if grain is Grain.DAY else f"{grain} {day:%Y-%m}"


def piece_start(name: str) -> date:
    """Return the first day of a named piece."""
    grain, _, text = name.partition(" ")
    return date.fromisoformat(text if grain == Grain.DAY else f"{text}-01")


def pieces_in(span: Span) -> list[str]:
    """Return the names of a span's pieces, in order."""
    names, day = [], span.first
    while (name := piece_name(span.grain, day)) <= piece_name(span.grain, span.last):
        names.append(name)
        day = day + _DAY if span.grain is Grain.DAY else month_after(day)
    return names


def spans(since: date, until: date) -> list[Span]:
    """Return the fewest spans that make up [since, until): at most 60 days in broken months, and whole months.

    Raises InvalidValueError unless `since` lies before `until`.
    """
    if since >= until:
        raise InvalidValueError(f"a period must begin before it ends, was {since} to {until}")
    first_whole = since if since.day == 1 else month_after(since)
    after_whole = until.replace(day=1)
    if first_whole >= after_whole:
        return days(since, until)
    found = days(since, first_whole) if since < first_whole else []
    found.append(Span(Grain.MONTH, first_whole, after_whole - _DAY))
    return found + (days(after_whole, until) if after_whole < until else [])


def days(since: date, until: date) -> list[Span]:
    """Return the one span of days that is [since, until)."""
    return [Span(Grain.DAY, since, until - _DAY)]


def month_after(day: date) -> date:
    """Return the first day of the month after the one that holds `day`."""
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)
