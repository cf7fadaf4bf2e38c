"""No indicator peeks: what it says at t is the same whatever comes after t, and whoever stands beside it."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signalbox.domain.indicators.batch import IndicatorBatch
from tests.unit.domain.indicators.cases import CASES, Columns, FloatArray, made_candles, real_candles, with_holes

Lines = Callable[[Columns], tuple[FloatArray, ...]]

BATCH = IndicatorBatch()


def batch_lines(columns: Columns) -> tuple[FloatArray, ...]:
    return tuple(line.copy() for line in BATCH.compute(*columns))


FUNCTIONS: dict[str, Lines] = {case.name: case.lines for case in CASES} | {"IndicatorBatch": batch_lines}
each_function = pytest.mark.parametrize("lines", FUNCTIONS.values(), ids=FUNCTIONS.keys())


def centred_average(columns: Columns) -> tuple[FloatArray, ...]:
    """Return a mean that knows tomorrow: the planted error that these tests must find."""
    average = np.full_like(columns.close, np.nan)
    average[1:-1] = (columns.close[:-2] + columns.close[1:-1] + columns.close[2:]) / 3.0
    return (average,)


def futures(columns: Columns, at: int, seed: int) -> dict[str, Columns]:
    """Return the same candles up to row `at`, with those after it removed, changed, shuffled, or missing."""
    random = np.random.default_rng(seed)
    order = random.permutation(np.arange(at + 1, len(columns.close)))

    def after(values: FloatArray, future: FloatArray) -> FloatArray:
        return np.concatenate([values[: at + 1], future])

    return {
        "removed": columns.each(lambda values: values[: at + 1]),
        "changed": columns.each(lambda values: after(values, values[at + 1 :] * random.lognormal())),
        "shuffled": columns.each(lambda values: after(values, values[order])),
        "missing": columns.each(lambda values: after(values, np.full_like(values[at + 1 :], np.nan))),
    }


def peeks(lines: Lines, columns: Columns, at: int, seed: int) -> list[str]:
    """Return the futures that change what was said up to row `at`."""
    known = [line[: at + 1] for line in lines(columns)]
    return [
        name
        for name, other in futures(columns, at, seed).items()
        for before, after in zip(known, lines(other), strict=True)
        if not same(after[: at + 1], before)
    ]


def same(found: FloatArray, expected: FloatArray) -> bool:
    return bool(np.allclose(found, expected, rtol=1e-12, atol=0.0, equal_nan=True))


@each_function
@settings(max_examples=8, deadline=None)
@given(at=st.integers(0, 158), seed=st.integers(0, 2**16), holes=st.booleans())
def test_no_future_changes_what_was_said(lines: Lines, at: int, seed: int, holes: bool) -> None:
    columns = made_candles(seed=seed)

    assert peeks(lines, with_holes(columns) if holes else columns, at, seed) == []


@pytest.mark.data
@each_function
@settings(max_examples=3, deadline=None)
@given(at=st.integers(0, 598), start=st.integers(0, 3000), seed=st.integers(0, 2**16))
def test_no_future_changes_what_was_said_on_real_candles(lines: Lines, at: int, start: int, seed: int) -> None:
    _, columns = real_candles("candles-1h-2024H1-74-symbols.parquet")

    assert peeks(lines, columns.each(lambda values: values[start : start + 600, :24]), at, seed) == []


def test_a_planted_centred_average_is_caught() -> None:
    found = {name for at in range(3, 150, 7) for name in peeks(centred_average, made_candles(), at, seed=at)}

    assert found == {"removed", "changed", "shuffled", "missing"}


@each_function
@settings(max_examples=5, deadline=None)
@given(order=st.permutations(range(5)), kept=st.integers(1, 5), holes=st.booleans())
def test_a_symbol_is_the_same_whoever_stands_beside_it(lines: Lines, order: list[int], kept: int, holes: bool) -> None:
    columns = with_holes(made_candles()) if holes else made_candles()
    chosen = order[:kept]

    for alone, together in zip(lines(columns.each(lambda values: values[:, chosen])), lines(columns), strict=True):
        assert same(alone, together[:, chosen])


@each_function
def test_a_symbol_with_holes_is_its_present_candles_and_nothing_at_the_holes(lines: Lines) -> None:
    columns = with_holes(made_candles(260))
    found = lines(columns)

    for at in range(5):
        present = ~np.isnan(columns.close[:, at])
        pick = partial(np.compress, present, axis=0)
        alone = lines(columns.each(lambda values, at=at, pick=pick: pick(values[:, at : at + 1])))
        for line, expected in zip(found, alone, strict=True):
            np.testing.assert_array_equal(line[present, at], expected[:, 0])
            assert np.isnan(line[~present, at]).all()


@each_function
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_garbage_never_raises_and_never_touches_another_symbol(lines: Lines, data: st.DataObject) -> None:
    columns = made_candles()
    expected = lines(columns)
    number = st.sampled_from([0.0, -1.0, 1.0, np.nan, 1e-300, 1e300, -1e300, 1e6])
    spoiled = columns.each(np.copy)
    for values in spoiled:
        first, length = data.draw(st.integers(0, 150)), data.draw(st.integers(1, 160))
        values[first : first + length, 2] = data.draw(number)
        values[data.draw(st.integers(0, 159)), 2] = data.draw(number)

    for line, untouched in zip(lines(spoiled), expected, strict=True):
        assert same(np.delete(line, 2, axis=1), np.delete(untouched, 2, axis=1))
