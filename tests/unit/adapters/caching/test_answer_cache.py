from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import count
from threading import Barrier, Event

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signalbox.adapters.caching.ages import take_age
from signalbox.adapters.caching.answers import WAITS, AnswerCache
from signalbox.adapters.caching.listener import Listener
from signalbox.adapters.caching.near import NearMemory
from signalbox.domain.accounts.account import Tier
from signalbox.domain.caching.figures import CacheFigures, Increments
from signalbox.domain.errors import InvalidValueError, StorageUnavailableError
from signalbox.domain.history.filters import ANY, SignalFilter
from signalbox.domain.signals.events import EventKind
from signalbox.domain.signals.signal import Status
from signalbox.ports.caching import KeptAnswer, Reading, Request
from signalbox.ports.signals import FeedQuery, Page
from signalbox.services.kept_pages import question_of, request_of
from signalbox.services.warm_cache import warm_cache
from tests.fakes.caching import InMemoryAsked, InMemoryCacheFigures, InMemoryCacheReader
from tests.proof import cases
from tests.unit.adapters.caching.cached_house import House, Worker

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
    assert [worker.cache.figures.near_hits for worker in house.workers] == [1, 1]
    assert [worker.cache.figures.shared_hits for worker in house.workers] == [0, 1]


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


def test_what_a_tier_may_not_see_yet_leaves_its_answer_as_it_is(house: House):
    house.now += Tier.FREE.delay
    before, _ = house.ask(0, Tier.FREE)
    house.publish(2)
    house.deliver()
    house.now += 20 * SECOND
    assert house.ask(0, Tier.FREE)[0] == before
    assert house.reads == 1

    house.end(0)
    house.deliver()
    assert house.ask(0, Tier.FREE)[0] != before
    assert house.reads == 2


def test_how_soon_an_answer_is_read_again_tells_nothing_of_what_is_hidden(house: House):
    house.now += Tier.FREE.delay
    house.publish(2)
    house.deliver()
    house.ask(0, Tier.FREE)
    house.now += 3 * SECOND
    assert house.ask(0, Tier.FREE)[1] == 3
    assert house.reads == 1


@pytest.mark.parametrize("kind", [EventKind.FILLED, EventKind.REVISED])
def test_what_happens_to_a_signal_that_is_hidden_leaves_answers_and_their_age_as_they_are(house: House, kind):
    house.now += Tier.FREE.delay
    house.publish(2)
    house.deliver()
    house.now += 20 * SECOND
    before, _ = house.ask(0, Tier.FREE)
    house.now += 20 * SECOND
    house.fill(1, kind)
    house.deliver()
    for age in (21, 41):
        house.now += SECOND if age == 21 else 20 * SECOND
        assert house.ask(0, Tier.FREE) == (before, age)
    assert house.reads == 1

    house.ask(0, Tier.PREMIUM)
    assert house.reads == 2


def test_a_fill_of_a_signal_that_may_be_seen_is_shown_once_the_index_has_it_whatever_else_is_hidden(house: House):
    house.publish(2)
    house.deliver()
    house.now += Tier.FREE.delay
    house.publish(3)
    house.fill(1)
    house.deliver()
    house.lag = 3 * SECOND
    house.ask(0, Tier.FREE)
    house.now += 3 * SECOND
    house.lag = timedelta(0)
    assert any(signal.filled_price for signal in house.ask(0, Tier.FREE)[0].signals)


def test_a_worker_asks_for_what_it_lacks_or_saw_grow_old_in_one_look(house: House):
    looks = []
    for worker in (0, 0, 1, 1):
        before = house.reader.looks
        house.ask(worker, Tier.PREMIUM)
        looks.append(house.reader.looks - before)
    assert looks == [1, 1, 1, 1]
    assert house.workers[1].cache.figures.shared_hits == 1

    house.publish(2)
    house.deliver()
    house.now += 6 * SECOND
    house.ask(1, Tier.PREMIUM, limit=1)  # rests on the same counters, which this worker now saw move
    house.ask(0, Tier.PREMIUM)
    spent = house.workers[1].cache.figures.spent_read_units
    house.ask(1, Tier.PREMIUM)
    assert house.workers[1].cache.figures.shared_hits == 2
    assert house.workers[1].cache.figures.spent_read_units - spent == 1


def test_an_answer_that_time_changes_is_read_again_at_that_moment_of_the_system_clock(house: House):
    read: list[timedelta] = []
    cache = house.workers[0].cache

    def ask(after: timedelta) -> None:
        moment = house.now + after

        def answer() -> Reading:
            read.append(after)
            return Reading("{}", turns_at=house.now + 9 * SECOND)

        cache.answer(Request(key="k", names=("a",), visible_at=moment, now=moment), answer)

    for seconds in (0, 8.999, 9):
        ask(seconds * SECOND)
    assert read == [0 * SECOND, 9 * SECOND]


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
    request = request_of(house.query(Tier.PREMIUM), house.now)
    assert house.answers.claim(request.key, house.now, house.now + 5 * SECOND)

    page, age = house.ask(1, Tier.PREMIUM)
    assert page == older
    assert age == 2
    assert house.workers[1].cache.figures.stale_answers == 1


