import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import to_ms
from signalbox.domain.market.timeframe import Timeframe
from tests.builders import NOW

timeframes = st.sampled_from(Timeframe)
moments = st.integers(min_value=0, max_value=4_102_444_800_000)


@given(timeframes, moments)
def test_a_moment_lies_in_the_candle_that_it_belongs_to(timeframe: Timeframe, moment: int):
    opened = timeframe.floor(moment)

    assert opened % timeframe.milliseconds == 0
    assert opened <= moment < opened + timeframe.milliseconds


@given(timeframes, moments)
def test_the_last_closed_candle_is_over_and_the_next_is_not(timeframe: Timeframe, moment: int):
    closed = timeframe.last_closed_open(moment) + timeframe.milliseconds

    assert closed <= moment < closed + timeframe.milliseconds


def test_a_candle_is_closed_from_the_moment_it_ends():
    at = to_ms(NOW)

    assert Timeframe.H1.last_closed_open(at) == at - 3_600_000
    assert Timeframe.H1.last_closed_open(at - 1) == at - 2 * 3_600_000


def test_lengths_ascend_and_divide_a_day():
    lengths = [timeframe.milliseconds for timeframe in Timeframe]

    assert lengths == sorted(set(lengths))
    assert all(86_400_000 % length == 0 for length in lengths)


@pytest.mark.parametrize("text", ["1m", "5m", "15m", "1h", "4h", "1d"])
def test_a_timeframe_is_read_as_it_is_spelled(text: str):
    assert str(Timeframe.of(text)) == text


@pytest.mark.parametrize("text", ["", "1H", "60m", "2h", "1 h"])
def test_an_unknown_timeframe_is_refused_with_the_known_ones(text: str):
    with pytest.raises(InvalidValueError, match="timeframe must be one of 1m, 5m, 15m, 1h, 4h, 1d, was"):
        Timeframe.of(text)
