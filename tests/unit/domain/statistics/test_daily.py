import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from functools import reduce
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.signals.signal import Signal, Status
from signalbox.domain.statistics.daily import DailyStatistics, ending, of, published, total
from signalbox.domain.statistics.figures import figures
from signalbox.domain.statistics.keys import keys_of
from tests.builders import ended, make_signal
from tests.unit.domain.statistics.samples import random_signals


@given(seed=st.integers(0, 10_000), count=st.integers(0, 60))
def test_any_order_and_any_grouping_give_the_same_sum_to_the_last_bit(seed: int, count: int) -> None:
    signals = random_signals(seed, count)
    at_once = total(of(signal) for signal in signals)

    random = Random(seed)
    parts = [of(signal) for signal in signals]
    while len(parts) > 1:
        one, other = (parts.pop(random.randrange(len(parts))) for _ in range(2))
        parts.append(one + other)

    assert (parts or [DailyStatistics()])[0] == at_once
    assert total(part for half in (signals[::2], signals[1::2]) for part in map(of, half)) == at_once


@given(seed=st.integers(0, 10_000), count=st.integers(1, 60))
def test_figures_from_the_sum_are_those_of_the_signals(seed: int, count: int) -> None:
    signals = random_signals(seed, count)
    found = figures(reduce(DailyStatistics.__add__, map(of, signals)))
    rs = [s.ending.r for s in signals if s.ending is not None and s.ending.r is not None]

    assert found.published == len(signals)
    assert found.booked == len(rs)
    assert found.open == sum(signal.status is Status.OPEN for signal in signals)
    assert found.total_r == pytest.approx(sum(rs), abs=1e-9)
    if rs:
        assert found.expectancy == pytest.approx(sum(rs) / len(rs), abs=1e-9)
        losses = -sum(r for r in rs if r < 0)
        gains = sum(r for r in rs if r > 0)
        assert found.profit_factor == (pytest.approx(gains / losses, abs=1e-9) if losses else None)
    assert found.max_drawdown_r == pytest.approx(naive_drawdown(signals), abs=1e-9)


def naive_drawdown(signals: Sequence[Signal]) -> float:
    by_day: dict[str, float] = {}
    for signal in signals:
        if signal.ending is not None and signal.ending.r is not None:
            day = signal.ending.ended_at.date().isoformat()
            by_day[day] = by_day.get(day, 0.0) + signal.ending.r
    levels = [0.0]
    for day in sorted(by_day):
        levels.append(levels[-1] + by_day[day])
    return max(max(levels[: at + 1]) - level for at, level in enumerate(levels))


def test_publication_and_ending_add_up_to_the_signal() -> None:
    signal = ended(make_signal(confidence=0.61))
    assert published(signal) + ending(signal) == of(signal)
    assert ending(make_signal()) == DailyStatistics()


def test_numbers_survive_json_and_decimals() -> None:
    value = total(of(signal) for signal in random_signals(1, 40))
    assert DailyStatistics.read(json.loads(json.dumps(dict(value.numbers)))) == value
    assert DailyStatistics.read({name: Decimal(number) for name, number in value.numbers.items()}) == value


def test_the_numbers_of_one_signal_are_few() -> None:
    assert len(of(ended(make_signal(confidence=0.61))).numbers) < 30


@pytest.mark.parametrize("numbers", [{"wins": 1}, {"r": 0.5}, {"day:2024-01-05:x": 1}, {"booked": "many"}])
def test_numbers_that_are_none_of_ours_are_refused(numbers: dict[str, object]) -> None:
    with pytest.raises(InvalidValueError, match="must"):
        DailyStatistics.read(numbers)


def test_a_signal_counts_under_all_and_under_each_of_its_cuts() -> None:
    keys = keys_of(make_signal(quality_score=100.0))
    assert [key.cut for key in keys] == [
        "all", "symbol=BTC/USDT", "signal_type=BUY", "regime=UP/NORMAL"
    ]  # fmt: skip
    assert {(str(key.origin), key.strategy, f"{key.day}") for key in keys} == {
        ("live", "trend_following", "2024-01-05")
    }


def test_excluded_endings_are_counted_and_nothing_else() -> None:
    signals = [
        ended(make_signal(), status, r=None, optimistic_r=None) for status in (Status.DATA_GAP, Status.INVALIDATED)
    ]
    found = figures(total(map(of, signals)))
    assert found.excluded == {"DATA_GAP": 1, "INVALIDATED": 1}
    assert (found.booked, found.win_rate.n, found.expectancy, found.open) == (0, 0, None, 0)
    assert asdict(found)["calibration"] is None


def test_what_the_api_needs_comes_without_numpy() -> None:
    modules = ["clusters", "daily", "edge", "figures", "keys", "rates", "calibration", "student"]
    lines = "; ".join(f"import signalbox.domain.statistics.{module}" for module in modules)
    code = f"import sys; sys.path[:] = {sys.path!r}; {lines}; assert 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603
