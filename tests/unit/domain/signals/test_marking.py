"""What a reader sees of an open signal."""

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from math import nan

import pytest

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.signals.costs import Costs
from signalbox.domain.signals.marking import mark
from tests.unit.domain.signals.cases import START, make_signal

FREE = Costs(fee_bps=0, half_spread_bps=0, slippage_bps=0)


def test_a_mark_counts_r_from_the_fill_and_from_the_entry_until_there_is_one():
    signal = make_signal()
    assert mark(signal, 101.0, now=START, costs=FREE).unrealised_r == 0.5
    assert mark(replace(signal, filled_price=Decimal("101")), 101.0, now=START, costs=FREE).unrealised_r == 0.0


def test_a_mark_says_what_is_left_to_either_level():
    seen = mark(make_signal(buy=False), Decimal("99"), now=START + timedelta(minutes=5), costs=FREE)
    assert (seen.unrealised_r, seen.to_target_r, seen.to_stop_r) == (0.5, 1.5, 1.5)
    assert (seen.mfe_r, seen.mae_r) == (0.5, 0.0)
    assert seen.age_seconds == 297


def test_unrealised_r_is_net_of_costs():
    assert mark(make_signal(), 100.0, now=START).unrealised_r == pytest.approx(-0.13)


@pytest.mark.parametrize(("price", "crossed"), [(104.0, (True, False)), (98.0, (False, True)), (100.0, (False, False))])
def test_a_level_is_crossed_once_it_is_touched(price: float, crossed: tuple[bool, bool]):
    seen = mark(make_signal(), price, now=START)
    assert (seen.target_crossed, seen.stop_crossed) == crossed


@pytest.mark.parametrize("price", [0.0, -1.0, nan])
def test_what_is_no_price_cannot_be_marked_to(price: float):
    with pytest.raises(InvalidValueError, match="positive number"):
        mark(make_signal(), price, now=START)


def test_marking_one_signal_needs_no_numpy():
    code = "import sys, signalbox.domain.signals.marking as m; sys.exit('numpy' in sys.modules)"
    environment = {"PYTHONPATH": ":".join(path for path in sys.path if path)}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0  # noqa: S603
