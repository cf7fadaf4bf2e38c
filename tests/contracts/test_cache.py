"""Versions only grow, the newer answer stays, and one reader at a time has the lease."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random

from signalbox.adapters.storage.cache import LARGEST, DynamoAnswers, DynamoAsked, DynamoVersions
from signalbox.domain.caching.freshness import Stamp
from signalbox.domain.caching.versions import Version
from signalbox.ports.caching import AnswerStore, AskedRepository, KeptAnswer, VersionRepository
from tests.builders import NOW
from tests.contracts.implementations import either
from tests.fakes.caching import InMemoryAnswers, InMemoryAsked, InMemoryVersions

versions = either(InMemoryVersions, DynamoVersions)
answers = either(InMemoryAnswers, DynamoAnswers)
asked = either(InMemoryAsked, DynamoAsked)

SECOND = timedelta(seconds=1)


def answer(text: str, seconds: float = 0, *, good_for: float | None = None) -> KeptAnswer:
    read_at = NOW + seconds * SECOND
    good_until = None if good_for is None else read_at + good_for * SECOND
    return KeptAnswer(Stamp(token="t", read_at=read_at, good_until=good_until, units=12.5), text)


def same(one: KeptAnswer | None, other: KeptAnswer) -> bool:
    return one is not None and (one.stamp, one.text) == (other.stamp, other.text)


def test_a_counter_that_was_never_moved_is_at_its_beginning(versions: VersionRepository):
    assert versions.current(["a", "b"]) == {"a": Version(), "b": Version()}


def test_each_move_counts_once_and_says_when(versions: VersionRepository):
    versions.move({"a": frozenset(), "b": frozenset({NOW})}, NOW)
    versions.move({"a": frozenset()}, NOW + SECOND)

    assert versions.current(["a", "b", "c"]) == {
        "a": Version(2, NOW + SECOND),
        "b": Version(1, NOW, frozenset({NOW})),
        "c": Version(),
    }


def test_moments_of_publication_gather_and_old_ones_are_forgotten(versions: VersionRepository):
    for minutes in (0, 30, 59, 95):
        moment = NOW + timedelta(minutes=minutes)
        versions.move({"a": frozenset({moment})}, moment)

    minutes = {(moment - NOW) / timedelta(minutes=1) for moment in versions.current(["a"])["a"].publications}
    assert minutes == {59, 95}


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
