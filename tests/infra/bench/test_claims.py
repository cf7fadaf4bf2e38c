"""What the benchmark says of its own figures: nothing that holds by construction or by a kind rival goes unsaid."""

import pytest

from infra.bench import indicators, regimes
from infra.bench.edge import random_grid
from infra.bench.indicators import AGAINST_LIBRARY
from infra.bench.regimes import LONGER_THAN_THE_DWELL
from signalbox.domain.regimes.classification import DIRECTION_DWELL
from signalbox.domain.regimes.stability import UNDONE_WITHIN


@pytest.mark.parametrize(("plain", "said"), [(1.59, True), (1.61, False)])
def test_the_plain_loop_of_the_rival_is_named_where_we_are_less_than_so_many_times_as_fast(
    plain: float, said: bool
) -> None:
    seconds = {100: {"batch": 1.0, "first steps": 0.1, "TA-Lib, kept": 2.0, "TA-Lib, not kept": plain}}

    losses = indicators._losses(seconds)

    assert any(f"{plain:.2f} times as fast" in loss for loss in losses) is said
    assert AGAINST_LIBRARY == 1.6


def test_without_the_rival_nothing_is_said_of_it() -> None:
    assert all("TA-Lib" not in loss for loss in indicators._losses({100: {"batch": 1.0, "first steps": 0.1}}))


def test_flips_that_the_dwell_forbids_are_said_to_be_none_and_longer_spans_stand_beside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert UNDONE_WITHIN < DIRECTION_DWELL < LONGER_THAN_THE_DWELL
    monkeypatch.setattr(regimes, "recorded", lambda _: random_grid(symbols=5, days=90))

    found = regimes.measure()

    (undone,) = (figure for figure in found.figures if figure.name == "regimes.undone_within_10")
    assert undone.value == 0
    assert "0 by construction" in undone.how
    assert f"within {LONGER_THAN_THE_DWELL} candles" in undone.how
    assert f"undone in {LONGER_THAN_THE_DWELL}" in found.tables[0].columns
