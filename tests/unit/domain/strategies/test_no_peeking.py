"""What comes later changes nothing that was said before: on real candles, for every strategy and the regime."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from signalbox.domain.market.candles import CandleGrid
from signalbox.domain.regimes.classification import classify, market_regime
from signalbox.domain.signals.generation import find_all, find_candidates
from signalbox.domain.signals.signal import SignalType
from signalbox.domain.strategies.base import Decisions, Strategy, became, finite
from signalbox.domain.strategies.registry import strategies
from signalbox.domain.strategies.view import MarketView
from tests.unit.domain.strategies.samples import Bend, assert_same_up_to, bent_after, columns_of, price_steps, real_grid

pytestmark = pytest.mark.data

ROWS = 560
some_row = some.integers(min_value=300, max_value=ROWS - 2)
some_bend = some.sampled_from(["removed", "changed", "shuffled"])
a_few = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def grid() -> CandleGrid:
    return columns_of(real_grid(), range(0, 72, 3)).rows(1000, 1000 + ROWS)


class CentredAverage(Strategy):
    """Looks two candles ahead, as a strategy with a centred average would."""

    name = "centred_average"
    version = 1
    inputs = ("close",)

    def decide(self, view: MarketView) -> Decisions:
        average = np.full(view.close.shape, np.nan)
        average[2:-2] = sum(view.close[2 + at : len(view.close) - 2 + at] for at in range(-2, 3)) / 5
        known = finite(average)
        above = view.close > average
        return Decisions.of(became(above, known), became(~above, known), abs(view.close / average - 1), {"a": average})

    def explain(self, reasons: Mapping[str, float], signal_type: SignalType) -> str:
        return f"{signal_type} {reasons}"


@pytest.mark.parametrize("strategy", strategies(), ids=lambda strategy: strategy.name)
@a_few
@given(row=some_row, bend=some_bend)
def test_the_future_changes_no_decision(grid: CandleGrid, strategy: Strategy, row: int, bend: Bend) -> None:
    assert_same_up_to(strategy.decide, grid, row, bend)


@pytest.mark.parametrize("bend", ["removed", "changed", "shuffled"])
def test_a_planted_centred_average_is_caught(grid: CandleGrid, bend: Bend) -> None:
    with pytest.raises(AssertionError):
        assert_same_up_to(CentredAverage().decide, grid, 400, bend)


@a_few
@given(row=some_row, bend=some_bend)
def test_the_future_changes_no_regime(grid: CandleGrid, row: int, bend: Bend) -> None:
    bent = bent_after(grid, row, bend)
    for before, after in (
        (classify(grid.high, grid.low, grid.close), classify(bent.high, bent.low, bent.close)),
        (market_regime(grid), market_regime(bent)),
    ):
        np.testing.assert_array_equal(before.direction[: row + 1], after.direction[: row + 1])
        np.testing.assert_array_equal(before.volatility[: row + 1], after.volatility[: row + 1])


@a_few
@given(row=some_row, bend=some_bend)
def test_the_future_changes_no_candidate(grid: CandleGrid, row: int, bend: Bend) -> None:
    steps = price_steps(grid)
    last_close = grid.times[row] + grid.timeframe.milliseconds
    before = [c for c in find_all(grid, price_steps=steps) if c.created_at.timestamp() * 1000 <= last_close]
    after = find_all(bent_after(grid, row, bend), price_steps=steps)
    assert before == [c for c in after if c.created_at.timestamp() * 1000 <= last_close]


@a_few
@given(row=some_row)
def test_the_live_path_finds_what_the_backtest_finds(grid: CandleGrid, row: int) -> None:
    steps = price_steps(grid)
    live = find_candidates(grid.rows(0, row + 1), price_steps=steps)
    closes = (grid.times[row] + grid.timeframe.milliseconds) / 1000
    assert live == [c for c in find_all(grid, price_steps=steps) if c.created_at.timestamp() == closes]


def test_the_order_of_the_symbols_changes_nothing(grid: CandleGrid) -> None:
    order = np.random.default_rng(3).permutation(len(grid.symbols))
    steps = price_steps(grid)
    found = find_all(grid, price_steps=steps)
    assert found
    assert found == find_all(columns_of(grid, order), price_steps=steps)


def test_a_symbol_gives_the_same_alone_as_among_others(grid: CandleGrid) -> None:
    steps = price_steps(grid)
    alone = find_all(columns_of(grid, [5]), price_steps=steps)
    assert alone
    assert alone == [c for c in find_all(grid, price_steps=steps) if c.symbol == grid.symbols[5]]
