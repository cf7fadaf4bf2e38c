from collections.abc import Callable

import numpy as np
import pytest

from signalbox.domain.signals.signal import Status
from signalbox.domain.statistics.calibration import calibration
from signalbox.domain.statistics.daily import DailyStatistics, of, total
from tests.builders import ended, make_signal


def outcomes(said: Callable[[float], float], count: int = 3000) -> tuple[DailyStatistics, list[tuple[float, int]]]:
    """Signals that hit with a probability p in (0.2, 0.8), and were given the confidence `said(p)`."""
    random = np.random.default_rng(9)
    pairs = [(said(p), int(random.random() < p)) for p in random.uniform(0.2, 0.8, count)]
    signals = (
        ended(make_signal(confidence=c), Status.TARGET_HIT if hit else Status.STOP_HIT, r=1.0 if hit else -1.0)
        for c, hit in pairs
    )
    return total(map(of, signals)), pairs


def test_brier_and_skill_from_the_bins_are_those_of_the_pairs() -> None:
    statistics, pairs = outcomes(lambda p: p)
    found = calibration(statistics.confidence_bins)
    assert found is not None
    brier = sum((c - hit) ** 2 for c, hit in pairs) / len(pairs)
    base = sum(hit for _, hit in pairs) / len(pairs)
    assert found.brier == pytest.approx(brier, abs=1e-9)
    assert found.skill == pytest.approx(1 - brier / (base * (1 - base)), abs=1e-9)


def test_an_honest_confidence_has_skill_and_a_small_error() -> None:
    found = calibration(outcomes(lambda p: p)[0].confidence_bins)
    assert found is not None
    assert found.skill is not None
    assert found.skill > 0.05
    assert found.ece < 0.04


def test_an_overconfident_one_is_found_out() -> None:
    found = calibration(outcomes(lambda p: 0.98 if p > 0.5 else 0.02)[0].confidence_bins)
    assert found is not None
    assert found.skill is not None
    assert found.skill < 0
    assert found.ece > 0.25


def test_always_saying_the_base_rate_has_no_error_but_no_skill_either() -> None:
    found = calibration(outcomes(lambda _p: 0.5)[0].confidence_bins)
    assert found is not None
    assert found.ece < 0.03
    assert found.skill == pytest.approx(0, abs=0.01)


def test_the_bins_of_the_table_hold_about_as_many_each() -> None:
    found = calibration(outcomes(lambda p: p)[0].confidence_bins)
    assert found is not None
    sizes = [row.n for row in found.table]
    assert sum(sizes) == 3000
    assert len(sizes) >= 12
    assert max(sizes) < 3 * min(sizes)


def test_without_confidences_there_is_no_calibration() -> None:
    assert calibration(of(ended(make_signal())).confidence_bins) is None
