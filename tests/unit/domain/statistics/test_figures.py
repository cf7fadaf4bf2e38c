from datetime import timedelta

import pytest

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.signals.signal import Status
from signalbox.domain.statistics.daily import DailyStatistics, of, total
from signalbox.domain.statistics.edge import Shown
from signalbox.domain.statistics.figures import compare, equity_curve, figures, mean_quality, quality_bands
from tests.builders import NOW, ended, make_signal
from tests.unit.domain.statistics.samples import random_signals


def five_signals() -> DailyStatistics:
    """Two targets, a clear stop, a tie, and one that expired at a small loss."""
    given = [
        (Status.TARGET_HIT, 1.4, 1.4, 1), (Status.TARGET_HIT, 1.4, 1.4, 2), (Status.STOP_HIT, -1.1, -1.1, 3),
        (Status.STOP_HIT, -1.1, 1.4, 4), (Status.EXPIRED, -0.2, -0.2, 5),
    ]  # fmt: skip
    return total(
        of(
            ended(
                make_signal(NOW + timedelta(days=day)),
                status,
                r=r,
                optimistic_r=best,
                ambiguous=best != r,
                ended_at=NOW + timedelta(days=day, hours=9),
            )
        )
        for status, r, best, day in given
    )


def test_rates_are_of_targets_and_stops_and_beside_them_of_all() -> None:
    found = figures(five_signals())
    assert (found.win_rate.hits, found.win_rate.n) == (2, 4)
    assert (found.wins_of_all.hits, found.wins_of_all.n) == (2, 5)
    assert found.endings["EXPIRED"] == 1


def test_a_tie_is_a_stop_and_in_the_optimistic_figures_a_target() -> None:
    found = figures(five_signals())
    assert found.expectancy == pytest.approx((2.8 - 2.2 - 0.2) / 5)
    assert found.optimistic_expectancy == pytest.approx((4.2 - 1.1 - 0.2) / 5)
    assert found.optimistic_win_rate.hits == 3
    assert found.ambiguous_share == pytest.approx(1 / 5)
    assert found.profit_factor == pytest.approx(2.8 / 2.4)
    assert found.optimistic_profit_factor == pytest.approx(4.2 / 1.3)


def test_the_drawdown_is_the_fall_from_the_high_by_day_of_the_ending() -> None:
    assert [level for _, level in equity_curve(five_signals())] == pytest.approx([1.4, 2.8, 1.7, 0.6, 0.4])
    assert figures(five_signals()).max_drawdown_r == pytest.approx(2.4)


def test_what_lies_beyond_five_r_is_counted_apart() -> None:
    wild = ended(make_signal(), Status.STOP_HIT, r=-61.0, optimistic_r=-61.0)
    found = figures(five_signals() + of(wild))
    assert (found.extreme, found.extreme_r) == (1, -61.0)
    assert figures(five_signals()).extreme == 0


def test_nothing_gives_no_figure_rather_than_a_zero() -> None:
    found = figures(DailyStatistics())
    assert found.expectancy is found.profit_factor is found.ambiguous_share is found.expectancy_interval is None
    assert found.calibration is None


def test_quality_bands_hold_all_that_was_booked() -> None:
    statistics = total(map(of, random_signals(3, 200)))
    bands = quality_bands(statistics)
    assert sum(band.n for band in bands) == figures(statistics).booked
    assert mean_quality(statistics) == pytest.approx(sum(band.n * (band.least + 5) for band in bands) /
        sum(band.n for band in bands))  # fmt: skip
    assert mean_quality(DailyStatistics()) is None


def test_a_quality_band_has_the_interval_of_its_own_signals() -> None:
    signals = random_signals(3, 200)
    for band in quality_bands(total(map(of, signals))):
        inside = figures(total(of(each) for each in signals if band.least <= each.quality_score < band.least + 10))
        assert band.expectancy == pytest.approx(inside.expectancy)
        assert band.expectancy_interval == inside.expectancy_interval
        assert band.win_rate == inside.win_rate


def test_nothing_is_compared_without_the_coin() -> None:
    with pytest.raises(InvalidValueError, match="must hold 'null'"):
        compare({"momentum": five_signals()})


def test_five_signals_show_no_edge_and_the_coin_is_not_judged() -> None:
    found = compare({"momentum": five_signals(), "null": five_signals()})
    assert found["null"].edge is None
    verdict = found["momentum"].edge
    assert verdict is not None
    assert verdict.verdict is Shown.NOT_SHOWN
    assert "too few signals: 5" in verdict.reason
    assert figures(five_signals(), five_signals()).edge == verdict
