"""What may be asked for, and what becomes of an alert whose terms change; moves, signals and regimes."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from signalbox.domain.accounts.account import Account, Tier
from signalbox.domain.alerts.alert import AlertKind, Window, new_alert
from signalbox.domain.alerts.events import distance_percent, fire_for_nearness, fire_for_regime, fire_for_signal
from signalbox.domain.alerts.firing import Firing, FiringEvent, read_subject, subject_of
from signalbox.domain.alerts.moves import fire_for_move, move_between
from signalbox.domain.alerts.prices import advance
from signalbox.domain.alerts.rendering import render_firing
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import SignalType
from tests.builders import NOW, make_levels, make_signal
from tests.fakes.alerts import make_alert, make_change, make_firing, make_terms, seen

ACCOUNT = Account("acc-1", Tier.PREMIUM)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("kind", "wrong", "field"),
    [
        (AlertKind.ABOVE, {"price": None}, "price"),
        (AlertKind.ABOVE, {"price": Decimal(0)}, "price"),
        (AlertKind.ABOVE, {"price": Decimal("NaN")}, "price"),
        (AlertKind.ABOVE, {"percent": Decimal(1)}, "percent"),
        (AlertKind.ABOVE, {"symbol": "*"}, "symbol"),
        (AlertKind.ABOVE, {"note": "a" * 281}, "note"),
        (AlertKind.ABOVE, {"note": "two\nlines"}, "note"),
        (AlertKind.ABOVE, {"channels": frozenset()}, "channels"),
        (AlertKind.ABOVE, {"hysteresis_percent": Decimal(51)}, "hysteresis_percent"),
        (AlertKind.ABOVE, {"cooldown": timedelta(days=31)}, "cooldown"),
        (AlertKind.ABOVE, {"expires_at": datetime(2024, 1, 9)}, "expires_at"),  # noqa: DTZ001 - what it is about
        (AlertKind.CHANGE, {"percent": Decimal(1)}, "window"),
        (AlertKind.CHANGE, {"percent": Decimal("0.1"), "window": Window.HOUR}, "percent"),
        (AlertKind.NEAR_STOP, {"percent": Decimal(-1)}, "percent"),
        (AlertKind.NEAR_TARGET, {"percent": Decimal(11)}, "percent"),
        (AlertKind.REGIME, {}, "timeframe"),
        (AlertKind.NEW_SIGNAL, {"minimum_quality": 101.0}, "minimum_quality"),
    ],
)
def test_terms_that_mean_nothing_are_refused_with_the_field_first(kind: AlertKind, wrong: dict[str, Any], field: str):
    with pytest.raises(InvalidValueError, match=f"^{field} "):
        make_terms(kind, **wrong)


def test_an_alert_that_crosses_must_know_from_which_side():
    terms = make_terms(AlertKind.CROSSES)
    assert new_alert("a", ACCOUNT, terms, now=NOW, price=Decimal(99)).rising
    assert not new_alert("a", ACCOUNT, terms, now=NOW, price=Decimal(101)).rising
    with pytest.raises(InvalidValueError, match=r"^price of BTC/USDT now must be known"):
        new_alert("a", ACCOUNT, terms, now=NOW)


def test_an_alert_that_is_over_before_it_begins_is_refused():
    with pytest.raises(InvalidValueError, match=r"^expires_at must be later"):
        new_alert("a", ACCOUNT, make_terms(expires_at=NOW), now=NOW)


def test_a_changed_note_leaves_the_latch_and_a_changed_price_sets_it_anew():
    alert, _ = advance(make_alert(make_terms(repeat=True)), [seen(1, "101")])
    later = NOW + HOUR
    noted = alert.changed(ACCOUNT, replace(alert.terms, note="still"), now=later, price=None)
    moved = alert.changed(ACCOUNT, replace(alert.terms, price=Decimal(200)), now=later, price=None)
    assert (noted.rising, noted.waits_at, noted.since) == (alert.rising, alert.waits_at, alert.since)
    assert (moved.rising, moved.waits_at, moved.since, moved.fired) == (True, Decimal(200), later, 1)
    assert advance(noted, [seen(61, "150")])[1] == []
    assert [firing.occasion for firing in advance(moved, [seen(61, "201")])[1]] == ["2"]


def test_a_move_fires_once_in_its_window_and_in_its_direction():
    alert = make_alert(make_terms(AlertKind.CHANGE, percent=Decimal(-2), window=Window.HOUR, repeat=True))
    assert fire_for_move(alert, Decimal("2.5"), NOW) is None
    assert fire_for_move(alert, Decimal("-1.99"), NOW) is None
    firing = fire_for_move(alert, Decimal("-2.5"), NOW)
    assert firing is not None
    assert firing.headline == "BTC/USDT fell by 2.5 % within 1h"
    fired = alert.after_firing(firing)
    assert fire_for_move(fired, Decimal(-3), NOW + HOUR / 2) is None
    assert fire_for_move(fired, Decimal(-3), NOW + HOUR) is not None


def test_a_move_is_measured_from_the_price_before_it():
    assert move_between(Decimal(100), Decimal(103), Decimal(99)) == (Decimal("3.00"), Decimal("1.00"))
    assert move_between(Decimal(100), Decimal(99), Decimal(98)) == (Decimal("0.00"), Decimal("2.00"))


@pytest.mark.parametrize(
    ("signal_type", "kind", "left"),
    [
        (SignalType.BUY, AlertKind.NEAR_TARGET, "5"),
        (SignalType.BUY, AlertKind.NEAR_STOP, "1"),
        (SignalType.SELL, AlertKind.NEAR_TARGET, "1"),
        (SignalType.SELL, AlertKind.NEAR_STOP, "5"),
    ],
)
def test_nearness_is_measured_from_the_side_of_the_price(signal_type: SignalType, kind: AlertKind, left: str):
    buy, sell = make_levels("150", "200", "100"), make_levels("150", "100", "200")
    signal = make_signal(signal_type=signal_type, levels=buy if signal_type is SignalType.BUY else sell)
    assert distance_percent(signal, kind, Decimal(190), Decimal(101)) == Decimal(left)
    assert distance_percent(signal, kind, Decimal(250), Decimal(50)) == 0


def test_a_signal_is_told_to_those_whose_tier_may_see_it_and_who_asked_before():
    signal = make_signal()
    terms = make_terms(AlertKind.NEW_SIGNAL, symbol="*", minimum_quality=60.0)
    at = signal.published_at
    assert fire_for_signal(make_alert(terms), signal, at) is not None
    assert fire_for_signal(make_alert(terms, tier=Tier.FREE), signal, at + timedelta(seconds=899)) is None
    assert fire_for_signal(make_alert(terms, tier=Tier.FREE), signal, at + timedelta(seconds=900)) is not None
    assert fire_for_signal(make_alert(replace(terms, minimum_quality=63.0)), signal, at) is None
    assert fire_for_signal(make_alert(terms, now=at + timedelta(seconds=1)), signal, at + HOUR) is None


def test_nearness_names_signal_and_level_so_that_each_is_told_once():
    alert = make_alert(make_terms(AlertKind.NEAR_TARGET, percent=Decimal(2)))
    signal = make_signal()
    firing = fire_for_nearness(alert, signal, Decimal("108"), Decimal("107"), NOW + HOUR)
    assert firing is not None
    assert firing.occasion == f"{signal.signal_id}~target"
    assert fire_for_nearness(alert, signal, Decimal("107.7"), Decimal("107"), NOW + HOUR) is None
    assert fire_for_nearness(alert, make_signal(symbol="ETH/USDT"), Decimal("109"), Decimal("109"), NOW + HOUR) is None


def test_a_change_of_regime_is_told_to_who_asked_for_this_one():
    alert = make_alert(make_terms(AlertKind.REGIME, timeframe=Timeframe.H1))
    firing = fire_for_regime(alert, make_change(1))
    assert firing is not None
    assert firing.value == "UP/NORMAL"
    assert fire_for_regime(alert, make_change(1, timeframe=Timeframe.H4)) is None
    assert fire_for_regime(alert, make_change(-1)) is None


def test_a_firing_survives_its_way_through_messages():
    alert = make_alert(make_terms(note="sell half"))
    firing = alert.firing("x", at=NOW, value="1", headline="h", signal=make_signal())
    event = FiringEvent(firing, 7)
    assert FiringEvent.from_message(event.to_message()) == event
    assert Firing.from_record(make_firing().to_record()) == make_firing()
    assert read_subject(subject_of("acc-1", 7)) == ("alerts:acc-1", 7)
    for wrong in ({}, {"firing": {}}, {"firing": firing.to_record() | {"at": "soon"}, "sequence": 1}):
        with pytest.raises(InvalidValueError):
            FiringEvent.from_message(wrong)
    with pytest.raises(InvalidValueError, match="place in its topic"):
        read_subject("BTC-USDT~20240105T130000Z~trend_following~1h")


def test_a_note_is_shown_as_text_and_never_as_markup():
    message = render_firing(make_firing(note="<script>alert(1)</script>"), "")
    assert "<script>" in message.text
    assert "<script>" not in message.html
    assert message.subject == "Alert: BTC/USDT rose to 101"
