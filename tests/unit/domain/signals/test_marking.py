"""What a reader sees of an open signal: one by one, and many at once."""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from math import nan
from statistics import median

import numpy as np
import pytest

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.signals.batch_marking import SignalColumns, mark_many
from signalbox.domain.signals.costs import DEFAULT_COSTS, Costs
from signalbox.domain.signals.marking import mark
from signalbox.domain.signals.signal import Signal
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


def many_signals(count: int) -> tuple[list[Signal], np.ndarray]:
    rng = np.random.default_rng(11)
    signals = [
        replace(
            make_signal(buy=bool(at % 2)),
            filled_price=Decimal(repr(round(float(rng.uniform(98.5, 101.5)), 2))) if at % 3 else None,
            mfe_r=float(rng.uniform(0, 1)),
            mae_r=float(rng.uniform(-1, 0)),
        )
        for at in range(count)
    ]
    return signals, rng.uniform(95, 105, count)


def test_many_at_once_equal_one_by_one():
    signals, prices = many_signals(200)
    marks = mark_many(SignalColumns.of(signals), prices)
    for at, (signal, price) in enumerate(zip(signals, prices, strict=True)):
        one = mark(signal, float(price), now=START)
        for name in ("unrealised_r", "to_target_r", "to_stop_r", "mfe_r", "mae_r"):
            assert getattr(marks, name)[at] == pytest.approx(getattr(one, name), abs=1e-12)
        assert (marks.target_crossed[at], marks.stop_crossed[at]) == (one.target_crossed, one.stop_crossed)


def test_a_signal_without_a_price_keeps_its_excursions_and_crosses_nothing():
    signals, _ = many_signals(2)
    marks = mark_many(SignalColumns.of(signals), np.array([nan, nan]))
    assert np.isnan(marks.unrealised_r).all()
    assert marks.mfe_r.tolist() == [signal.mfe_r for signal in signals]
    assert not marks.target_crossed.any()
    assert not marks.stop_crossed.any()


def test_no_signals_give_no_marks_and_prices_must_fit():
    assert mark_many(SignalColumns.of([]), np.array([])).mfe_r.shape == (0,)
    with pytest.raises(InvalidValueError, match=r"shape \(1,\)"):
        mark_many(SignalColumns.of([make_signal()]), np.array([1.0, 2.0]))


def loop_over_dicts(rows: list[dict[str, float]], prices: list[float]) -> list[dict[str, float]]:
    """The rival: what a straightforward worker does for each signal."""
    share = DEFAULT_COSTS.side_fraction
    marks = []
    for row, price in zip(rows, prices, strict=True):
        risk = abs(row["filled"] - row["stop"])
        gross = row["side"] * (price - row["filled"]) / risk
        to_target = row["side"] * (row["target"] - price) / risk
        to_stop = row["side"] * (price - row["stop"]) / risk
        marks.append(
            {
                "unrealised_r": gross - share * (row["filled"] + price) / risk,
                "to_target_r": to_target,
                "to_stop_r": to_stop,
                "mfe_r": max(row["mfe_r"], gross),
                "mae_r": min(row["mae_r"], gross),
                "target_crossed": to_target <= 0,
                "stop_crossed": to_stop <= 0,
            }
        )
    return marks


def seconds(work: Callable[[], object]) -> float:
    took = []
    for _ in range(15):
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return median(took)


def test_marking_two_thousand_is_at_least_twelve_times_as_fast_as_a_loop_over_dicts():
    signals, prices = many_signals(2000)
    columns = SignalColumns.of(signals)
    names = ("side", "filled", "target", "stop", "mfe_r", "mae_r")
    rows = [
        dict(zip(names, row, strict=True))
        for row in zip(*(getattr(columns, name).tolist() for name in names), strict=True)
    ]
    price_list = prices.tolist()
    assert loop_over_dicts(rows, price_list)[7]["mfe_r"] == pytest.approx(mark_many(columns, prices).mfe_r[7])
    ratio = seconds(lambda: loop_over_dicts(rows, price_list)) / seconds(lambda: mark_many(columns, prices))
    assert ratio >= 12, f"mark_many must be 12 times as fast as the loop, was {ratio:.1f}"


def test_marking_one_signal_needs_no_numpy():
    code = "import sys, signalbox.domain.signals.marking as m; sys.exit('numpy' in sys.modules)"
    environment = {"PYTHONPATH": ":".join(path for path in sys.path if path)}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0  # noqa: S603
