"""Which candle is a turn of a stepped run."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from infra.local.__main__ import main
from infra.local.errors import RunFailedError
from infra.local.house import timeframes_setting
from infra.local.market_source import MarketChoice, RealExchanges
from infra.local.stay import state_folder
from infra.local.turns import last_turns
from signalbox.domain.market.timeframe import Timeframe


class MarketOf(RealExchanges):
    """A market whose shortest candles have this length, in minutes."""

    def __init__(self, minutes: int) -> None:
        self.minutes = minutes

    def status(self) -> Mapping[str, Any]:
        return {"base_step": self.minutes * 60_000}


def test_a_run_of_5m_turns_generates_1h_signals_as_well() -> None:
    assert timeframes_setting(MarketOf(1), Timeframe.M5) == "5m,1h"
    assert timeframes_setting(MarketOf(5), Timeframe.M5) == "5m,1h"
    assert timeframes_setting(MarketOf(5), Timeframe.H1) == "1h"
    assert timeframes_setting(RealExchanges(), Timeframe.M5) == "5m,1h"


def test_a_market_without_candles_so_short_cannot_be_stepped_by_them() -> None:
    with pytest.raises(RunFailedError, match="must have candles of 5m or shorter, has candles of 60 minutes"):
        timeframes_setting(MarketOf(60), Timeframe.M5)


def test_a_day_has_288_turns_of_5m() -> None:
    end = datetime(2024, 7, 1, 0, 3, tzinfo=UTC)
    turns = last_turns(end, 288, Timeframe.M5)
    assert (turns[0], turns[-1]) == (datetime(2024, 6, 30, 0, 5, tzinfo=UTC), datetime(2024, 7, 1, tzinfo=UTC))
    assert len(set(turns)) == 288


def test_data_of_runs_with_other_turns_lie_apart() -> None:
    markets = (MarketChoice("simulated"), MarketChoice("recorded", path=Path("/candles.parquet")))
    folders = {state_folder(market, timeframe) for market in markets for timeframe in (Timeframe.M5, Timeframe.H1)}
    assert len(folders) == 4
    assert state_folder(markets[0], Timeframe.H1) == "simulated"


def test_a_turn_that_no_schedule_knows_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["run", "--timeframe", "7m"])
    assert "invalid choice: '7m'" in capsys.readouterr().err
