import numpy as np
import pytest

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.signals.quality import (
    VOTE_LASTS,
    WEIGHTS,
    confluence,
    data_health,
    quality_score,
    reward_risk,
    votes,
)
from signalbox.domain.strategies.base import RegimeFit
from tests.builders import make_levels


def test_the_score_is_the_weighted_mean_of_its_parts() -> None:
    assert sum(WEIGHTS.values()) == pytest.approx(1)
    assert quality_score(dict.fromkeys(WEIGHTS, 1.0)) == 100
    assert quality_score(dict.fromkeys(WEIGHTS, 0.0)) == 0
    assert quality_score({"confluence": 0.5, "reward_risk": 1, "regime_fit": 0, "data_health": 1}) == 50


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_a_part_outside_its_range_is_refused(value: float) -> None:
    with pytest.raises(InvalidValueError, match="confluence must be in"):
        quality_score({**dict.fromkeys(WEIGHTS, 1.0), "confluence": value})


def test_a_missing_part_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="quality parts must be"):
        quality_score({"confluence": 1.0})


def test_others_raise_confluence_by_agreeing_and_lower_it_by_opposing() -> None:
    assert confluence(0.6, 0, 0) == pytest.approx(0.3)
    assert confluence(0.6, 0.8, 0) == pytest.approx(0.7)
    assert confluence(0.6, 0, 0.4) == pytest.approx(0.1)
    assert confluence(0.2, 0, 5) == 0
    assert confluence(1, 5, 0) == 1


def test_costs_make_a_near_target_worth_less_than_a_far_one_of_the_same_shape() -> None:
    near, far = make_levels("100", "100.6", "99.6"), make_levels("100", "106", "96")
    assert 0 < reward_risk(near) < reward_risk(far) < 1


def test_health_is_the_share_of_traded_candles() -> None:
    volume = np.ones(200)
    volume[150:160], volume[160:170] = 0.0, np.nan
    assert data_health(volume) == 0.8
    assert data_health(np.ones(30)) == 0.3


def test_a_vote_lasts_some_candles_and_counts_for_its_side_alone() -> None:
    side = np.zeros((12, 1), dtype=np.int8)
    side[2], side[9] = 1, -1
    strength = np.full((12, 1), 0.7)
    bought = votes([side], [strength], 1)[0, :, 0]
    assert np.flatnonzero(bought).tolist() == list(range(2, 2 + VOTE_LASTS))
    assert np.flatnonzero(votes([side], [strength], -1)[0, :, 0]).tolist() == [9, 10, 11]


@pytest.mark.parametrize(("side", "direction", "volatility", "fit"), [(1, 1, 0, 1), (-1, 1, 0, 0), (-1, -1, 1, 0.5)])
def test_the_fit_is_mirrored_for_selling(side: int, direction: float, volatility: float, fit: float) -> None:
    declared = RegimeFit(along=1, ranging=0.5, against=0, high=0.5)
    assert declared.of(side, direction, volatility) == fit
    assert declared.of(side, float("nan"), volatility) == 0
