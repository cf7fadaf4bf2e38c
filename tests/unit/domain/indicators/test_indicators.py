"""What every indicator shares: a case, its warm-up, its errors; and what each says of series with a known answer."""

import importlib
import inspect
import pkgutil
from types import ModuleType

import numpy as np
import pytest

from signalbox.domain import indicators
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.indicators import averages, momentum, oscillators, trend, volatility, volume, windows
from tests.unit.domain.indicators.cases import CASES, Case, Columns, each_case, made_candles


def column(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)[:, None]


def public_indicators() -> set[str]:
    """Return the names of the functions that take columns, in every public module of the package."""
    modules = [
        importlib.import_module(f"{indicators.__name__}.{module.name}")
        for module in pkgutil.iter_modules(indicators.__path__)
        if not module.name.startswith("_")
    ]
    return {name for module in modules for name, _ in inspect.getmembers(module, is_indicator_of(module))}


def is_indicator_of(module: ModuleType):
    return lambda member: (
        inspect.isfunction(member) and member.__module__ == module.__name__ and hasattr(member, "__wrapped__")
    )


def test_every_indicator_has_a_case() -> None:
    assert {case.name for case in CASES} == public_indicators()


@each_case
def test_every_indicator_says_its_shapes_warm_up_and_errors(case: Case) -> None:
    text = inspect.getdoc(case.function) or ""

    for part in ("Parameters\n-", "Returns\n-", "Raises\n-", "(n_candles, n_symbols)", "NaN", "InvalidValueError"):
        assert part in text, f"{case.name} does not say {part!r}"


@each_case
def test_the_warm_up_is_nan_and_nothing_after_it(case: Case) -> None:
    columns = made_candles()

    lines = case.lines(columns)

    assert len(lines) == len(case.warm_up)
    for line, warm_up in zip(lines, case.warm_up, strict=True):
        assert line.shape == columns.close.shape
        assert np.isnan(line[:warm_up]).all()
        assert np.isfinite(line[warm_up:]).all()


@each_case
@pytest.mark.parametrize("shape", [(0, 3), (1, 3), (2, 3), (5, 3), (20, 1), (30, 0), (0, 0)])
def test_too_few_candles_or_no_symbols_give_an_array_of_that_shape(case: Case, shape: tuple[int, int]) -> None:
    lines = case.lines(made_candles().each(lambda values: values[: shape[0], : shape[1]]))

    for line, warm_up in zip(lines, case.warm_up, strict=True):
        assert line.shape == shape
        assert np.isnan(line[:warm_up]).all()


@each_case
def test_no_indicator_changes_its_columns(case: Case) -> None:
    columns = made_candles()
    before = columns.each(np.copy)

    case.lines(columns)

    for found, expected in zip(columns, before, strict=True):
        np.testing.assert_array_equal(found, expected)


@each_case
def test_columns_may_be_views_of_any_layout(case: Case) -> None:
    columns = made_candles()
    views = columns.each(lambda values: np.asfortranarray(np.repeat(values, 2, axis=0))[::2])

    for found, expected in zip(case.lines(views), case.lines(columns), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=0.0)


@each_case
def test_a_column_of_the_wrong_kind_is_refused(case: Case) -> None:
    columns = made_candles()
    first = case.column_names[0]

    with pytest.raises(InvalidValueError, match=f"{first} must be a two-dimensional float64 array, was 1-dimensional"):
        case.lines(columns.each(lambda values: values[:, 0]))
    with pytest.raises(InvalidValueError, match=f"{first} must be .* was 2-dimensional float32"):
        case.lines(columns.each(lambda values: values.astype(np.float32)))
    with pytest.raises(InvalidValueError, match=f"{first} must be .* was list"):
        case.lines(columns.each(lambda values: values.tolist()))


@each_case
def test_an_infinity_is_refused_where_it_stands(case: Case) -> None:
    columns = made_candles().each(np.copy)
    for values in columns:
        values[7, 3] = np.inf

    with pytest.raises(InvalidValueError, match="was inf in row 7, column 3"):
        case.lines(columns)


@pytest.mark.parametrize("case", [case for case in CASES if len(case.column_names) > 1], ids=lambda case: case.name)
def test_columns_of_different_shapes_are_refused(case: Case) -> None:
    last = case.column_names[-1]
    columns = made_candles()._replace(**{last: np.ones((160, 4))})

    with pytest.raises(InvalidValueError, match=rf"{last} must have the shape \(160, 5\) of .*, was \(160, 4\)"):
        case.lines(columns)


def integer_parameters() -> list[tuple[Case, str]]:
    return [
        (case, name)
        for case in CASES
        for name, parameter in inspect.signature(case.function).parameters.items()
        if isinstance(parameter.default, int)
    ]


@pytest.mark.parametrize(
    ("case", "name"), integer_parameters(), ids=lambda value: value if isinstance(value, str) else value.name
)
@pytest.mark.parametrize("period", [-1, True, 2.0, "14", None])
def test_a_period_that_is_no_count_of_candles_is_refused(case: Case, name: str, period: object) -> None:
    with pytest.raises(InvalidValueError, match=f"{name} must be a whole number of at least [012], was {period!r}"):
        case.lines(made_candles(), **{name: period})


