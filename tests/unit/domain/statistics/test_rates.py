import pytest

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.statistics.rates import profit_factor, rate, wilson


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(8, 10, 0.490162, 0.943318), (0, 10, 0.0, 0.277533), (10, 10, 0.722467, 1.0), (500, 1000, 0.469070, 0.530930)],
)
def test_the_wilson_interval_is_the_published_one(hits: int, n: int, low: float, high: float) -> None:
    found = wilson(hits, n)
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-6), pytest.approx(high, abs=1e-6))


def test_a_share_lies_within_its_interval_even_at_the_ends() -> None:
    for n in range(1, 60):
        for hits in range(n + 1):
            found = rate(hits, n)
            assert found.interval is not None
            assert found.value is not None
            assert 0 <= found.interval.low <= found.value <= found.interval.high <= 1


def test_fewer_than_thirty_are_too_few() -> None:
    assert rate(20, 29).too_few
    assert not rate(20, 30).too_few


def test_a_rate_of_nothing_is_not_known() -> None:
    assert rate(0, 0).value is None
    assert rate(0, 0).interval is None


def test_more_hits_than_tries_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="were 3 of 2"):
        rate(3, 2)


def test_the_profit_factor_is_not_known_while_nothing_was_lost() -> None:
    assert profit_factor(3.0, 0.0) is None
    assert profit_factor(3.0, 2.0) == 1.5
    assert profit_factor(0.0, 2.0) == 0.0
