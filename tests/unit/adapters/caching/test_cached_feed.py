from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signalbox.adapters.caching.ages import take_age
from signalbox.adapters.caching.feed import CachedFeed, question_of
from signalbox.adapters.caching.listener import Listener
from signalbox.adapters.caching.near import NearMemory
from signalbox.domain.accounts.account import Tier
from signalbox.domain.errors import InvalidValueError, StorageUnavailableError
from signalbox.domain.signals.signal import Status
from signalbox.ports.caching import KeptAnswer
from signalbox.ports.signals import FeedQuery, Page
from signalbox.services.warm_cache import warm_cache
from tests.fakes.caching import InMemoryAsked, InMemoryVersions
from tests.unit.adapters.caching.cached_house import House

SECOND = timedelta(seconds=1)
READERS = 100


@pytest.fixture
def house() -> House:
    made = House()
    made.publish(1)
    made.deliver()
    made.now += 20 * SECOND
    return made


def test_the_second_request_reads_nothing_in_this_worker_nor_in_another(house: House):
    first, age = house.ask(0, Tier.PREMIUM)
    house.now += 30 * SECOND
    again = [house.ask(worker, Tier.PREMIUM) for worker in (0, 1, 1)]

    assert again == [(first, 30)] * 3
    assert (house.reads, age) == (1, 0)
    assert [worker.figures.near_hits for worker in house.workers] == [1, 1]
    assert [worker.figures.shared_hits for worker in house.workers] == [0, 1]


def test_a_write_that_was_heard_of_is_in_the_next_answer(house: House):
    house.ask(0, Tier.PREMIUM)
    house.publish(2)
    house.deliver()

    page, age = house.ask(0, Tier.PREMIUM)
    assert (len(page.signals), age) == (2, 0)


def test_a_closed_month_is_read_once_whatever_is_written_later(house: House):
    def ask() -> None:
        query = house.query(Tier.PREMIUM)
        house.workers[0].feed(FeedQuery(since=query.since, until=query.since + 40 * timedelta(days=1),
            visible_at=query.visible_at, limit=3))  # fmt: skip

    ask()
    for number in range(5):
        house.publish(number)
        house.deliver()
        house.now += timedelta(days=1)
        ask()
    assert house.reads == 1


def test_a_free_caller_sees_a_signal_at_the_moment_it_may_be_seen_and_not_before(house: House):
    published_at = house.now - 20 * SECOND
    for seconds, shown in ((300, 0), (899.999, 0), (900, 1), (901, 1)):
        house.now = published_at + seconds * SECOND
        page, _ = house.ask(0, Tier.FREE)
        assert len(page.signals) == shown, seconds
    assert len(house.ask(0, Tier.PREMIUM)[0].signals) == 1
    assert house.reads == 3  # hidden, seen, and one for premium


def test_a_page_of_a_tier_is_full_though_it_hides_what_is_newer(house: House):
    for number in range(2, 6):
        house.publish(number)
    house.deliver()
    house.now += Tier.FREE.delay
    house.publish(7)
    house.deliver()

    page, _ = house.ask(0, Tier.FREE)
    assert len(page.signals) == 3
    assert len(house.ask(1, Tier.FREE)[0].signals) == 3


def test_an_answer_read_just_after_a_write_is_read_again_two_seconds_later(house: House):
    house.publish(2)
    house.deliver()
    house.lag = 3 * SECOND
    assert len(house.ask(0, Tier.PREMIUM)[0].signals) == 1
    house.now += 2 * SECOND
    house.lag = timedelta(0)
    assert len(house.ask(0, Tier.PREMIUM)[0].signals) == 2


def test_a_hundred_readers_of_a_page_that_nobody_has_are_one_read(house: House):
    together, all_wait, is_kept = Barrier(READERS), Event(), Event()
    real, put = house.feed, house.answers.put
    waiting: list[None] = []

    def slow(query: FeedQuery) -> Page:
        assert all_wait.wait(30)
        return real(query)

    def keep(key: str, answer: KeptAnswer) -> None:
        put(key, answer)
        is_kept.set()

    def wait(_seconds: float) -> None:
        waiting.append(None)
        if len(waiting) == READERS - 1:
            all_wait.set()
        assert is_kept.wait(30)

    house.feed, house.answers.put = slow, keep  # type: ignore[method-assign]

    def ask(_: int) -> Page:
        worker = house.worker(pause=wait)
        together.wait(30)
        return worker.feed(house.query(Tier.PREMIUM))

    with ThreadPoolExecutor(READERS) as readers:
        pages = list(readers.map(ask, range(READERS)))
    assert house.reads == 1
    assert all(page == pages[0] for page in pages)


def test_while_one_reads_the_others_get_the_older_page_with_its_age(house: House):
    older, _ = house.ask(0, Tier.PREMIUM)
    house.now += SECOND
    house.publish(2)
    house.deliver()
    request = house.workers[0]._request(house.query(Tier.PREMIUM), question_of(house.query(Tier.PREMIUM)))
    assert house.answers.claim(request.key, house.now, house.now + 5 * SECOND)

    page, age = house.ask(1, Tier.PREMIUM)
    assert page == older
    assert age == 2
    assert house.workers[1].figures.stale_answers == 1


