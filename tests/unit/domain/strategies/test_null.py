import numpy as np

from signalbox.domain.strategies.null import PROBABILITY, Null, uniform
from signalbox.domain.strategies.view import MarketView
from tests.unit.domain.strategies.samples import START, hand_made

TIMES = START + 3_600_000 * np.arange(5000, dtype=np.int64)
SYMBOLS = tuple(f"S{at}/USDT" for at in range(40))


def test_the_coin_fires_as_often_as_it_says_and_falls_on_both_sides_alike() -> None:
    fired = uniform(TIMES, SYMBOLS, "0#1h#fire") < PROBABILITY
    heads = uniform(TIMES, SYMBOLS, "0#1h#side")[fired] < 0.5
    n = fired.size
    assert abs(fired.mean() - PROBABILITY) < 4 * np.sqrt(PROBABILITY * (1 - PROBABILITY) / n)
    assert abs(heads.mean() - 0.5) < 4 * 0.5 / np.sqrt(fired.sum())


def test_tosses_are_independent_between_symbols_and_times() -> None:
    tosses = uniform(TIMES, SYMBOLS, "x")
    assert abs(np.corrcoef(tosses.T)[np.triu_indices(40, 1)]).max() < 5 / np.sqrt(len(TIMES))
    assert abs(np.corrcoef(tosses[1:, 0], tosses[:-1, 0])[0, 1]) < 5 / np.sqrt(len(TIMES))


def test_a_toss_depends_on_symbol_time_and_key_alone() -> None:
    whole = uniform(TIMES, SYMBOLS, "x")
    np.testing.assert_array_equal(uniform(TIMES[100:200], SYMBOLS[7:3:-1], "x"), whole[100:200, 7:3:-1])
    assert not np.isclose(uniform(TIMES[:9], SYMBOLS, "y"), whole[:9]).any()


def test_another_seed_is_another_coin() -> None:
    view = MarketView(hand_made([100.0] * 2000))
    one, same, other = (Null(seed).decide(view).side for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert one.any()
    assert (one != other).any()


def test_a_hole_tosses_no_coin() -> None:
    grid = hand_made([100.0] * 2000)
    grid.close[500:] = np.nan
    assert not Null().decide(MarketView(grid)).side[500:].any()
