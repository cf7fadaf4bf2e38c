"""The live path shows a strategy the last rows alone, and decides what it would have decided over all of them."""

from decimal import Decimal

import numpy as np
import pytest

from signalbox.domain.instants import to_ms
from signalbox.domain.market.candles import CandleGrid
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.features import features_at
from signalbox.domain.signals.generation import find_all, find_candidates
from signalbox.domain.strategies.base import LOOKBACK, Strategy
from signalbox.domain.strategies.registry import strategies
from signalbox.domain.strategies.view import MarketView, TailView
from tests.unit.domain.strategies.samples import HOUR, START


def wandering_grid(n_candles: int = 520, n_symbols: int = 12) -> CandleGrid:
    """Random walks in which every strategy finds something, with holes and a late start."""
    random = np.random.default_rng(5)
    shape = (n_candles, n_symbols)
    drift = 0.004 * np.sin(np.arange(n_candles)[:, None] / random.uniform(15, 60, n_symbols))
    close = 100 * np.exp(np.cumsum(drift + 0.01 * random.standard_t(4, shape), axis=0))
    opened = np.concatenate([close[:1], close[:-1]])
    high, low = np.maximum(opened, close) * 1.002, np.minimum(opened, close) * 0.998
    calm = (np.arange(n_candles) // 60 % 2 == 1)[:, None]
    high, low = (np.where(calm, edge * factor, edge) for edge, factor in ((high, 1.03), (low, 0.97)))
    columns = [opened, high, low, close, random.lognormal(3, 1, shape)]
    for column in columns:
        column[:90, 1] = np.nan
        column[random.random(n_candles) < 0.01, 2] = np.nan
    names = tuple(f"S{number:02}/USDT" for number in range(n_symbols))
    return CandleGrid("binance", Timeframe.H1, names, START + HOUR * np.arange(n_candles, dtype=np.int64), *columns)


@pytest.mark.parametrize("strategy", strategies(), ids=lambda strategy: strategy.name)
def test_a_strategy_looks_back_no_further_than_it_is_shown_by_the_live_path(strategy: Strategy) -> None:
    grid = wandering_grid()
    whole = MarketView(grid)
    expected = strategy.decide(whole)
    assert (expected.side[250:] != 0).any()
    for start in (0, 3, 150, 301, len(grid.times) - LOOKBACK - 1):
        found = strategy.decide(TailView(whole, start))
        shown = start + LOOKBACK if start else 0
        np.testing.assert_array_equal(found.side[shown - start :], expected.side[shown:])
        np.testing.assert_array_equal(found.strength[shown - start :], expected.strength[shown:])
        fired = np.argwhere(expected.side[shown:] != 0)
        for row, column in zip(fired[:, 0] + shown, fired[:, 1], strict=True):
            assert found.reasons_at(row - start, column) == expected.reasons_at(row, column)


def test_the_features_of_a_tail_are_those_of_the_whole_view() -> None:
    whole = MarketView(wandering_grid())
    tail = TailView(whole, 400)
    for column in range(12):
        assert features_at(tail, 119, column) == features_at(whole, 519, column)


def test_the_last_candle_gives_what_it_gives_among_all_candles() -> None:
    grid = wandering_grid()
    steps = dict.fromkeys(grid.symbols, Decimal("0.0001"))
    everything = find_all(grid, price_steps=steps)
    assert len(everything) > 50
    for last in range(300, 520, 20):
        live = find_candidates(grid.rows(0, last), price_steps=steps)
        assert live == [one for one in everything if to_ms(one.created_at) == grid.times[last - 1] + HOUR]
