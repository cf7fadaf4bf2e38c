from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import from_iso, from_ms, to_iso, to_ms

milliseconds = st.integers(min_value=0, max_value=4_102_444_800_000)


@given(milliseconds)
def test_milliseconds_and_text_come_back_as_they_went(at: int):
    assert to_ms(from_ms(at)) == at
    assert from_iso(to_iso(from_ms(at))) == from_ms(at)


@given(milliseconds, milliseconds)
def test_text_of_whole_seconds_sorts_as_the_moments_do(one: int, other: int):
    first, second = from_ms(one - one % 1000), from_ms(other - other % 1000)

    assert (to_iso(first) < to_iso(second)) == (first < second)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2024, 1, 5, 13, tzinfo=UTC), "2024-01-05T13:00:00Z"),
        (datetime(2024, 1, 5, 13, microsecond=7_000, tzinfo=UTC), "2024-01-05T13:00:00.007Z"),
        (datetime(2024, 1, 5, 13, microsecond=7, tzinfo=UTC), "2024-01-05T13:00:00Z"),
        (datetime(2024, 1, 5, 15, tzinfo=timezone(timedelta(hours=2))), "2024-01-05T13:00:00Z"),
        (datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC), "1969-12-31T23:59:59Z"),
    ],
)
def test_text_is_utc_with_z_and_no_more_digits_than_needed(moment: datetime, text: str):
    assert to_iso(moment) == text


@pytest.mark.parametrize("text", ["2024-01-05T13:00:00+00:00", "2024-01-05T15:00:00+02:00", "20240105T130000Z"])
def test_any_iso_text_with_a_zone_is_read(text: str):
    assert from_iso(text) == datetime(2024, 1, 5, 13, tzinfo=UTC)


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(InvalidValueError, match="moment must have a time zone, was 2024-01-05T13:00:00"):
        to_ms(datetime(2024, 1, 5, 13))  # noqa: DTZ001 - that is the point


@pytest.mark.parametrize("text", ["", "yesterday", "2024-13-01T00:00:00Z", "2024-01-05T13:00:00", None])
def test_what_is_no_moment_is_refused(text: str):
    with pytest.raises(InvalidValueError, match="moment must"):
        from_iso(text)
