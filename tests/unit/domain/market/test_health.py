import numpy as np
import pytest

from signalbox.domain.market.candles import Candle, CandleGrid
from signalbox.domain.market.health import clean_candles, inspect, keep
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.generation import find_all, find_candidates
from tests.unit.domain.strategies.samples import HOUR, columns_of, price_steps, real_grid

COUNT = 200


def market(symbols: int = 1, candles: int = COUNT) -> CandleGrid:
    noise = np.random.default_rng(1)
    close = 100 * np.exp(np.cumsum(noise.normal(0, 0.01, (candles, symbols)), axis=0))
    opened = np.concatenate([close[:1], close[:-1]])
    high, low = np.maximum(opened, close) * 1.002, np.minimum(opened, close) * 0.998
    names = tuple(f"S{at}/USDT" for at in range(symbols))
    times = HOUR * np.arange(candles, dtype=np.int64)
    return CandleGrid("binance", Timeframe.H1, names, times, opened, high, low, close, np.full(close.shape, 5.0))


def verdict(grid: CandleGrid, late_ms: int = 10_000, expected_last_open: int | None = None) -> dict[str, str]:
    last = int(grid.times[-1]) if len(grid.times) else 0
    healthy, refusals = inspect(
        grid,
        now_ms=last + HOUR + late_ms,
        grace_ms=10_000,
        expected_last_open=last if expected_last_open is None else expected_last_open,
    )
    assert set(healthy) | refusals.keys() == set(grid.symbols)
    assert not set(healthy) & refusals.keys()
    assert all(detail for _, detail in refusals.values())
    return {symbol: str(reason) for symbol, (reason, _) in refusals.items()}


def spoiled(column: str, rows: object, value: float) -> CandleGrid:
    grid = market()
    getattr(grid, column)[rows, 0] = value
    return grid


def holed(rows: object) -> CandleGrid:
    grid = market()
    for column in ("open", "high", "low", "close", "volume"):
        getattr(grid, column)[rows, 0] = np.nan
    return grid


def jumped(rows: slice, factor: float) -> CandleGrid:
    grid = market()
    for column in ("open", "high", "low", "close"):
        getattr(grid, column)[rows] *= factor
    return grid


def spiked(rows: slice, factor: float) -> CandleGrid:
    """Every other candle of `rows` multiplied."""
    return jumped(slice(rows.start, rows.stop, 2), factor)


def behind_a_hole(factor: float) -> CandleGrid:
    grid = jumped(slice(-8, None), factor)
    for column in ("open", "high", "low", "close", "volume"):
        getattr(grid, column)[-9, 0] = np.nan
    return grid


def frozen(candles: int, volume: float = 0.0) -> CandleGrid:
    grid = market()
    for column in ("open", "high", "low", "close"):
        getattr(grid, column)[-candles:] = grid.close[-candles - 1]
    grid.volume[-candles:] = volume + volume * np.arange(candles)[:, None]
    return grid


def repeated(candles: int) -> CandleGrid:
    grid = market()
    for column in ("open", "high", "low", "close", "volume"):
        getattr(grid, column)[-candles:] = getattr(grid, column)[-candles]
    return grid


@pytest.mark.parametrize(
    ("grid", "reason"),
    [
        (market(), None),
        (holed(-1), "stale"),
        (holed(slice(40, 70)), "stale"),
        (holed(slice(40, 50)), None),
        (holed(slice(0, COUNT - 24)), "stale"),
        (spoiled("close", 50, 0.0), "bad_data"),
        (spoiled("low", 50, -1.0), "bad_data"),
        (spoiled("open", 50, np.inf), "bad_data"),
        (spoiled("close", -1, np.nan), "bad_data"),
        (spoiled("volume", 50, -1.0), "bad_data"),
        (spoiled("high", 50, 1.0), "bad_data"),
        (spoiled("high", 50, 1e4), "bad_data"),
        (jumped(slice(80, 82), 10.0), "bad_data"),
        (jumped(slice(80, 82), 0.1), "bad_data"),
        (jumped(slice(COUNT - 1, None), 10.0), "bad_data"),
        (jumped(slice(80, None), 10.0), None),
        (spiked(slice(COUNT - 12, COUNT), 4.9), "bad_data"),
        (spiked(slice(COUNT - 12, COUNT), 2.0), "bad_data"),
        (spiked(slice(COUNT - 12, COUNT), 0.5), "bad_data"),
        (jumped(slice(COUNT - 1, None), 1.3), "bad_data"),
        (jumped(slice(80, 81), 1.3), "bad_data"),
        (jumped(slice(80, None), 1.3), None),
        (behind_a_hole(1.3), None),
        (frozen(6), "halted"),
        (frozen(6, volume=5.0), "halted"),
        (frozen(5), None),
        (repeated(2), "halted"),
    ],
)
def test_data_are_refused_with_their_reason(grid: CandleGrid, reason: str | None) -> None:
    assert verdict(grid) == ({"S0/USDT": reason} if reason else {})


