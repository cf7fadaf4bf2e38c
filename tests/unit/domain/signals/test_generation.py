from collections import Counter, defaultdict
from dataclasses import fields, replace
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import pairwise

import numpy as np
import pytest

from signalbox.domain.instants import from_ms, to_ms
from signalbox.domain.market.candles import CandleGrid
from signalbox.domain.signals.candidate import Candidate
from signalbox.domain.signals.features import FEATURES
from signalbox.domain.signals.generation import find_all, find_candidates
from signalbox.domain.signals.identity import SignalKey
from signalbox.domain.signals.quality import WEIGHTS
from signalbox.domain.signals.selection import SelectionRules, select
from signalbox.domain.signals.signal import Ending, Origin, Signal, SignalType, Status
from signalbox.domain.strategies.registry import strategy
from tests.unit.domain.strategies.samples import columns_of, hand_made, price_steps, real_grid, show

STEP = {"BTC/USDT": Decimal("0.01")}


def breaking_out() -> CandleGrid:
    return hand_made([100 + 0.5 * float(np.sin(1.9 * at)) for at in range(300)] + [103.0], [10.0] * 300 + [80.0])


def the_breakout(steps: dict[str, Decimal]) -> Candidate:
    found = find_candidates(breaking_out(), price_steps=steps, strategies=[strategy("breakout")])
    assert len(found) == 1
    return found[0]


def test_a_candidate_is_created_at_the_close_of_its_candle_and_lives_as_its_strategy_says() -> None:
    candidate, grid = the_breakout(STEP), breaking_out()
    assert candidate.created_at == from_ms(grid.times[-1]) + timedelta(hours=1)
    assert candidate.expires_at == candidate.created_at + timedelta(hours=48)
    assert (candidate.strategy, candidate.signal_type) == ("breakout", SignalType.BUY)
    assert candidate.reasons["volume_ratio_20"] == pytest.approx(8)
    assert candidate.features.keys() <= FEATURES.keys()
    assert candidate.quality_parts.keys() == WEIGHTS.keys()


def test_a_symbol_without_a_price_step_keeps_its_candidate_without_levels() -> None:
    candidate = the_breakout({})
    assert candidate.levels is None
    assert candidate.levels_problem == "price step of BTC/USDT is not known"


def test_an_empty_grid_gives_nothing() -> None:
    grid = breaking_out()
    assert find_candidates(grid.rows(0, 0), price_steps=STEP) == []
    assert find_all(columns_of(grid, []), price_steps=STEP) == []
    assert find_all(grid.rows(0, 1), price_steps=STEP) == []


def test_a_symbol_listed_yesterday_gives_nothing() -> None:
    assert find_all(breaking_out().rows(277, 301), price_steps=STEP) == []


@pytest.mark.data
def test_levels_can_be_computed_again_by_hand_from_the_candles() -> None:
    grid = columns_of(real_grid().rows(1000, 1600), range(10))
    steps = price_steps(grid)
    for candidate in find_all(grid, price_steps=steps)[::7]:
        raw = [c for c in grid.column(candidate.symbol) if c.time < to_ms(candidate.created_at)]
        ranges = [max(now.high, before.close) - min(now.low, before.close) for before, now in pairwise(raw)]
        atr = sum(ranges[:14]) / 14
        for one in ranges[14:]:
            atr += (one - atr) / 14
        entry, side, step = Decimal(str(raw[-1].close)), candidate.signal_type.side, steps[candidate.symbol]
        target = entry + side * Decimal(3 * atr)
        stop = entry - side * Decimal(2 * atr)
        away, back = (ROUND_CEILING, ROUND_FLOOR) if side > 0 else (ROUND_FLOOR, ROUND_CEILING)
        assert candidate.placed.entry_price == entry
        assert candidate.placed.target_price == (target / step).to_integral_value(away) * step
        assert candidate.placed.stop_loss == (stop / step).to_integral_value(back) * step


