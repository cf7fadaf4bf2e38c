from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.candidate import Candidate
from signalbox.domain.signals.selection import SelectionRules, select
from signalbox.domain.signals.signal import Ending, Signal, SignalType, Status
from tests.builders import NOW, make_levels, make_signal

RULES = SelectionRules(cool_down_candles=6, minimum_quality=65, conflict_margin=10)
HOUR = timedelta(hours=1)


def candidate(**changes: Any) -> Candidate:
    values: dict[str, Any] = {
        "symbol": "BTC/USDT",
        "exchange": "binance",
        "timeframe": Timeframe.H1,
        "strategy": "breakout",
        "strategy_version": 1,
        "signal_type": SignalType.BUY,
        "levels": make_levels(),
        "levels_problem": "",
        "created_at": NOW,
        "expires_at": NOW + 48 * HOUR,
        "quality_score": 70.0,
        "quality_parts": {"confluence": 0.5, "reward_risk": 0.8, "regime_fit": 1.0, "data_health": 1.0},
        "regime": "UP/NORMAL",
        "reasons": {"close": 100.0},
        "summary": "It broke out.",
        "features": {},
        "feature_version": 1,
    }
    return Candidate(**{**values, **changes})


def given_before(**changes: Any) -> Signal:
    values = {"strategy": "breakout", "signal_type": SignalType.BUY, "symbol": "BTC/USDT", "timeframe": Timeframe.H1}
    return replace(make_signal(NOW - 10 * HOUR), **{**values, **changes})


def ended(hours_ago: int, **changes: Any) -> Signal:
    ending = Ending(
        status=Status.STOP_HIT,
        ended_at=NOW - hours_ago * HOUR,
        exit_price=None,
        r=None,
        optimistic_r=None,
        cost_r=None,
        ambiguous=False,
        candles_hash="",
    )
    return given_before(status=Status.STOP_HIT, ending=ending, **changes)


def reasons(candidates: Sequence[Candidate], recent: Sequence[Signal] = ()) -> dict[str, str]:
    """`sent` or the reason, by strategy."""
    sent, lost = select(candidates, recent, RULES)
    assert len(sent) + len(lost) == len(candidates)
    return {c.strategy: "sent" for c in sent} | {s.candidate.strategy: str(s.reason) for s in lost}


def sells(**changes: Any) -> Candidate:
    return candidate(signal_type=SignalType.SELL, strategy="momentum", **changes)


@pytest.mark.parametrize(
    ("changes", "recent", "outcome"),
    [
        ({}, [], "sent"),
        ({"levels": None, "levels_problem": "ATR was 0"}, [], "bad_levels"),
        ({}, [given_before()], "repeat"),
        ({}, [given_before(strategy="momentum")], "sent"),
        ({}, [given_before(symbol="ETH/USDT")], "sent"),
        ({}, [given_before(timeframe=Timeframe.H4)], "sent"),
        ({}, [given_before(signal_type=SignalType.SELL)], "conflict"),
        ({}, [given_before(signal_type=SignalType.SELL, strategy="momentum")], "conflict"),
        ({}, [given_before(signal_type=SignalType.SELL, strategy="null")], "sent"),
        ({}, [ended(5)], "cool_down"),
        ({}, [ended(5, signal_type=SignalType.SELL)], "cool_down"),
        ({}, [ended(6)], "sent"),
        ({}, [ended(5, strategy="momentum")], "sent"),
        ({"quality_parts": {"regime_fit": 0.0}}, [], "regime"),
        ({"quality_score": 64.9}, [], "low_quality"),
        ({"quality_score": 65.0}, [], "sent"),
        ({"quality_score": 1.0}, [given_before()], "repeat"),
    ],
)
def test_each_part_of_the_rule_gives_its_reason(changes: dict[str, Any], recent: list[Signal], outcome: str) -> None:
    assert reasons([candidate(**changes)], recent) == {"breakout": outcome}


@pytest.mark.parametrize(
    ("buy", "sell", "outcome"),
    [
        (80, 70, ("sent", "conflict")),
        (70, 80, ("conflict", "sent")),
        (75, 70, ("conflict", "conflict")),
        (70, 64, ("sent", "low_quality")),
    ],
)
def test_of_two_sides_the_clearly_better_one_is_sent_or_none(buy: float, sell: float, outcome: tuple[str, str]) -> None:
    found = reasons([candidate(quality_score=float(buy)), sells(quality_score=float(sell))])
    assert (found["breakout"], found["momentum"]) == outcome


def test_sides_of_different_symbols_are_no_conflict() -> None:
    assert reasons([candidate(), sells(symbol="ETH/USDT")]) == {"breakout": "sent", "momentum": "sent"}


def test_the_coin_knows_only_its_own_repeats_and_bad_levels() -> None:
    coin = candidate(strategy="null", quality_score=1.0, quality_parts={"regime_fit": 0.0})
    opposite = given_before(signal_type=SignalType.SELL, strategy="momentum")
    assert reasons([coin, sells()], [opposite, ended(1, strategy="null")])["null"] == "sent"
    assert reasons([coin], [given_before(strategy="null")]) == {"null": "repeat"}
    assert reasons([candidate(strategy="null", levels=None)]) == {"null": "bad_levels"}


def test_the_coin_stands_in_nobodys_way() -> None:
    coin = candidate(strategy="null", signal_type=SignalType.SELL, quality_score=99.0)
    assert reasons([candidate(), coin]) == {"breakout": "sent", "null": "sent"}


def test_no_order_of_candidates_or_signals_changes_the_outcome() -> None:
    candidates = [candidate(), sells(quality_score=75.0), candidate(strategy="null"), candidate(symbol="ETH/USDT")]
    recent = [ended(2, strategy="momentum"), ended(30), given_before(symbol="ETH/USDT"), given_before(strategy="null")]
    outcome = select(candidates, recent, RULES)
    for some_candidates, some_recent in zip(permutations(candidates), permutations(recent), strict=True):
        assert select(some_candidates, some_recent, RULES) == outcome


def test_a_reason_has_a_detail_that_names_what_stood_in_the_way() -> None:
    open_one = given_before()
    _, lost = select([candidate()], [open_one], RULES)
    assert open_one.signal_id in lost[0].detail
    _, lost = select([candidate()], [ended(5)], RULES)
    assert lost[0].detail == "rests until 2024-01-05T14:00:00Z after its last ending"


def test_a_candidate_without_levels_says_why_when_asked_for_them() -> None:
    assert candidate().placed == make_levels()
    with pytest.raises(InvalidValueError, match="ATR was 0"):
        _ = candidate(levels=None, levels_problem="ATR was 0").placed