@pytest.mark.parametrize("case", [case for case in CASES if "multiplier" in str(inspect.signature(case.function))])
@pytest.mark.parametrize("multiplier", [0.0, -1.0, np.nan, np.inf])
def test_a_multiplier_that_is_not_positive_is_refused(case: Case, multiplier: float) -> None:
    with pytest.raises(InvalidValueError, match="multiplier must be positive and finite, was "):
        case.lines(made_candles(), multiplier=multiplier)


def test_a_fast_average_that_is_not_faster_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="fast must be below slow, was 26 with slow 26"):
        momentum.moving_average_convergence_divergence(made_candles().close, fast=26)


@pytest.mark.parametrize("period", [2, 3, 7, 13, 50])
@pytest.mark.parametrize("price", [1.0, 0.1, 64_123.45, 1.7e-5])
def test_a_flat_series_says_what_is_documented(period: int, price: float) -> None:
    flat = Columns(*(np.full((120, 2), price) for _ in range(4)))
    high, low, close, _ = flat

    assert last(momentum.relative_strength_index(close, period)) == 0.0
    assert last(momentum.rate_of_change(close, period)) == 0.0
    assert last(oscillators.fast_stochastic(high, low, close, period).d) == 0.0
    assert last(oscillators.williams_percent_range(high, low, close, period)) == 0.0
    assert last(oscillators.commodity_channel_index(high, low, close, period)) == 0.0
    assert last(oscillators.stochastic_relative_strength_index(close, period).k) == 0.0
    assert [last(line) for line in trend.average_directional_index(high, low, close, period)] == [0.0] * 3
    assert last(trend.linear_regression_slope(close, period)) == 0.0
    assert last(volatility.average_true_range(high, low, close, period)) == 0.0
    assert last(volatility.realised_volatility(close, period)) == pytest.approx(0.0, abs=1e-15)
    assert last(volume.money_flow_index(*flat, period)) == 0.0
    assert last(windows.z_score(close, period)) == 0.0
    assert last(windows.percentile_rank(close, period)) == 50.0
    bands = volatility.bollinger_bands(close, period)
    assert last(bands.upper) == pytest.approx(price, rel=1e-14)
    assert last(bands.lower) == pytest.approx(price, rel=1e-14)


def last(line: np.ndarray) -> float:
    assert (line[-1] == line[-1, 0]).all()
    return float(line[-1, 0])


def test_a_monotone_rise_is_as_strong_as_can_be() -> None:
    close = np.linspace(100.0, 200.0, 90)[:, None]
    high, low = close + 0.5, close - 0.5

    assert last(momentum.relative_strength_index(close)) == 100.0
    adx, plus_di, minus_di = (last(line) for line in trend.average_directional_index(high, low, close))
    assert (adx, minus_di) == (pytest.approx(100.0), 0.0)
    assert plus_di > 50.0
    assert (trend.supertrend(high, low, close).direction[10:] == 1.0).all()
    assert [last(line) for line in trend.aroon(high, low)] == [100.0, 0.0]
    assert last(windows.percentile_rank(close, 50)) == 99.0
    assert last(trend.linear_regression_slope(close)) == pytest.approx(100.0 / 89.0)


def test_a_spike_is_forgotten_when_its_window_has_passed() -> None:
    columns = made_candles()
    spiked = columns.close.copy()
    spiked[50] *= 1e9

    for function in (averages.simple_moving_average, windows.z_score, volatility.realised_volatility):
        np.testing.assert_array_equal(function(spiked)[75:], function(columns.close)[75:])


def test_nothing_traded_has_no_average_price_and_no_ratio() -> None:
    high, low, close, traded = made_candles().each(np.copy)
    traded[60:100, 1] = 0.0

    price = volume.rolling_volume_weighted_average_price(high, low, close, traded)
    ratio = volume.volume_ratio(traded)

    assert np.isnan(price[83:100, 1]).all()
    assert np.isnan(ratio[80:101, 1]).all()
    assert np.isfinite(price[100:, 1]).all()
    assert np.isfinite(ratio[101:, 1]).all()


def test_moving_averages_of_a_known_series() -> None:
    values = column(1, 2, 3, 4, 8)

    np.testing.assert_allclose(averages.simple_moving_average(values, 3)[2:, 0], [2, 3, 5])
    np.testing.assert_allclose(averages.exponential_moving_average(values, 3)[2:, 0], [2, 3, 5.5])
    np.testing.assert_allclose(averages.weighted_moving_average(values, 3)[2:, 0], [14 / 6, 20 / 6, 35 / 6])
    np.testing.assert_allclose(windows.percentile_rank(column(1, 3, 2, 2), 4)[3:, 0], [50.0])
    np.testing.assert_allclose(volume.volume_ratio(column(1, 3, 8), 2)[2:, 0], [4.0])