@pytest.mark.data
def test_a_window_of_300_candles_finds_what_the_whole_history_finds() -> None:
    grid = columns_of(real_grid(), range(0, 74, 2))
    steps = price_steps(grid)
    whole: dict[datetime, dict[SignalKey, SignalType]] = defaultdict(dict)
    for candidate in find_all(grid, price_steps=steps):
        whole[candidate.created_at][candidate.key] = candidate.signal_type
    same, total, differing = 0, 0, set()
    for last in range(1000, 1080):
        found = find_candidates(grid.rows(last - 299, last + 1), price_steps=steps)
        moment = from_ms(grid.times[last] + grid.timeframe.milliseconds)
        expected = set(whole[moment].items())
        seen = {(candidate.key, candidate.signal_type) for candidate in found}
        same, total, differing = same + len(seen & expected), total + len(seen | expected), differing | seen ^ expected
    show(f"\n{same} of {total} candidates are in both ({same / total:.2%}); not in both: {differing or 'none'}")
    assert total > 100
    assert same / total > 0.98


@pytest.mark.data
def test_a_symbol_gets_one_to_four_signals_a_week_after_selection() -> None:
    grid = columns_of(real_grid(), range(0, 74, 3))
    by_moment: dict[datetime, list[Candidate]] = defaultdict(list)
    for candidate in find_all(grid, price_steps=price_steps(grid)):
        by_moment[candidate.created_at].append(candidate)
    given: list[Signal] = []
    sent: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    for moment in sorted(by_moment):
        given = [signal for signal in given if signal.expires_at > moment - timedelta(hours=6)]
        recent = [_as_known(signal, moment) for signal in given]
        chosen, suppressed = select(by_moment[moment], recent, SelectionRules())
        given += [_ended(candidate, grid) for candidate in chosen]
        sent.update(candidate.strategy for candidate in chosen)
        lost.update(f"{item.candidate.strategy} {item.reason}" for item in suppressed)
    weeks = float(grid.present.sum()) / 168
    show("\nper symbol and week:", {name: round(count / weeks, 2) for name, count in sorted(sent.items())})
    show("suppressed:", {name: round(count / weeks, 2) for name, count in sorted(lost.items())})
    assert 1 < (sent.total() - sent["null"]) / weeks < 4
    assert all(sent[name] for name in ("mean_reversion", "momentum", "rsi_divergence", "timeframe_confluence"))


def _ended(candidate: Candidate, grid: CandleGrid) -> Signal:
    """The signal with the ending that its candles give it, by the first level touched."""
    first = int(np.searchsorted(grid.times, to_ms(candidate.created_at)))
    life = slice(first, first + 48)
    at = grid.symbols.index(candidate.symbol)
    top, bottom = sorted((float(candidate.placed.target_price), float(candidate.placed.stop_loss)))[::-1]
    touched = np.flatnonzero((grid.high[life, at] >= top) | (grid.low[life, at] <= bottom))
    ended_at = candidate.created_at + timedelta(hours=int(touched[0]) + 1 if len(touched) else 48)
    ending = Ending(
        status=Status.EXPIRED,
        ended_at=ended_at,
        exit_price=None,
        r=None,
        optimistic_r=None,
        cost_r=None,
        ambiguous=False,
        candles_hash="",
    )
    shared = {field.name for field in fields(Signal)} & {field.name for field in fields(Candidate)}
    return Signal(
        **{name: getattr(candidate, name) for name in shared},
        published_at=candidate.created_at,
        confidence=None,
        origin=Origin.REPLAY,
        code_version="test",
        status=Status.EXPIRED,
        ending=ending,
    )


def _as_known(signal: Signal, moment: datetime) -> Signal:
    over = signal.ending is not None and signal.ending.ended_at <= moment
    return signal if over else replace(signal, status=Status.OPEN, ending=None)
