"""Endings on synthetic paths whose every tick is known, and over every way to split the candles into calls."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signalbox.domain.instants import from_ms, to_ms
from signalbox.domain.market.candles import Candle, CandleGrid
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.batch_resolution import settle_many
from signalbox.domain.signals.costs import DEFAULT_COSTS
from signalbox.domain.signals.resolution import settle
from signalbox.domain.signals.signal import Signal, Status
from tests.proof import cases
from tests.unit.domain.signals.cases import FIRST, MINUTE, START, STEP, make_signal, sheared

COUNT = 95
TICKS = 10
"""Ticks in a minute: what really happened, and no candle shows."""


def ticks_of(seed: int, volatility: float, gaps: bool) -> np.ndarray:
    """(95 * 5, 10) prices: a walk that moves in straight lines inside a 5m candle, and may jump between two."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(0, volatility, COUNT * 5 * TICKS)
    if gaps:
        steps[:: 5 * TICKS] *= 5
    return np.round(100 * np.exp(np.cumsum(steps)), 6).reshape(COUNT * 5, TICKS)


def minutes_of(ticks: np.ndarray) -> list[Candle]:
    """1m candles; inside a 5m candle each begins where the last one ended, as the path does."""
    candles = []
    for at, row in enumerate(ticks):
        path = row if at % 5 == 0 else np.concatenate([ticks[at - 1, -1:], row])
        prices = (path[0], path.max(), path.min(), path[-1])
        candles.append(Candle(FIRST + at * MINUTE, *map(float, prices), 1.0))
    return candles


def coarse(minutes: list[Candle]) -> list[Candle]:
    """5m candles of 1m candles."""
    groups = [minutes[at : at + 5] for at in range(0, len(minutes), 5)]
    return [
        Candle(g[0].time, g[0].open, max(c.high for c in g), min(c.low for c in g), g[-1].close, 5.0) for g in groups
    ]


def true_r(signal: Signal, ticks: np.ndarray) -> float | None:
    """Net R on the known path, None where the fill is beyond a level: the first level that the path reached."""
    side, levels = signal.signal_type.side, signal.levels
    target, stop = float(levels.target_price), float(levels.stop_loss)
    filled = float(ticks[0, 0])
    if not side * stop < side * filled < side * target:
        return None
    exit_price = float(ticks[-1, -1])
    for at, price in enumerate(ticks.ravel()):
        if side * price <= side * stop:
            exit_price = float(price) if at % (5 * TICKS) == 0 else stop
            break
        if side * price >= side * target:
            exit_price = target
            break
    return side * (exit_price - filled) / abs(filled - stop) - DEFAULT_COSTS.in_r(filled, exit_price, stop)


paths = st.tuples(st.integers(0, 2**32 - 1), st.sampled_from([0.0003, 0.001, 0.004]), st.booleans())
"""The arguments of `ticks_of`."""
signals = st.builds(
    lambda buy, reach, risk: make_signal(
        buy=buy,
        target=str(100 + reach if buy else 100 - reach),
        stop=str(100 - risk if buy else 100 + risk),
    ),
    st.booleans(),
    st.sampled_from(["0.5", "1", "4"]).map(Decimal),
    st.sampled_from(["0.5", "1", "3"]).map(Decimal),
)


@pytest.mark.prove
@settings(max_examples=cases(150, 4000), deadline=None)
@given(signal=signals, path=paths)
def test_the_truth_lies_between_the_pessimistic_and_the_optimistic_figure_and_drilling_narrows(
    signal: Signal, path: tuple[int, float, bool]
):
    ticks = ticks_of(*path)
    minutes = minutes_of(ticks)
    by_time = {candle.time: candle for candle in minutes}

    def finer(start: int, end: int) -> list[Candle]:
        return [by_time[time] for time in range(start, end, MINUTE)]

    options = {"timeframe": Timeframe.M5, "now": signal.expires_at}
    rough = settle(signal, coarse(minutes), **options)
    fine = settle(signal, coarse(minutes), finer=finer, **options)
    truth = true_r(signal, ticks)
    if truth is None:
        assert rough.status is fine.status is Status.INVALIDATED
        assert rough.ending.r is fine.ending.r is None
        return
    assert rough.ending.r - 1e-9 <= fine.ending.r <= truth + 1e-9
    assert truth - 1e-9 <= fine.ending.optimistic_r <= rough.ending.optimistic_r + 1e-9
    assert fine.ending.ambiguous or abs(fine.ending.r - truth) < 1e-9
    assert rough.ending.ambiguous or rough == fine
    assert sheared(fine) == sheared(signal)


