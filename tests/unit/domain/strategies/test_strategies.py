"""Each strategy on candles made for it, on the same candles upside down, and on the real market."""

from collections import Counter

import numpy as np
import pytest

from signalbox.domain.market.candles import COLUMNS, CandleGrid
from signalbox.domain.signals.generation import find_all
from signalbox.domain.signals.signal import NULL_STRATEGY, SignalType
from signalbox.domain.strategies.base import Strategy
from signalbox.domain.strategies.registry import strategies, strategy
from signalbox.domain.strategies.view import MarketView
from signalbox.settings import Settings
from tests.unit.domain.strategies.samples import columns_of, hand_made, price_steps, real_grid, show, upside_down

REASONED = [found for found in strategies() if found.name != NULL_STRATEGY]


def by_name(found: Strategy) -> str:
    return found.name


def calm(candles: int, swing: float = 0.5) -> list[float]:
    return [100 + swing * float(np.sin(1.9 * at)) for at in range(candles)]


def moves(start: float, *steps: float) -> list[float]:
    return list(start + np.cumsum(steps))


def trend_following() -> CandleGrid:
    return hand_made(calm(200) + moves(100, *[1.0] * 30))


def breakout() -> CandleGrid:
    return hand_made([*calm(200), 103.0, 103.2], [10.0] * 200 + [80.0, 10.0])


def mean_reversion() -> CandleGrid:
    return hand_made(calm(200) + moves(100, *[-0.9] * 8) + moves(92.8, 1.5, 1.5, 1.0))


def momentum() -> CandleGrid:
    return hand_made(calm(200) + moves(100, *[2.4, -1.0] * 14))


def volatility_squeeze() -> CandleGrid:
    return hand_made(calm(200, swing=0.1) + moves(100, *[1.2] * 10), wick=1.0)


def rsi_divergence() -> CandleGrid:
    fast_fall, recovery, slow_fall = [-2.0] * 8, [1.2] * 8, [-0.9, 0.2] * 17 + [-0.5]
    return hand_made(calm(200) + moves(100, *fast_fall, *recovery, *slow_fall, 1.0, 1.0, 1.0, 1.0, 1.0))


def timeframe_confluence() -> CandleGrid:
    return hand_made([200 + 40 * float(np.cos(at / 110)) for at in range(680)])


MADE_FOR = {
    make.__name__: make
    for make in (
        trend_following,
        breakout,
        mean_reversion,
        momentum,
        volatility_squeeze,
        rsi_divergence,
        timeframe_confluence,
    )
}


@pytest.mark.parametrize("name", [found.name for found in REASONED])
def test_a_strategy_buys_on_the_candles_made_for_it_and_sells_on_their_opposite(name: str) -> None:
    grid = MADE_FOR[name]()
    decided = strategy(name).decide(MarketView(grid))
    opposite = strategy(name).decide(MarketView(upside_down(grid)))
    made = decided.side[150:, 0]
    assert (made == 1).sum() == 1, f"rows {np.flatnonzero(made) + 150}: {made[made != 0]}"
    np.testing.assert_array_equal(opposite.side, -decided.side)
    np.testing.assert_allclose(opposite.strength, decided.strength, atol=1e-9)


@pytest.mark.parametrize("found", REASONED, ids=by_name)
def test_nothing_happens_on_a_flat_market(found: Strategy) -> None:
    decided = found.decide(MarketView(hand_made([100.0] * 400, wick=0.0)))
    assert not decided.side.any()


@pytest.mark.parametrize("found", REASONED, ids=by_name)
def test_an_explanation_is_one_sentence_about_the_side(found: Strategy) -> None:
    grid = MADE_FOR[found.name]()
    decided = found.decide(MarketView(grid))
    row = int(np.flatnonzero(decided.side[:, 0] == 1)[-1])
    reasons = decided.reasons_at(row, 0)
    buy, sell = (found.explain(reasons, side) for side in SignalType)
    assert buy.endswith(".")
    assert buy != sell
    assert "nan" not in buy


def test_all_strategies_play_the_coins_game() -> None:
    coin = strategy(NULL_STRATEGY).geometry
    assert all(found.geometry == coin for found in strategies())


def test_every_warm_up_fits_the_window_that_the_live_path_loads() -> None:
    window = Settings.from_environment({}).warm_up_candles
    assert all(found.warm_up <= window for found in strategies())


@pytest.mark.data
@pytest.mark.parametrize("found", REASONED, ids=by_name)
def test_a_strategy_reads_only_the_columns_it_declares(found: Strategy) -> None:
    grid = columns_of(real_grid(), range(20)).rows(0, 500)
    blind = {name: getattr(grid, name) if name in found.inputs else np.full(grid.close.shape, 1.0) for name in COLUMNS}
    hidden = CandleGrid(grid.exchange, grid.timeframe, grid.symbols, grid.times, *blind.values())
    np.testing.assert_array_equal(found.decide(MarketView(grid)).side, found.decide(MarketView(hidden)).side)


@pytest.mark.data
def test_every_strategy_fires_sometimes_on_real_candles_and_never_before_its_warm_up() -> None:
    grid = real_grid()
    candidates = find_all(grid, price_steps=price_steps(grid))
    counts = Counter(candidate.strategy for candidate in candidates)
    cells = int(grid.present.sum())
    show(f"\n{'strategy':24}{'per 1000 candles':>18}{'per symbol and week':>22}")
    for found in strategies():
        share = counts[found.name] / cells
        show(f"{found.name:24}{1000 * share:18.2f}{168 * share:22.2f}")
        assert 0.1 < 168 * share < 4
    first = {name: min(c.created_at for c in candidates if c.strategy == name).timestamp() * 1000 for name in counts}
    for name, moment in first.items():
        assert (moment - grid.times[0]) / grid.timeframe.milliseconds >= strategy(name).warm_up


@pytest.mark.data
@pytest.mark.parametrize("found", REASONED, ids=by_name)
def test_a_strategy_fires_on_no_two_candles_in_a_row(found: Strategy) -> None:
    side = found.decide(MarketView(real_grid())).side
    assert side.any()
    assert not ((side[1:] == side[:-1]) & (side[1:] != 0)).any()
