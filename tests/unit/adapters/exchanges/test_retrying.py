"""Retries, with a clock and a die that the test holds."""

import pytest

from signalbox.adapters.exchanges.retrying import BanList, Retrying
from signalbox.domain.errors import (
    ExchangeRefusedError,
    ExchangeReplyError,
    ExchangeUnavailableError,
    InvalidValueError,
    RateLimitedError,
    UnknownSymbolError,
)


class FakeTime:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Failing:
    """Raises each of `errors` in turn, then returns `"done"`."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def bans(time: FakeTime) -> BanList:
    return BanList(time.monotonic)


def make_retrying(time: FakeTime, bans: BanList, draw: float = 1.0, **changes) -> Retrying:
    return Retrying(bans=bans, sleep=time.sleep, draw=lambda: draw, **changes)


def unavailable() -> ExchangeUnavailableError:
    return ExchangeUnavailableError("502")


def test_a_transient_error_is_tried_again_after_waits_that_double(time, bans):
    action = Failing(unavailable(), unavailable(), unavailable())
    retrying = make_retrying(time, bans, attempts=4, first_delay=0.5, longest_delay=10, patience=60)

    assert retrying.call("binance", action) == "done"
    assert time.slept == [0.5, 1.0, 2.0]


def test_no_wait_is_longer_than_the_longest_delay(time, bans):
    retrying = make_retrying(time, bans, attempts=5, first_delay=1, longest_delay=3, patience=60)

    retrying.call("binance", Failing(*(unavailable() for _ in range(4))))

    assert time.slept == [1, 2, 3, 3]


@pytest.mark.parametrize("draw", [0.0, 0.25, 0.999])
def test_the_jitter_is_full(time, bans, draw):
    make_retrying(time, bans, draw, first_delay=2.0).call("binance", Failing(unavailable()))

    assert time.slept == [2.0 * draw]


def test_the_last_transient_error_is_raised_after_all_attempts(time, bans):
    action = Failing(*(unavailable() for _ in range(9)))

    with pytest.raises(ExchangeUnavailableError):
        make_retrying(time, bans, attempts=3).call("binance", action)
    assert action.calls == 3
    assert len(time.slept) == 2


def test_no_more_is_waited_than_the_patience(time, bans):
    action = Failing(*(unavailable() for _ in range(9)))

    with pytest.raises(ExchangeUnavailableError):
        make_retrying(time, bans, attempts=9, first_delay=1, longest_delay=99, patience=5).call("binance", action)
    assert time.slept == [1, 2]


@pytest.mark.parametrize("error", [UnknownSymbolError, ExchangeRefusedError, ExchangeReplyError, InvalidValueError])
def test_a_permanent_error_is_raised_at_once(time, bans, error):
    action = Failing(error("no"))

    with pytest.raises(error):
        make_retrying(time, bans).call("binance", action)
    assert action.calls == 1
    assert time.slept == []


def test_a_silence_that_fits_the_patience_is_kept_and_the_call_made_again(time, bans):
    action = Failing(RateLimitedError("429", retry_after=3.0))

    assert make_retrying(time, bans, patience=5).call("binance", action) == "done"
    assert time.slept == [3.0]


def test_a_silence_beyond_the_patience_is_told_to_the_caller_at_once(time, bans):
    action = Failing(RateLimitedError("429", retry_after=30.0))

    with pytest.raises(RateLimitedError) as caught:
        make_retrying(time, bans, patience=5).call("binance", action)
    assert caught.value.retry_after == 30.0
    assert action.calls == 1
    assert time.slept == []


def test_while_a_ban_lasts_no_call_is_made_by_anybody_who_shares_the_list(time, bans):
    with pytest.raises(RateLimitedError):
        make_retrying(time, bans).call("binance", Failing(RateLimitedError("418", retry_after=120.0)))
    time.now += 100

    for other in (make_retrying(time, bans), make_retrying(time, bans, patience=19.9)):
        action = Failing()
        with pytest.raises(RateLimitedError, match=r"binance must not be called for another 20\.0 s") as caught:
            other.call("binance", action)
        assert caught.value.retry_after == 20.0
        assert action.calls == 0


def test_a_ban_of_one_exchange_leaves_the_others_alone(time, bans):
    bans.ban("binance", 120)

    assert make_retrying(time, bans).call("kraken", Failing()) == "done"


def test_calls_are_made_again_when_the_ban_is_over(time, bans):
    bans.ban("binance", 120)
    time.now += 120

    assert make_retrying(time, bans).call("binance", Failing()) == "done"
    assert time.slept == []


def test_the_end_of_a_ban_is_waited_for_if_it_is_near(time, bans):
    bans.ban("binance", 120)
    time.now += 118

    assert make_retrying(time, bans, patience=5).call("binance", Failing()) == "done"
    assert time.slept == [2.0]


def test_a_shorter_ban_does_not_end_a_longer_one(time, bans):
    bans.ban("binance", 120)
    bans.ban("binance", 1)

    assert bans.remaining("binance") == 120


def test_a_ban_after_the_last_attempt_is_remembered(time, bans):
    action = Failing(*(RateLimitedError("429", retry_after=1.0) for _ in range(3)))

    with pytest.raises(RateLimitedError):
        make_retrying(time, bans, attempts=3).call("binance", action)
    assert time.slept == [1.0, 1.0]
    assert bans.remaining("binance") == 1.0


def test_attempts_must_be_positive(bans):
    with pytest.raises(InvalidValueError, match="attempts must be at least 1, was 0"):
        Retrying(bans=bans, attempts=0)
