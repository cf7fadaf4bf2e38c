from random import Random

from signalbox.domain.statistics.bootstrap import MOST_RUNS, bootstrap_interval, runs_of
from signalbox.domain.statistics.clusters import mean_r
from signalbox.domain.statistics.daily import Booked
from signalbox.domain.statistics.rates import Interval
from tests.unit.domain.statistics.samples import days_of


def noise(seed: int, days: int = 120, n: int = 5, shared: float = 0.0) -> list[list[float]]:
    """Days of normal R around zero; all signals of a day share a part of `shared`."""
    random = Random(seed)
    return [
        [random.gauss(0, 1.2) + common for _ in range(n)] for common in (random.gauss(0, shared) for _ in range(days))
    ]


def interval(values: list[list[float]], overlap_days: int = 2, seed: int = 0) -> Interval:
    found = bootstrap_interval(days_of(values), overlap_days, seed)
    assert found is not None
    return found


def width(values: list[list[float]], overlap_days: int = 2) -> float:
    found = interval(values, overlap_days)
    return found.high - found.low


def test_the_same_seed_draws_the_same_days() -> None:
    assert interval(noise(5)) == interval(noise(5))
    assert interval(noise(5)) != interval(noise(5), seed=1)


def test_it_holds_the_mean_and_has_the_width_of_the_textbook() -> None:
    values = noise(5, days=300)
    found, mean = interval(values, 0), mean_r(days_of(values))
    assert mean is not None
    assert found.low < mean < found.high
    assert 0.85 < (found.high - found.low) / (2 * 1.96 * 1.2 / 1500**0.5) < 1.15


def test_it_holds_the_truth_about_nineteen_times_in_twenty_of_few_days_too() -> None:
    for days in (12, 40, 150):
        found = [interval(noise(seed, days=days, n=2, shared=0.7)) for seed in range(120)]
        assert sum(each.low <= 0 <= each.high for each in found) >= 0.9 * len(found), days


def test_signals_of_one_day_that_move_together_widen_it() -> None:
    assert width(noise(5, shared=1.2)) > 1.5 * width(noise(5))


def test_trends_over_several_days_widen_it() -> None:
    level, walk, random = 0.0, [], Random(2)
    for _ in range(200):
        level = 0.8 * level + random.gauss(0, 1)
        walk.append([level])
    assert width(walk, 5) > 1.5 * width(walk, 0)


def test_runs_hold_every_signal_and_are_longer_in_a_long_record() -> None:
    days = days_of([[1.0], [2.0, 0.5], [], [], [-1.0], [3.0]])
    assert list(runs_of(days, 1).values()) == [Booked(3, 3.5), Booked(2, 2.0)]
    long = runs_of(days_of([[0.1]] * 3700), 2)
    assert len(long) <= MOST_RUNS
    assert sum(each.n for each in long.values()) == 3700


def test_one_run_of_days_says_nothing() -> None:
    assert bootstrap_interval({}) is None
    assert bootstrap_interval(days_of([[1.0, 2.0], [1.0], [0.5]])) is None
