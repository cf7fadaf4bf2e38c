"""What a round trip costs."""

from math import inf, nan

import pytest

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.signals.costs import DEFAULT_COSTS, Costs


def test_each_side_pays_fee_half_spread_and_slippage_of_its_own_price():
    costs = Costs(fee_bps=10, half_spread_bps=5, slippage_bps=5)
    assert costs.in_r(100.0, 104.0, 98.0) == pytest.approx(0.002 * 204 / 2)
    assert costs.in_r(100.0, 96.0, 102.0) == pytest.approx(0.002 * 196 / 2)


def test_the_default_round_trip_costs_twenty_six_basis_points():
    assert 2 * DEFAULT_COSTS.side_fraction == pytest.approx(0.0026)


def test_closer_stops_make_the_same_costs_more_r():
    assert DEFAULT_COSTS.in_r(100, 100, 99) == pytest.approx(4 * DEFAULT_COSTS.in_r(100, 100, 96))


@pytest.mark.parametrize("bad", [-1.0, nan, inf])
def test_costs_that_are_no_costs_are_refused(bad: float):
    with pytest.raises(InvalidValueError, match="finite and not negative"):
        Costs(fee_bps=bad)


def test_a_fill_on_the_stop_has_no_r():
    with pytest.raises(InvalidValueError, match="must differ from stop_loss"):
        DEFAULT_COSTS.in_r(98, 104, 98)