def test_a_reader_that_died_with_the_lease_holds_nobody_up_for_long(house: House):
    request = request_of(house.query(Tier.PREMIUM), house.now)
    house.answers.claim(request.key, house.now, house.now + 5 * SECOND)
    before = house.now

    page, age = house.ask(1, Tier.PREMIUM)
    assert (len(page.signals), age) == (1, 0)
    assert house.now - before <= 1.1 * SECOND


def test_of_many_that_a_dead_reader_holds_up_one_reads_for_all(house: House):
    request = request_of(house.query(Tier.PREMIUM), house.now)
    house.answers.claim(request.key, house.now, house.now + 5 * SECOND)
    together, is_kept = Barrier(12), Event()
    put = house.answers.put

    def keep(key: str, answer: KeptAnswer) -> None:
        put(key, answer)
        is_kept.set()

    house.answers.put = keep  # type: ignore[method-assign]

    def ask(_: int) -> Page:
        waits = count()
        worker = house.worker(pause=lambda _seconds: next(waits) < WAITS or is_kept.wait(30))
        together.wait(30)
        return worker.feed(house.query(Tier.PREMIUM))

    with ThreadPoolExecutor(12) as readers:
        pages = list(readers.map(ask, range(12)))
    assert house.reads == 1
    assert all(page == pages[0] for page in pages)


def test_a_question_that_is_refused_is_no_hit(house: House):
    def refuse() -> Reading:
        raise InvalidValueError("no such signal")

    cache = house.workers[0].cache
    for _ in range(3):
        with pytest.raises(InvalidValueError):
            cache.answer(Request(key="k", names=("a",), visible_at=house.now, now=house.now), refuse)
    assert (cache.figures.requests, cache.figures.hit_rate) == (3, 0.0)


def test_a_cache_that_fails_is_no_reason_to_fail(house: House):
    class Broken(InMemoryCacheReader):
        def current(self, names):
            raise StorageUnavailableError(f"no {names}")

    worker = Worker(house, AnswerCache(Broken(), house.answers, lambda: house.now))
    take_age()
    assert len(worker.feed(house.query(Tier.PREMIUM)).signals) == 1
    assert take_age() is None
    assert worker.cache.figures.bypassed == 1


def test_a_forged_cursor_is_refused_and_leaves_no_lease(house: House):
    query = FeedQuery(since=house.now, until=house.now, visible_at=house.now, limit=1, cursor="forged")
    for _ in range(2):
        with pytest.raises(InvalidValueError, match="cursor"):
            house.workers[0].feed(query)
    assert house.answers.leases == {}
    assert house.answers.stored == {}


def test_what_was_really_asked_is_warm_after_a_write_and_warming_is_not_asking(house: House):
    asked, told = InMemoryAsked(), InMemoryCacheFigures()
    listener = Listener(asked, told, Increments(house.workers[0].cache.figures), lambda: house.now)
    house.workers[0].cache.heard = listener.hear
    for _ in range(3):
        house.ask(0, Tier.PREMIUM)
        house.now += 15 * SECOND
    house.ask(0, Tier.FREE)
    assert len(asked.top(9)) == 1
    assert told.of_day(house.now).requests == 3
    house.publish(2)
    house.deliver()
    house.now += 6 * SECOND
    before = house.reads

    warmer = house.workers[1]
    for recomputed in (1, 0):
        report = warm_cache(
            asked.top(9), ask=warmer.feed, recomputed=lambda: warmer.cache.figures.recomputed, now=house.now
        )
        assert (report.asked, report.recomputed) == (1, recomputed)
    house.ask(0, Tier.PREMIUM)
    assert house.reads == before + 1


def test_what_cannot_be_asked_again_keeps_nothing_else_from_being_warm(house: House):
    readable = question_of(house.query(Tier.PREMIUM)).to_message()
    unreadable = [{}, readable | {"delay_class": "gold"}, readable | {"sort": "luck"}]

    def ask(query: FeedQuery) -> Page:
        if query.limit == 1:
            raise StorageUnavailableError("busy")
        return house.workers[0].feed(query)

    report = warm_cache(
        [*unreadable, readable | {"limit": 1}, readable],
        ask=ask, recomputed=lambda: house.workers[0].cache.figures.recomputed, now=house.now,
    )  # fmt: skip
    assert (report.asked, report.recomputed, report.failed) == (5, 1, 4)


def test_a_question_of_great_length_is_not_remembered(house: House):
    asked = InMemoryAsked()
    listener = Listener(asked, InMemoryCacheFigures(), Increments(CacheFigures()), lambda: house.now)
    long = SignalFilter(symbols=frozenset(f"{number:030}/USDT" for number in range(40)))
    for where in (long, ANY):
        listener.hear(question_of(replace(house.query(Tier.PREMIUM), where=where)))
    house.now += 30 * SECOND
    listener.hear(question_of(replace(house.query(Tier.PREMIUM), cursor="next")))
    assert [question["where"] for question in asked.top(9)] == [{}]


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


@pytest.mark.prove
@settings(max_examples=cases(150, 3_000), deadline=None, suppress_health_check=[HealthCheck.too_slow])
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
