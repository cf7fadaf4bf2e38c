from datetime import date
from random import Random

import pytest

from signalbox.domain.statistics.clusters import degrees_of, difference
from signalbox.domain.statistics.daily import Day
from signalbox.domain.statistics.edge import Shown, benjamini_hochberg, edges
from tests.unit.domain.statistics.samples import days_of


def noise(seed: int, mean: float = 0.0, days: int = 120, n: int = 5, shared: float = 0.0) -> dict[date, Day]:
    """Days of normal R around `mean`; all signals of a day share a part of `shared`."""
    random = Random(seed)
    return days_of(
        [
            [random.gauss(mean, 1.2) + common for _ in range(n)]
            for common in (random.gauss(0, shared) for _ in range(days))
        ]
    )


def test_adjusted_p_values_are_those_of_the_paper() -> None:
    # Benjamini and Hochberg 1995, section 4: fifteen p-values, of which four are rejected at 0.05.
    p_values = [
        0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
        0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000,
    ]  # fmt: skip
    adjusted = benjamini_hochberg(p_values)
    assert sum(p <= 0.05 for p in adjusted) == 4
    assert adjusted[0] == pytest.approx(0.0015)
    assert adjusted == sorted(adjusted)
    assert benjamini_hochberg(p_values[::-1]) == adjusted[::-1]


def test_a_clear_edge_is_shown() -> None:
    found = edges({"good": noise(1, 0.5), "idle": noise(2)}, noise(3, -0.05))
    assert found["good"].verdict is Shown.SHOWN
    assert found["idle"].verdict is Shown.NOT_SHOWN
    assert found["good"].looked_at == 2


def test_one_fill_beside_the_stop_decides_nothing() -> None:
    good, base = noise(1, 0.5), noise(3, -0.05)
    first = next(iter(base))
    wild = {**base, first: Day(base[first].n + 1, base[first].r - 800, base[first].bounded - 5)}
    plain = difference(good, wild)
    assert plain is not None
    assert plain.p_value > 0.05
    assert edges({"good": good}, wild)["good"].verdict is Shown.SHOWN


def test_losing_less_than_the_coin_is_no_edge() -> None:
    found = edges({"less bad": noise(1, -0.3)}, noise(3, -1.0))["less bad"]
    assert found.adjusted_p < 0.001
    assert found.verdict is Shown.NOT_SHOWN
    assert "loses after costs" in found.reason


@pytest.mark.parametrize(("days", "n", "reason"), [(120, 0, "too few signals"), (10, 50, "too few days")])
def test_too_little_shows_nothing_however_good(days: int, n: int, reason: str) -> None:
    found = edges({"lucky": noise(1, 3.0, days=days, n=n)}, noise(3))["lucky"]
    assert found.verdict is Shown.NOT_SHOWN
    assert reason in found.reason


def test_one_of_many_must_be_clearer_than_one_alone() -> None:
    alone = edges({"one": noise(7, 0.2)}, noise(3))["one"]
    many = {f"idle {seed}": noise(100 + seed) for seed in range(20)}
    crowded = edges({"one": noise(7, 0.2), **many}, noise(3))["one"]
    assert crowded.adjusted_p > alone.adjusted_p


def test_what_a_day_does_to_both_is_no_difference_between_them() -> None:
    shocks = [Random(4).gauss(0, 3) for _ in range(90)]
    one = days_of([[shock, shock + 0.1] for shock in shocks])
    same = difference(one, one)
    assert same is not None
    assert (same.mean, same.p_value) == (0, 1)


def test_days_that_overlap_count_as_fewer() -> None:
    assert degrees_of(noise(1), 0) == 119
    assert degrees_of(noise(1), 2) == 39
    heavy = days_of([[0.1] * 500, *([[0.1]] * 100)])
    assert degrees_of(heavy, 0) == 1