@st.composite
def lives(draw: st.DrawFn) -> tuple[Signal, list[Candle], timedelta | None]:
    """A signal, what arrived of its candles (some lost, some spoiled), and perhaps a delisting."""
    minutes = minutes_of(ticks_of(*draw(paths)))
    candles = coarse(minutes)
    lost = draw(st.sets(st.integers(0, COUNT - 1), max_size=3))
    for at in draw(st.sets(st.integers(0, COUNT - 1), max_size=1)):
        candles[at] = candles[at]._replace(low=-1.0)
    gone = draw(st.none() | st.integers(1, COUNT).map(lambda at: timedelta(milliseconds=at * STEP)))
    return draw(signals), [candle for at, candle in enumerate(candles) if at not in lost], gone


@pytest.mark.prove
@settings(max_examples=cases(200, 4000), deadline=None)
@given(life=lives(), cuts=st.lists(st.integers(1, COUNT), max_size=12), again=st.booleans())
def test_any_split_of_the_candles_over_calls_gives_the_identical_ending(
    life: tuple[Signal, list[Candle], timedelta | None], cuts: list[int], again: bool
):
    signal, candles, gone = life
    options = {"timeframe": Timeframe.M5, "delisted_at": None if gone is None else START + gone}
    whole = settle(signal, candles, now=signal.expires_at, **options)
    bit_by_bit = signal
    for cut in sorted(cuts):
        now = FIRST + cut * STEP
        if gone is not None and from_ms(now) >= START + gone:
            break
        known = [candle for candle in candles if candle.time + STEP <= now]
        for _ in range(1 + again):
            bit_by_bit = settle(bit_by_bit, known, now=from_ms(min(now, to_ms(signal.expires_at) - 1)), **options)
    bit_by_bit = settle(bit_by_bit, candles, now=signal.expires_at, **options)
    assert whole.status is not Status.OPEN
    assert bit_by_bit == whole


def grid_of(candles: list[Candle]) -> CandleGrid:
    return CandleGrid.from_columns(
        "binance", Timeframe.M5, {"BTC/USDT": candles}, FIRST - STEP, FIRST + (COUNT - 1) * STEP
    )


@pytest.mark.prove
@settings(max_examples=cases(150, 4000), deadline=None)
@given(life=lives(), stops=st.lists(st.integers(0, COUNT + 1), min_size=1, max_size=3))
def test_settling_many_equals_settling_one_by_one_however_often(
    life: tuple[Signal, list[Candle], timedelta | None], stops: list[int]
):
    signal, candles, gone = life
    delisted = None if gone is None else START + gone
    one = many = signal
    for stop in sorted(stops):
        now = from_ms(FIRST + stop * STEP)
        one = settle(one, candles, timeframe=Timeframe.M5, now=now, delisted_at=delisted)
        gone_by_symbol = {} if delisted is None else {"BTC/USDT": delisted}
        (many,) = settle_many([many], grid_of(candles), now=now, delisted_at=gone_by_symbol)
        assert many == one


def test_settling_many_remembers_what_was_missing_before():
    candles = coarse(minutes_of(ticks_of(1, 0.0001, gaps=False)))
    signal = make_signal()
    for stop in (20, 40, COUNT):
        now = from_ms(FIRST + stop * STEP)
        (signal,) = settle_many([signal], grid_of(candles[:5] + candles[6:]), now=now)
        assert signal.candles_missing == 1
    assert signal.status is Status.EXPIRED


def test_settling_many_leaves_ended_signals_and_the_order_alone():
    ended = settle(make_signal(hours=0.5), [], timeframe=Timeframe.M5, now=START + timedelta(hours=1))
    still = make_signal()
    candles = coarse(minutes_of(ticks_of(1, 0.0001, gaps=False)))
    settled = settle_many([ended, still, replace(still, strategy="other")], grid_of(candles), now=START)
    assert settled[0] is ended
    assert [signal.strategy for signal in settled[1:]] == ["trend_following", "other"]
