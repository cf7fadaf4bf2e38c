"""The screen before `revise`: it passes on all that `revise` revises, and leaves alone what that would."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.batch_revision import QuietRanges, may_be_revised, to_revise
from signalbox.domain.signals.revision import revise
from signalbox.domain.signals.signal import Signal
from tests.unit.domain.signals.cases import NOW, START, make_signal, price

cents = st.integers(9_500, 10_500).map(lambda each: Decimal(each) / 100)
"""Around the entry of 100, the target and the stop, so that prices lie right on levels and thresholds too."""


@st.composite
def opened(draw: st.DrawFn) -> Signal:
    """An open signal at any point of its life, revised before or not."""
    signal = make_signal(
        buy=draw(st.booleans()),
        hours=draw(st.sampled_from([0.1, 1 / 6, 8])),
        timeframe=draw(st.sampled_from([Timeframe.M5, Timeframe.H1])),
        may_act=draw(st.booleans()),
    )
    if draw(st.booleans()):
        revised_at = START + timedelta(minutes=draw(st.integers(4, 12)))
        signal = replace(signal, revision=1, revised_price=draw(cents), revised_at=revised_at)
    return signal


@given(st.lists(st.tuples(opened(), cents, st.sampled_from([None, 0.4, 2.0, nan, inf, -1.0])), max_size=8))
def test_whatever_a_price_revises_passes_the_screen(cases: list[tuple[Signal, Decimal, float | None]]):
    signals = [signal for signal, _, _ in cases]
    prices = [price(float(value)) for _, value, _ in cases]
    atrs = [atr for _, _, atr in cases]
    passed = to_revise(signals, prices, atrs, now=NOW)
    for signal, quoted, atr in zip(signals, prices, atrs, strict=True):
        if revise(signal, quoted, atr=atr, now=NOW) is not None:
            assert any(each is signal for each in passed), signal


def test_a_move_of_just_the_threshold_passes_though_floats_see_a_little_less():
    signal = replace(make_signal(), revision=1, revised_price=Decimal("98.51"), revised_at=START)
    assert 99.21 < 98.51 + 0.7
    assert revise(signal, price(99.21), atr=1.4, now=NOW) is not None
    assert to_revise([signal], [price(99.21)], [1.4], now=NOW) == [signal]


def test_what_a_price_leaves_alone_does_not_pass_the_screen():
    rng = np.random.default_rng(7)
    signals, prices = [], []
    for _ in range(2_000):
        signal = make_signal(buy=bool(rng.integers(2)), may_act=bool(rng.integers(2)))
        if rng.integers(2):
            signal = replace(signal, revised_price=Decimal(repr(float(rng.uniform(97, 105)))), revised_at=START)
        signals.append(signal)
        prices.append(price(float(rng.uniform(97, 105))))
    atrs = [float(rng.uniform(0.5, 4)) for _ in signals]
    revised = [
        signal
        for signal, quoted, atr in zip(signals, prices, atrs, strict=True)
        if revise(signal, quoted, atr=atr, now=NOW) is not None
    ]
    assert 200 < len(revised) < 1_800
    assert to_revise(signals, prices, atrs, now=NOW) == revised


@pytest.mark.parametrize("value", [nan, inf, -inf, 0.0, -100.0])
def test_what_is_no_price_revises_nothing(value: float):
    signal = make_signal()
    assert to_revise([signal], [price(value)], [None], now=NOW) == []


def test_a_price_older_than_the_revision_revises_nothing():
    signal = replace(make_signal(), revision=1, revised_price=Decimal("100.7"), revised_at=NOW)
    assert to_revise([signal], [price(103.0, minute=9)], [None], now=NOW) == []
    assert to_revise([signal], [price(103.0, minute=10)], [None], now=NOW) == [signal]


def test_no_signals_are_none_to_revise_and_prices_must_fit():
    assert to_revise([], [], [], now=NOW) == []
    quiet = QuietRanges.of([make_signal()], [None], now=NOW)
    with pytest.raises(InvalidValueError, match=r"shape \(1,\)"):
        may_be_revised(quiet, np.array([1.0, 2.0]), np.array([0.0, 0.0]))
