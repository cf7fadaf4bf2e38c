from datetime import UTC, datetime, time, timedelta

import pytest

from signalbox.domain.delivery.timing import (
    Digest,
    QuietHours,
    after_quiet,
    local_day,
    next_digest,
    next_local,
    next_multiple,
    zone,
)
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import from_iso

BERLIN = "Europe/Berlin"
NIGHT = QuietHours(time(22), time(7))


@pytest.mark.parametrize(
    ("moment", "until"),
    [
        ("2024-01-05T21:00:00Z", "2024-01-06T06:00:00Z"),  # 22:00 there: quiet begins
        ("2024-01-06T02:00:00Z", "2024-01-06T06:00:00Z"),
        ("2024-01-06T05:59:59Z", "2024-01-06T06:00:00Z"),
        ("2024-01-06T06:00:00Z", "2024-01-06T06:00:00Z"),  # 07:00 there: quiet is over
        ("2024-01-05T20:59:59Z", "2024-01-05T20:59:59Z"),
        ("2024-07-06T02:00:00Z", "2024-07-06T05:00:00Z"),  # in summer an hour earlier
    ],
)
def test_quiet_hours_over_midnight_end_in_the_morning_of_their_own_zone(moment: str, until: str) -> None:
    assert after_quiet(from_iso(moment), NIGHT, BERLIN) == from_iso(until)


def test_quiet_hours_within_a_day_do_not_cover_the_night() -> None:
    noon = QuietHours(time(12), time(13))
    assert after_quiet(from_iso("2024-01-05T12:30:00Z"), noon, "UTC") == from_iso("2024-01-05T13:00:00Z")
    assert after_quiet(from_iso("2024-01-05T23:30:00Z"), noon, "UTC") == from_iso("2024-01-05T23:30:00Z")


def test_a_local_time_that_summer_time_leaves_out_comes_when_it_would_have_been() -> None:
    # On 31 March 2024 clocks in Berlin go from 02:00 to 03:00: 02:30 would have been 01:30 UTC.
    assert next_local(from_iso("2024-03-31T00:00:00Z"), time(2, 30), BERLIN) == from_iso("2024-03-31T01:30:00Z")


def test_a_local_time_that_comes_twice_counts_both_times() -> None:
    # On 27 October 2024 clocks in Berlin go from 03:00 back to 02:00: 02:30 is 00:30 UTC and 01:30 UTC.
    first = next_local(from_iso("2024-10-27T00:00:00Z"), time(2, 30), BERLIN)
    assert first == from_iso("2024-10-27T00:30:00Z")
    assert next_local(first, time(2, 30), BERLIN) == from_iso("2024-10-27T01:30:00Z")


def test_the_end_of_quiet_hours_lies_ahead_at_every_quarter_of_an_hour_of_a_year() -> None:
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    for quiet in (NIGHT, QuietHours(time(1), time(2, 30))):
        for step in range(0, 366 * 96, 7):
            at = moment + step * timedelta(minutes=15)
            until = after_quiet(at, quiet, BERLIN)
            assert at <= until <= at + timedelta(hours=25)
            assert until == at or until.astimezone(zone(BERLIN)).time() in (quiet.end, time(3, 30))


def test_digests_come_later_than_what_they_hold() -> None:
    at = from_iso("2024-01-05T13:00:00Z")
    assert next_digest(at, Digest.HOURLY, BERLIN) == from_iso("2024-01-05T14:00:00Z")
    assert next_digest(at, Digest.DAILY, BERLIN) == from_iso("2024-01-06T07:00:00Z")
    assert next_digest(from_iso("2024-01-06T07:00:00Z"), Digest.DAILY, BERLIN) == from_iso("2024-01-07T07:00:00Z")
    with pytest.raises(InvalidValueError, match="hourly or daily"):
        next_digest(at, Digest.IMMEDIATE, BERLIN)


def test_days_are_local() -> None:
    late = from_iso("2024-01-05T23:30:00Z")
    assert [local_day(late, name) for name in ("UTC", BERLIN)] == ["2024-01-05", "2024-01-06"]


def test_multiples_are_counted_from_midnight() -> None:
    step = timedelta(minutes=5)
    assert next_multiple(from_iso("2024-01-05T13:04:59Z"), step) == from_iso("2024-01-05T13:05:00Z")
    assert next_multiple(from_iso("2024-01-05T23:55:00Z"), step) == from_iso("2024-01-06T00:00:00Z")


@pytest.mark.parametrize("name", ["Berlin", "../etc/passwd", "", "Europe/\x00", "/etc/localtime"])
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(InvalidValueError, match="IANA time zone"):
        zone(name)


def test_quiet_hours_that_never_end_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="must end at another time"):
        QuietHours(time(7), time(7))
