"""Small cases of the long proof that a coin is shown no edge and a planted one is found."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from infra.bench.edge import Outcomes, null_shares, outcomes_of, planted_found_share, random_grid
from signalbox.domain.instants import from_ms
from signalbox.domain.market.candles import CandleGrid
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.batch_resolution import settle_many
from signalbox.domain.signals.generation import find_all
from signalbox.domain.signals.signal import Origin, Status
from signalbox.domain.statistics import edge
from signalbox.domain.statistics.clusters import Difference, difference
from signalbox.domain.strategies.null import Null
from signalbox.services.generate_signals import Provenance, publish

HOUR = Timeframe.H1.milliseconds
STEP = Decimal("0.000001")


@pytest.fixture(scope="module")
def grid() -> CandleGrid:
    return random_grid(symbols=60, days=90)


@pytest.fixture(scope="module")
def outcomes(grid: CandleGrid) -> Outcomes:
    return outcomes_of(grid)


def test_outcomes_at_once_are_those_of_settle(grid: CandleGrid, outcomes: Outcomes) -> None:
    # Steps so fine that rounding the levels to them does not show.
    steps = dict.fromkeys(grid.symbols, STEP)
    found = [one for one in find_all(grid, price_steps=steps, strategies=[Null(5)]) if one.symbol in grid.symbols[:6]]
    signals = [publish(one, one.created_at + timedelta(seconds=10), Provenance(Origin.REPLAY, "test")) for one in found]
    settled = settle_many(signals, grid, now=from_ms(grid.times[-1] + HOUR))
    compared = 0
    for signal in settled:
        row = (int(signal.created_at.timestamp() * 1000) - HOUR - int(grid.times[0])) // HOUR
        ours = outcomes.r[0 if signal.signal_type == "BUY" else 1, row, grid.symbols.index(signal.symbol)]
        if signal.status is Status.OPEN:
            continue
        if signal.ending is None or signal.ending.r is None:
            assert np.isnan(ours)
        else:
            assert ours == pytest.approx(signal.ending.r, rel=1e-4)
            compared += 1
    assert compared > 100


def test_a_coin_is_shown_no_edge(outcomes: Outcomes) -> None:
    null = null_shares(outcomes, 40)

    assert null.shown <= null.cleared <= 0.05


def test_a_test_that_rejects_everything_does_not_hide_behind_what_a_coin_loses(
    outcomes: Outcomes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sure(*arguments: Any) -> Difference | None:
        found = difference(*arguments)
        return found and replace(found, p_value=0.0)

    monkeypatch.setattr(edge, "difference", sure)
    null = null_shares(outcomes, 4)

    assert (null.cleared, null.shown) == (1.0, 0.0)
    assert null.mean_r < 0


def test_a_large_planted_edge_is_found_and_none_where_none_is_planted(outcomes: Outcomes) -> None:
    assert planted_found_share(outcomes, 6, n=1500, edge_r=0.5) == 1
    assert planted_found_share(outcomes, 6, n=1500, edge_r=0.0) == 0


def test_a_planted_edge_is_as_large_as_it_says(outcomes: Outcomes) -> None:
    coin = outcomes.coin(1)
    gains = [np.clip(coin.with_edge(0.2, seed).r, -5, 5).mean() - np.clip(coin.r, -5, 5).mean() for seed in range(20)]
    assert np.mean(gains) == pytest.approx(0.2, abs=0.01)


def test_another_seed_is_another_coin_and_the_same_seed_the_same(outcomes: Outcomes) -> None:
    np.testing.assert_array_equal(outcomes.coin(3).r, outcomes.coin(3).r)
    assert not np.array_equal(outcomes.coin(3).day, outcomes.coin(4).day)