def test_a_reader_that_died_with_the_lease_holds_nobody_up_for_long(house: House):
    request = house.workers[0]._request(house.query(Tier.PREMIUM), question_of(house.query(Tier.PREMIUM)))
    house.answers.claim(request.key, house.now, house.now + 5 * SECOND)
    before = house.now

    page, age = house.ask(1, Tier.PREMIUM)
    assert (len(page.signals), age) == (1, 0)
    assert house.now - before <= 1.1 * SECOND


def test_a_cache_that_fails_is_no_reason_to_fail(house: House):
    class Broken(InMemoryVersions):
        def current(self, names):
            raise StorageUnavailableError(f"no {names}")

    worker = CachedFeed(house, Broken(), house.answers, lambda: house.now)
    take_age()
    assert len(worker.feed(house.query(Tier.PREMIUM)).signals) == 1
    assert take_age() is None
    assert worker.figures.bypassed == 1


def test_a_forged_cursor_is_refused_and_leaves_no_lease(house: House):
    query = FeedQuery(since=house.now, until=house.now, visible_at=house.now, limit=1, cursor="forged")
    for _ in range(2):
        with pytest.raises(InvalidValueError, match="cursor"):
            house.workers[0].feed(query)
    assert house.answers.leases == {}
    assert house.answers.stored == {}


def test_what_was_really_asked_is_warm_after_a_write_and_warming_is_not_asking(house: House):
    asked = InMemoryAsked()
    listener = Listener(asked, lambda: house.now)
    house.workers[0].heard = listener.hear
    for _ in range(3):
        house.ask(0, Tier.FREE)
        house.now += 15 * SECOND
    house.ask(0, Tier.PREMIUM)
    assert len(asked.top(9)) == 1
    house.publish(2)
    house.deliver()
    house.now += 6 * SECOND
    before = house.reads

    warmer = house.workers[1]
    for recomputed in (1, 0):
        report = warm_cache(asked.top(9), pages=warmer, recomputed=lambda: warmer.figures.recomputed, now=house.now)
        assert (report.asked, report.recomputed) == (1, recomputed)
    house.ask(0, Tier.FREE)
    assert house.reads == before + 1


def test_a_worker_keeps_what_it_used_last():
    near: NearMemory[int] = NearMemory(2)
    assert [near.put("a", 1), near.put("b", 2)] == [0, 0]
    near.get("a")
    assert near.put("c", 3) == 1
    assert [near.get(key) for key in "abc"] == [1, None, 3]


ACTIONS = st.one_of(
    st.tuples(st.sampled_from(["publish", "end"]), st.integers(0, 59)),
    st.tuples(st.just("ask"), st.tuples(st.integers(0, 1), st.sampled_from(Tier), st.sampled_from([1, 3]))),
    st.tuples(st.just("pass"), st.sampled_from([0.01, 0.4, 1.0, 2.5, 6.0, 61.0, 840.0])),
    st.tuples(st.sampled_from(["deliver", "expire", "crash"]), st.none()),
    st.tuples(st.just("lose"), st.booleans()),
    st.tuples(st.just("lag"), st.sampled_from([0.0, 0.3, 1.0])),
)


def play(house: House, actions) -> None:
    """Do what `actions` say and hold every answer against the record."""
    for name, argument in actions:
        if name in ("publish", "end"):
            getattr(house, name)(argument)
            house.now += timedelta(milliseconds=1)
        elif name == "ask":
            check(house, *argument)
        elif name == "pass":
            house.now += argument * SECOND
        elif name == "deliver":
            house.deliver()
        elif name == "expire":
            house.answers.stored.clear()
        elif name == "crash":
            house.answers.leases |= dict.fromkeys(house.answers.stored, house.now + 5 * SECOND)
        elif name == "lose":
            house.answers.loses = argument
        elif name == "lag":
            house.lag = argument * SECOND


def check(house: House, worker: int, tier: Tier, limit: int) -> None:
    asked_at = house.now
    page, age = house.ask(worker, tier, limit)
    visible_at = house.now - tier.delay
    assert all(each.status is not Status.OPEN or each.published_at <= visible_at for each in page.signals)
    assert house.allowed(page, tier, limit, asked_at - (age + 1) * SECOND)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ACTIONS, max_size=40))
def test_nobody_gets_data_older_than_a_second_after_a_write_without_an_age(actions):
    play(House(), actions)


def heard_write_is_seen(house: House) -> None:
    """Publish, let the event arrive, let the indexes follow: from then on only the newest record will do."""
    for number in range(6):
        for tier in Tier:
            house.ask(0, tier)
        house.publish(number)
        house.deliver()
        house.now += 8 * SECOND
        for tier in Tier:
            assert house.ask(0, tier)[0] == house.truth(house.query(tier), house.now)


def test_with_its_events_the_cache_never_lags_behind_what_was_heard():
    heard_write_is_seen(House())


def test_without_its_events_the_cache_is_stale_so_they_are_what_keeps_it_true():
    with pytest.raises(AssertionError):
        heard_write_is_seen(House(hears=False))
