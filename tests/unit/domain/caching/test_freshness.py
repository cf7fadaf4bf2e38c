from datetime import timedelta

import pytest

from signalbox.domain.caching.freshness import Use, stamp
from signalbox.domain.caching.popularity import MOST_REMEMBERED, Popularity
from signalbox.domain.caching.questions import Question
from signalbox.domain.caching.versions import DataVersion
from signalbox.domain.history.filters import Sort
from signalbox.domain.history.search import parse
from tests.builders import NOW

SECOND = timedelta(seconds=1)


def test_what_was_read_long_after_the_newest_write_is_good_until_the_next_one():
    version = DataVersion("v", NOW)
    kept = stamp(version, NOW + 5 * SECOND, 1.0)

    assert kept.use(version, NOW + timedelta(days=3_650), NOW) is Use.FRESH
    assert kept.use(DataVersion("w", NOW), NOW + 6 * SECOND, NOW) is Use.STALE
    assert kept.use(DataVersion("w", NOW), NOW + 66 * SECOND, NOW) is Use.NONE


@pytest.mark.parametrize("after", [-1, 0, 4.999])
def test_what_was_read_just_after_a_write_is_good_for_two_seconds_as_indexes_lag(after: float):
    version = DataVersion("v", NOW)
    read_at = NOW + after * SECOND
    kept = stamp(version, read_at, 1.0)

    assert kept.use(version, read_at + 1.999 * SECOND, NOW) is Use.FRESH
    assert kept.use(version, read_at + 2 * SECOND, NOW) is Use.STALE


@pytest.mark.parametrize(("later", "age"), [(-1, 0), (0, 0), (0.001, 1), (1, 1), (1.001, 2)])
def test_an_age_is_never_told_too_low(later: float, age: int):
    assert stamp(DataVersion("v", None), NOW, 1.0).age(NOW + later * SECOND) == age


def test_a_question_reads_back_as_it_was_and_equal_ones_share_a_key():
    question = Question(
        since=NOW - 5 * SECOND,
        until=NOW,
        where=parse("symbol:BTC/USDT,ETH/USDT status:stop quality>80 regime:UP breakout").where,
        sort=Sort.QUALITY,
        descending=False,
        limit=20,
        delay_class="free",
        bound_to="x",
        cursor="c",
    )
    again = Question.from_message(question.to_message())

    assert again == question
    assert again.key == question.key
    other = Question.from_message({**question.to_message(), "delay_class": "pro"})
    assert other.key != question.key


def test_the_record_of_what_is_asked_halves_each_hour_and_stays_bounded():
    asked = Popularity(NOW).heard([("old", 3, {"q": 1})], NOW)
    later = asked.heard([("new", 2, {"q": 2})], NOW + timedelta(hours=1))
    assert later.top(2) == [{"q": 2}, {"q": 1}]
    assert later.asked["old"].weight == pytest.approx(1.5)
    assert Popularity.from_record(later.to_record()) == later
    assert later.heard([], NOW + timedelta(hours=12)).asked == {}

    many = later.heard([(f"{number}", number, {"q": number}) for number in range(1, 300)], NOW + timedelta(hours=1))
    assert len(many.asked) == MOST_REMEMBERED
    assert many.top(1) == [{"q": 299}]
