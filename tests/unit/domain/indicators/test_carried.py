"""A candle through carried state gives what a batch over the whole past gives."""

import numpy as np
import pytest

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.indicators import carried_bytes
from signalbox.domain.indicators.batch import IndicatorBatch
from signalbox.domain.indicators.carried import CarriedState, merge, start, step
from signalbox.domain.indicators.lines import IndicatorLines
from tests.unit.domain.indicators.cases import Columns, made_candles, real_candles, with_holes

NAMES = ("A/USDT", "B/USDT", "C/USDT", "D/USDT", "E/USDT")


def stepped(state: CarriedState, columns: Columns, first: int) -> tuple[CarriedState, IndicatorLines]:
    """Return the state after the rows from `first` on, and the lines of each step under each other."""
    rows = []
    for row in range(first, len(columns.close)):
        state, lines = step(state, *(values[row] for values in columns))
        rows.append(lines)
    return state, IndicatorLines(*(np.stack(line) for line in zip(*rows, strict=True)))


def started(columns: Columns, n_candles: int, names: tuple[str, ...] = NAMES) -> CarriedState:
    return start(names, *columns.each(lambda values: values[:n_candles]))


def assert_same_lines(found: IndicatorLines, expected: IndicatorLines, price: np.ndarray) -> None:
    for name, ours, theirs in zip(IndicatorLines._fields, found, expected, strict=True):
        np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs), err_msg=name)
        scale = np.maximum(np.abs(theirs), 1e-6 * price)
        largest = np.nanmax(np.abs(ours - theirs) / scale, initial=0.0)
        assert largest <= 1e-9, f"{name} differs by {largest}"


def assert_same_state(found: CarriedState, expected: CarriedState) -> None:
    assert found.symbols == expected.symbols
    for ours, theirs in zip(found.arrays(), expected.arrays(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("first", [0, 1, 13, 20, 39, 40, 41, 100])
def test_steps_equal_the_batch_wherever_they_start(first: int) -> None:
    columns = made_candles()
    expected = IndicatorLines(*(line[first:] for line in IndicatorBatch().compute(*columns)))

    _, found = stepped(started(columns, first), columns, first)

    assert_same_lines(found, expected, columns.close[first:])


@pytest.mark.parametrize("first", [0, 30, 70, 100])
def test_steps_equal_the_batch_with_holes_and_late_starts(first: int) -> None:
    columns = with_holes(made_candles())
    expected = IndicatorLines(*(line[first:] for line in IndicatorBatch().compute(*columns)))

    _, found = stepped(started(columns, first), columns, first)

    assert_same_lines(found, expected, columns.close[first:])


def test_a_symbol_without_a_candle_keeps_its_state() -> None:
    columns = made_candles()
    before = started(columns, 100)
    candle = [values[100].copy() for values in columns]
    for values in candle:
        values[[1, 3]] = np.nan

    after, lines = step(before, *candle)

    assert all(np.isnan(line[[1, 3]]).all() and not np.isnan(line[[0, 2, 4]]).any() for line in lines)
    assert_same_state(after.select(("B/USDT", "D/USDT")), before.select(("B/USDT", "D/USDT")))
    assert (after.counts == [101, 100, 101, 100, 101]).all()


@pytest.mark.parametrize("n_candles", [20, 100])
def test_a_step_leaves_the_state_before_as_it_was(n_candles: int) -> None:
    columns = made_candles()
    before = started(columns, n_candles)
    copy = before._replace(**{name: getattr(before, name).copy() for name in ("counts", "lanes", "window")})

    first, first_lines = step(before, *(values[n_candles] for values in columns))
    again, again_lines = step(before, *(values[n_candles] for values in columns))

    assert_same_state(before, copy)
    assert_same_state(first, again)
    np.testing.assert_array_equal(first_lines, again_lines)


def test_symbols_may_move_from_shard_to_shard_between_steps() -> None:
    columns = with_holes(made_candles())
    together, expected = stepped(started(columns, 30), columns, 30)

    state = started(columns, 30)
    rows = []
    random = np.random.default_rng(3)
    for row in range(30, 160):
        order = random.permutation(5)
        shuffled = [NAMES[at] for at in order]
        state = merge([state.select(shuffled[:2]), state.select(shuffled[2:])])
        assert state.symbols == tuple(shuffled)
        state, lines = step(state, *(values[row][order] for values in columns))
        rows.append(np.stack(lines)[:, np.argsort(order)])

    np.testing.assert_array_equal(np.stack(rows, axis=1), np.stack(expected))
    assert_same_state(state.select(NAMES), together)


@pytest.mark.parametrize("n_candles", [0, 10, 39, 40, 120])
def test_bytes_give_the_state_back_exactly(n_candles: int) -> None:
    state = started(with_holes(made_candles()), n_candles)

    assert_same_state(carried_bytes.from_bytes(carried_bytes.to_bytes(state)), state)


def test_bytes_of_another_kind_version_or_length_are_refused() -> None:
    data = carried_bytes.to_bytes(started(made_candles(), 50))

    with pytest.raises(InvalidValueError, match="must begin with"):
        carried_bytes.from_bytes(b"PK" + data)
    with pytest.raises(InvalidValueError, match="must have version 3, had 4"):
        carried_bytes.from_bytes(data[:4] + b"\x04\x00" + data[6:])
    for cut in range(10, len(data), 97):
        with pytest.raises(InvalidValueError, match=r"must name its symbols|must take"):
            carried_bytes.from_bytes(data[:cut])
    with pytest.raises(InvalidValueError, match="must take"):
        carried_bytes.from_bytes(data + b"\0" * 8)


def test_a_symbol_in_two_states_an_unknown_one_or_a_misshapen_candle_is_refused() -> None:
    state = started(made_candles(), 50)

    with pytest.raises(InvalidValueError, match="found more than once: \\['A/USDT'"):
        merge([state, state])
    with pytest.raises(InvalidValueError, match="was empty"):
        merge([])
    with pytest.raises(InvalidValueError, match="found \\['Z/USDT'\\]"):
        state.select(["A/USDT", "Z/USDT"])
    with pytest.raises(InvalidValueError, match="symbols must name all 5 columns, named 1"):
        start(("A/USDT",), *made_candles())
    with pytest.raises(InvalidValueError, match=r"high must have shape \(5,\), was \(4,\)"):
        step(state, *(values[0, :4] for values in made_candles()))
    with pytest.raises(InvalidValueError, match="high must be finite \\(or NaN\\), was inf in column 1"):
        step(state, np.array([1, np.inf, 1, 1, 1]), *(np.ones(5) for _ in range(3)))


def test_garbage_in_one_symbol_leaves_the_steps_of_the_others_alone() -> None:
    columns = made_candles()
    _, expected = stepped(started(columns, 100), columns, 100)
    spoiled = columns.each(np.copy)
    for values in spoiled:
        values[110:, 1] = 0.0
        values[110::2, 2] = -7.0
        values[110:, 3] *= 1e300

    _, found = stepped(started(spoiled, 100), spoiled, 100)

    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours[:, [0, 4]], theirs[:, [0, 4]])


@pytest.mark.data
def test_600_real_steps_equal_the_batch() -> None:
    symbols, columns = real_candles("candles-1h-2024H1-74-symbols.parquet")
    columns = columns.each(lambda values: values[:1100])
    expected = IndicatorLines(*(line[500:] for line in IndicatorBatch().compute(*columns)))

    _, found = stepped(started(columns, 500, symbols), columns, 500)

    assert_same_lines(found, expected, columns.close[500:])
