"""A period is made of few pieces, every one of its days in exactly one of them."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.statistics.periods import Grain, Span, month_after, piece_name, piece_start, spans

DAYS = st.dates(date(2015, 1, 1), date(2035, 12, 31))


def days_in(span: Span) -> list[date]:
    return [span.first + timedelta(days=at) for at in range((span.last - span.first).days + 1)]


@given(DAYS, st.integers(1, 3000))
def test_every_day_of_a_period_lies_in_exactly_one_piece(since: date, length: int) -> None:
    until = since + timedelta(days=length)
    covered = [day for span in spans(since, until) for day in days_in(span)]
    assert covered == [since + timedelta(days=at) for at in range(length)]


@given(DAYS, st.integers(1, 3000))
def test_months_are_whole_and_days_are_left_only_at_the_ends(since: date, length: int) -> None:
    found = spans(since, since + timedelta(days=length))
    assert len(found) <= 3
    for span in found:
        if span.grain is Grain.MONTH:
            assert span.first.day == 1
            assert (span.last + timedelta(days=1)).day == 1
    assert sum(len(days_in(span)) for span in found if span.grain is Grain.DAY) <= 60


@given(DAYS)
def test_the_name_of_a_piece_says_its_first_day(day: date) -> None:
    assert piece_start(piece_name(Grain.DAY, day)) == day
    assert piece_start(piece_name(Grain.MONTH, day)) == day.replace(day=1)


def test_names_sort_as_time_does() -> None:
    names = [piece_name(Grain.MONTH, date(2023, 11, 1)), piece_name(Grain.MONTH, month_after(date(2023, 12, 31)))]
    assert names == sorted(names) == ["month 2023-11", "month 2024-01"]


def test_a_period_without_a_day_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="must begin before it ends"):
        spans(date(2024, 1, 5), date(2024, 1, 5))
