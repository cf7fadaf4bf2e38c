import pytest

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.statistics.student import upper_quantile, upper_tail


@pytest.mark.parametrize(
    ("tail", "degrees", "t"),
    [(0.025, 1, 12.706205), (0.025, 10, 2.228139), (0.025, 30, 2.042272), (0.005, 5, 4.032143), (0.05, 100, 1.660234)],
)
def test_quantiles_are_those_of_the_printed_tables(tail: float, degrees: float, t: float) -> None:
    assert upper_quantile(tail, degrees) == pytest.approx(t, abs=1e-6)
    assert upper_tail(t, degrees) == pytest.approx(tail, abs=1e-7)


def test_many_degrees_of_freedom_are_the_normal_distribution() -> None:
    assert upper_quantile(0.025, 1e6) == pytest.approx(1.959966, abs=1e-5)


def test_the_tails_mirror_each_other() -> None:
    assert upper_tail(0, 7) == 0.5
    assert upper_tail(-1.3, 7) == pytest.approx(1 - upper_tail(1.3, 7))
    assert upper_tail(float("inf"), 7) == 0


def test_no_degrees_of_freedom_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="must be positive"):
        upper_tail(1.0, 0)
    with pytest.raises(InvalidValueError, match="between 0 and"):
        upper_quantile(0.7, 5)
