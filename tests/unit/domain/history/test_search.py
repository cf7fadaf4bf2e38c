"""The search box: what can be typed, and what is answered to what cannot."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.domain.history.filters import Between, SignalFilter
from signalbox.domain.history.search import LONGEST_SEARCH, Search, SearchError, parse
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import Origin, SignalType, Status


def test_the_example_of_the_documentation_is_read():
    found = parse("BTC breakout quality>80 status:stop regime:UP since:2024-01-01")

    assert found.since == datetime(2024, 1, 1, tzinfo=UTC)
    assert found.until is None
    assert found.where.words == {"btc", "breakout"}
    assert found.where.statuses == {Status.STOP_HIT}
    assert found.where.regimes == {"UP"}
    assert not found.where.quality.holds(80.0)
    assert found.where.quality.holds(80.00000000000001)


def test_filters_that_differ_are_spelled_differently_whatever_a_symbol_is_called():
    odd = SignalFilter(symbols=frozenset({"A/B|signal_types=BUY"}))
    even = SignalFilter(symbols=frozenset({"A/B"}), signal_types=frozenset({SignalType.BUY}))
    assert odd.spelled() != even.spelled()


def test_nothing_asks_for_nothing():
    assert parse("  ") == Search()


def test_every_field_can_be_asked_for_by_several_values():
    found = parse(
        "symbol:btc/usdt,ETH/USDT type:Sell strategy:momentum,null timeframe:1H,4h status:TARGET_HIT,expired "
        "regime:up/high,low origin:live"
    ).where

    assert found == SignalFilter(
        symbols=frozenset({"BTC/USDT", "ETH/USDT"}),
        signal_types=frozenset({SignalType.SELL}),
        strategies=frozenset({"momentum", "null"}),
        timeframes=frozenset({Timeframe.H1, Timeframe.H4}),
        statuses=frozenset({Status.TARGET_HIT, Status.EXPIRED}),
        regimes=frozenset({"UP/HIGH", "LOW"}),
        origins=frozenset({Origin.LIVE}),
    )


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("quality>=80", [80.0, 100.0], [79.9]),
        ("quality<80", [0.0, 79.9], [80.0]),
        ("quality<=80", [80.0], [80.1]),
        ("quality=80", [80.0], [79.9, 80.1]),
        ("quality:80", [80.0], [79.9, 80.1]),
        ("quality:60..80", [60.0, 80.0], [59.9, 80.1]),
        ("quality>60 quality<80", [70.0], [60.0, 80.0]),
    ],
)
def test_a_number_can_be_asked_for_by_its_bounds(text, inside, outside):
    quality = parse(text).where.quality

    assert all(quality.holds(value) for value in inside)
    assert not any(quality.holds(value) for value in outside)


def test_a_moment_can_name_its_zone():
    assert parse("until:2024-01-01T02:00:00+02:00").until == datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "position", "suggestion"),
    [
        ("BTC stauts:open", 5, "status"),
        ("qualty>80", 1, "quality"),
        ("foo:bar", 1, None),
        ("status:stp", 8, "STOP_HIT"),
        ("status:open,trget", 13, "TARGET_HIT"),
        ("timeframe:1hr", 11, "1h"),
        ("regime:rnge", 8, "RANGE"),
        ("status:", 8, None),
        ("status>open", 1, "status:open"),
        ("status:open status:expired", 13, None),
        ("quality>high", 9, None),
        ("quality>nan", 9, None),
        ("quality:60..x", 13, None),
        ("quality:80..60", 9, None),
        ("quality>80 quality<70", 12, None),
        ("since:yesterday", 7, "2024-01-31"),
        ("since:2024-02-30", 7, "2024-01-31"),
        ("symbol:BTC", 8, None),
        ("strategy:a-b", 10, None),
        ("BTC strategy:brekout", 14, "breakout"),
        ("strategy:momentum,Trend", 19, "trend_following"),
        ("BTC ... ETH", 5, None),
        ("a b c d e f g h i", 17, None),
        ("x" * (LONGEST_SEARCH + 1), LONGEST_SEARCH, None),
    ],
)
def test_a_mistake_is_answered_with_its_place_and_what_would_be_right(text, position, suggestion):
    with pytest.raises(SearchError) as caught:
        parse(text)

    assert caught.value.position == position
    assert caught.value.suggestion == suggestion
    assert f"at character {position}: " in str(caught.value)
    assert (
        (suggestion or "did you mean") not in str(caught.value)
        if suggestion is None
        else suggestion in str(caught.value)
    )


def test_a_strategy_of_former_days_can_still_be_asked_for():
    assert parse("strategy:moon_phase,BREAKOUT").where.strategies == {"moon_phase", "breakout"}


def test_a_value_that_could_mean_several_is_answered_with_those():
    with pytest.raises(SearchError, match="timeframe must be one of 1m, 15m, 1h, 1d, was '1'"):
        parse("timeframe:1")


@given(st.text(max_size=60) | st.from_regex(r"(quality|status|since|symbol)[:<>=]{1,2}\S{0,12}", fullmatch=True))
def test_whatever_is_typed_is_read_or_answered_with_its_place(text):
    try:
        place = len(parse(text).where.words) and 1
    except SearchError as e:
        place = e.position

    assert 0 <= place <= len(text) + 1


def test_two_filters_join_unless_they_set_the_same():
    words, quality = parse("btc").where, SignalFilter(quality=Between(low=80))

    assert words.joined(quality) == SignalFilter(words=frozenset({"btc"}), quality=Between(low=80))
    with pytest.raises(ValueError, match="quality was asked for twice"):
        quality.joined(SignalFilter(quality=Between(high=90)))