def test_a_candle_that_may_still_change_gives_nothing() -> None:
    assert verdict(market(2), late_ms=9_999) == {"S0/USDT": "open_candle", "S1/USDT": "open_candle"}
    assert verdict(market(2), late_ms=10_000) == {}


def test_a_grid_that_ends_before_the_turn_is_stale_and_so_is_an_empty_one() -> None:
    grid = market()
    assert verdict(grid, expected_last_open=int(grid.times[-1]) + HOUR) == {"S0/USDT": "stale"}
    assert verdict(grid.rows(0, 0)) == {"S0/USDT": "stale"}


def test_one_sick_symbol_makes_no_other_sick() -> None:
    grid = market(3)
    grid.close[9, 1] = -5.0
    assert verdict(grid) == {"S1/USDT": "bad_data"}
    assert keep(grid, ("S2/USDT", "S0/USDT")).symbols == ("S2/USDT", "S0/USDT")


def test_raw_candles_come_out_in_order_each_time_once_and_every_fault_is_told() -> None:
    first, second, third = (Candle(at * HOUR, 1.0, 2.0, 0.5, 1.5, 9.0) for at in range(3))
    newer = second._replace(close=1.6)
    assert clean_candles([first, second, third]) == ([first, second, third], [])
    candles, problems = clean_candles([third, first, second, second, newer])
    assert candles == [first, newer, third]
    assert problems == [
        "1 candles out of order",
        "candle 1970-01-01T01:00:00Z given twice",
        "candle 1970-01-01T01:00:00Z given twice, differently",
    ]


@pytest.mark.data
@pytest.mark.parametrize("name", ["candles-1h-2017-2020-BTC", "candles-1h-2020-2024H1-majors"])
def test_no_real_candle_opens_far_from_the_close_before_or_is_the_one_before(name: str) -> None:
    grid = real_grid(name)
    steps = np.abs(np.log(grid.open[1:] / grid.close[:-1]))
    columns = np.stack([grid.open, grid.high, grid.low, grid.close, grid.volume])
    assert np.exp(np.nanmax(steps)) < 1.03
    assert not (columns[:, 1:] == columns[:, :-1]).all(axis=0).any()


@pytest.mark.data
def test_real_candles_are_healthy() -> None:
    grid = real_grid()
    for last in range(300, len(grid.times), 6):
        assert verdict(grid.rows(last - 300, last)) == {}


@pytest.mark.data
def test_twelve_hours_of_garbage_give_no_signal_and_harm_nobody_else() -> None:
    grid = columns_of(real_grid().rows(1000, 1312), range(20))
    sound = find_all(columns_of(grid, range(10, 20)), price_steps=price_steps(grid))
    prices = (grid.open, grid.high, grid.low, grid.close)
    for column, value in ((0, 0.0), (1, -3.0), (2, np.nan), (3, np.inf)):
        for values in prices:
            values[-12:, column] = value
    for values in prices:
        values[-12::2, 4] *= 10
        values[-12:, 5] = grid.close[-13, 5]
        values[:-24, 6] = np.nan
        values[-12:, 7] = values[-12:, 7][::-1] * np.resize([1.0, 10.0], 12)
        values[-12:, 8] = np.nan
    grid.volume[-12:, 5] = 0.0
    grid.high[-12:, 9], grid.low[-12:, 9] = grid.low[-12:, 9].copy(), grid.high[-12:, 9].copy()
    found = verdict(grid)
    assert sorted(found) == sorted(grid.symbols[:10])
    assert {found[grid.symbols[at]] for at in (2, 6, 8)} == {"stale"}
    assert {found[grid.symbols[at]] for at in (0, 1, 3, 4, 7, 9)} == {"bad_data"}
    assert found[grid.symbols[5]] == "halted"

    healthy = keep(grid, grid.symbols[10:])
    assert find_all(healthy, price_steps=price_steps(grid)) == sound
    # Should garbage slip through all the same, it raises nothing and changes nothing of the others.
    among_garbage = find_all(grid, price_steps=price_steps(healthy))
    assert [c for c in among_garbage if c.symbol in healthy.symbols] == sound
    assert not any(c.levels for c in find_candidates(grid, price_steps={}) if c.symbol not in healthy.symbols)
