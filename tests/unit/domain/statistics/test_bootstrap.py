import numpy as np
import pytest

from signalbox.domain.statistics.bootstrap import bootstrap_interval, resampled_means
from signalbox.domain.statistics.clusters import mean_interval
from tests.unit.domain.statistics.samples import days_of

RANDOM = np.random.default_rng(5)
DAYS = days_of([RANDOM.normal(0.1, 1.0, RANDOM.integers(1, 9)) for _ in range(150)])


def test_the_same_seed_draws_the_same_days() -> None:
    np.testing.assert_array_equal(resampled_means(DAYS, resamples=50), resampled_means(DAYS, resamples=50))
    assert not np.array_equal(resampled_means(DAYS, resamples=50, seed=1), resampled_means(DAYS, resamples=50))


def test_it_agrees_with_the_interval_that_needs_no_numpy() -> None:
    drawn, closed = bootstrap_interval(DAYS), mean_interval(DAYS, 0)
    assert drawn is not None
    assert closed is not None
    assert (drawn.low, drawn.high) == (pytest.approx(closed.low, abs=0.02), pytest.approx(closed.high, abs=0.02))


def test_signals_of_one_day_are_drawn_together() -> None:
    apart = days_of([[value] for value in (1.0, -1.0) * 100])
    together = days_of([[value] * 10 for value in (1.0, -1.0) * 10])
    assert resampled_means(together).std() > 2.5 * resampled_means(apart).std()


def test_one_day_says_nothing() -> None:
    assert bootstrap_interval(days_of([[1.0, 2.0]])) is None
