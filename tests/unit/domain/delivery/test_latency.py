"""Percentiles from bins against the sorted list itself."""

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.domain.delivery.latency import LONGEST, SHORTEST, bin_of, counted, percentile, seconds_of, total
from signalbox.domain.errors import InvalidValueError

SECONDS = st.floats(SHORTEST, 1e6, allow_nan=False)


@given(st.lists(SECONDS, min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 1.0]))
def test_a_percentile_is_within_five_percent_of_the_one_of_the_list(seconds: list[float], share: float) -> None:
    exact = sorted(seconds)[ceil(share * len(seconds)) - 1]
    found = percentile(counted(seconds), share)
    assert found is not None
    assert abs(found - exact) <= 0.0501 * exact


@given(st.lists(SECONDS, max_size=50), st.lists(SECONDS, max_size=50))
def test_counts_add_up_in_any_grouping(one: list[float], other: list[float]) -> None:
    assert total([counted(one), counted(other)]) == counted([*one, *other])


@given(st.floats(-1e3, 1e12, allow_nan=False))
def test_every_latency_has_a_bin_near_itself(seconds: float) -> None:
    held = min(max(seconds, SHORTEST), LONGEST)
    assert abs(seconds_of(bin_of(seconds)) - held) <= 0.0501 * held


def test_without_deliveries_there_is_no_percentile() -> None:
    assert percentile({}, 0.5) is None
    with pytest.raises(InvalidValueError, match="share must be above 0"):
        percentile({1: 1}, 0)
