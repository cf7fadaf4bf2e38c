"""Versions only grow, the newer answer stays, and one reader at a time has the lease."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from signalbox.adapters.storage.cache import (
    LARGEST,
    DynamoAnswers,
    DynamoAsked,
    DynamoCacheFigures,
    DynamoCacheReader,
    DynamoVersions,
)
from signalbox.domain.caching.figures import CacheFigures
from signalbox.domain.caching.freshness import Stamp
from signalbox.domain.caching.versions import Moves, Version, Waiting
from signalbox.ports.caching import (
    AnswerStore,
    AskedRepository,
    CacheFiguresRepository,
    CacheReader,
    KeptAnswer,
    Reading,
    VersionRepository,
)
from tests.builders import NOW
from tests.contracts.implementations import either
from tests.fakes.caching import (
    InMemoryAnswers,
    InMemoryAsked,
    InMemoryCacheFigures,
    InMemoryCacheReader,
    InMemoryVersions,
)


@dataclass
class House:
    """What moves counters, what keeps answers, and what reads both."""

    versions: VersionRepository
    answers: AnswerStore
    reader: CacheReader

    @classmethod
    def in_memory(cls) -> "House":
        versions, answers = InMemoryVersions(), InMemoryAnswers()
        return cls(versions, answers, InMemoryCacheReader(versions, answers))

    @classmethod
    def in_dynamo(cls) -> "House":
        return cls(DynamoVersions(), DynamoAnswers(), DynamoCacheReader())


house = either(House.in_memory, House.in_dynamo)
answers = either(InMemoryAnswers, DynamoAnswers)
asked = either(InMemoryAsked, DynamoAsked)
figures = either(InMemoryCacheFigures, DynamoCacheFigures)

SECOND = timedelta(seconds=1)


def answer(text: str, seconds: float = 0, *, good_for: float | None = None) -> KeptAnswer:
    read_at = NOW + seconds * SECOND
    good_until = None if good_for is None else read_at + good_for * SECOND
    turns_at = NOW + timedelta(days=1) if good_for is None else None
    stamp = Stamp(token="t", read_at=read_at, good_until=good_until, units=12.5, turns_at=turns_at)
    return KeptAnswer(stamp, Reading(text, f"beside {text}", turns_at))


def same(one: KeptAnswer | None, other: KeptAnswer) -> bool:
    return one is not None and (one.stamp, one.reading) == (other.stamp, other.reading)


def test_a_counter_that_was_never_moved_is_at_its_beginning(house: House):
    assert house.reader.current(["a", "b"]) == {"a": Version(), "b": Version()}


def test_each_move_counts_as_often_as_it_says_and_says_when(house: House):
    house.versions.move({"a": Moves(), "b": Moves(2, frozenset({NOW}))}, NOW)
    house.versions.move({"a": Moves()}, NOW + SECOND)
    house.versions.move({"b": Moves(1, frozenset({NOW}))}, NOW)

    house.versions.move({"b": Moves(1, frozenset({NOW}))}, NOW + SECOND)

    assert house.reader.current(["a", "b", "c"]) == {
        "a": Version(2, changed_at=NOW + SECOND),
        "b": Version(4, {NOW: Waiting(3, NOW + SECOND)}, changed_at=NOW),
        "c": Version(),
    }


def test_moments_of_publication_gather_and_old_ones_are_forgotten_but_count(house: House):
    for minutes in (0, 30, 59, 95):
        moment = NOW + timedelta(minutes=minutes)
        house.versions.move({"a": Moves(1, frozenset({moment}))}, moment)

    found = house.reader.current(["a"])["a"]
    assert {(moment - NOW) / timedelta(minutes=1) for moment in found.publications} == {59, 95}
    assert found.count == 4


def test_a_move_heard_of_just_now_is_remembered_however_old_its_publication(house: House):
    house.versions.move({"a": Moves(1, frozenset({NOW}))}, NOW)
    late = NOW - timedelta(hours=2)
    house.versions.move({"a": Moves(1, frozenset({late}))}, NOW + SECOND)
    assert house.reader.current(["a"])["a"].heard_at(late) == NOW + SECOND

    house.versions.move({"a": Moves(1, frozenset({NOW}))}, NOW + timedelta(minutes=1))
    found = house.reader.current(["a"])["a"]
    assert (found.count, set(found.publications)) == (3, {NOW})


def test_one_look_sees_counters_and_what_is_kept(house: House):
    assert house.reader.look(["a"], "k") == ({"a": Version()}, None)
    house.versions.move({"a": Moves()}, NOW)
    house.answers.put("k", answer("x"))

    versions, kept = house.reader.look(["a", "b"], "k")
    assert versions == {"a": Version(1, changed_at=NOW), "b": Version()}
    assert same(kept, answer("x"))


def test_an_answer_comes_back_as_it_was_kept(answers: AnswerStore):
    assert answers.get("k") is None
    for kept in (answer('{"ä":1}', good_for=2), answer("newer", 1)):
        answers.put("k", kept)
        assert same(answers.get("k"), kept)


def test_an_answer_that_was_read_earlier_does_not_replace_a_later_one(answers: AnswerStore):
    answers.put("k", answer("later", 1))
    answers.put("k", answer("earlier", 0))

    assert same(answers.get("k"), answer("later", 1))


def test_one_reader_has_the_lease_until_it_ends_or_the_answer_is_there(answers: AnswerStore):
    assert answers.claim("k", NOW, NOW + 5 * SECOND)
    assert not answers.claim("k", NOW + SECOND, NOW + 6 * SECOND)
    assert answers.claim("other", NOW, NOW + 5 * SECOND)
    assert answers.claim("k", NOW + 5 * SECOND, NOW + 10 * SECOND)
    answers.put("k", answer("x"))
    assert answers.claim("k", NOW + 6 * SECOND, NOW + 11 * SECOND)
    answers.release("k")
    assert answers.claim("k", NOW + 6 * SECOND, NOW + 11 * SECOND)


def test_a_lease_hides_no_answer_and_is_none(answers: AnswerStore):
    answers.claim("new", NOW, NOW + SECOND)
    answers.put("old", answer("x"))
    answers.claim("old", NOW, NOW + SECOND)

    assert answers.get("new") is None
    assert same(answers.get("old"), answer("x"))


def test_what_is_asked_most_comes_first_and_fades(asked: AskedRepository):
    assert asked.top(3) == []
    asked.hear([("a", 5, {"q": "a"}), ("b", 3, {"q": "b"})], NOW)
    asked.hear([("b", 3, {"q": "b"}), ("c", 1, {"q": "c"})], NOW + timedelta(hours=1))

    assert asked.top(2) == [{"q": "b"}, {"q": "a"}]


def test_what_workers_counted_adds_up_by_the_day(figures: CacheFiguresRepository):
    assert figures.of_day(NOW) == CacheFigures()
    figures.add({"requests": 3, "recomputed": 1, "saved_read_units": 2.5}, NOW)
    figures.add({"requests": 1, "saved_read_units": 0.5, "age_seconds": 9}, NOW + SECOND)
    figures.add({}, NOW)
    figures.add({"requests": 7}, NOW + timedelta(days=1))

    found = figures.of_day(NOW)
    assert found == CacheFigures(requests=4, recomputed=1, saved_read_units=3.0, age_seconds=9)
    assert (found.hit_rate, found.mean_age_seconds) == (0.75, 3.0)


def test_of_workers_that_go_for_the_lease_at_once_one_gets_it(one_call_at_a_time: None):
    shared = DynamoAnswers()

    with ThreadPoolExecutor(4) as workers:
        got = workers.map(lambda _: shared.claim("k", NOW, NOW + SECOND), range(16))
        assert sum(got) == 1


def test_an_answer_too_large_for_an_item_is_not_kept_and_its_lease_is_over(tables: None):
    noise = Random(1).randbytes(LARGEST).hex()
    DynamoAnswers().claim("k", NOW, NOW + SECOND)
    DynamoAnswers().put("k", answer(noise))

    assert DynamoAnswers().get("k") is None
    assert DynamoAnswers().claim("k", NOW, NOW + SECOND)
