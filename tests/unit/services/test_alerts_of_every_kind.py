"""What all kinds of alerts share: once or repeating, the cool-down, the end of their life, the note."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from signalbox.domain.alerts.alert import AlertKind, Window
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import Signal
from signalbox.services.fire_alerts import alert_of_regimes
from tests.builders import NOW, make_signal
from tests.fakes.alerts import make_alert, make_change, make_terms
from tests.unit.services.test_evaluate_alerts import MINUTE, SYMBOL, Desk

OCCASIONS = (1, 30, 90)
"""Minutes at which what the alert waits for happens."""
LONG_AGO = timedelta(hours=2)

Play = Callable[[Desk], None]


def prices(quiet: float, reached: float) -> Play:
    """The price comes to `reached` at each occasion and is back at `quiet` before the next."""

    def play(desk: Desk) -> None:
        desk.cycle(-60, quiet)
        for minute in OCCASIONS:
            desk.cycle(minute - 1, quiet)
            desk.cycle(minute, reached)

    return play


def moves(desk: Desk) -> None:
    """The price is more than 2 % above that of an hour before."""
    desk.cycle(-60, 100.0)
    for minute, reached in zip(OCCASIONS, (103.0, 103.0, 106.0), strict=True):
        desk.cycle(minute - 1, 100.0)
        desk.cycle(minute, reached)


def nearness(quiet: float, reached: float) -> Play:
    """A signal comes near its level at each occasion, each time another one."""

    def play(desk: Desk) -> None:
        for minute in OCCASIONS:
            opened = [given(f"strategy_{minute}", minute=-120)]
            desk.cycle(minute - 1, quiet, opened)
            desk.cycle(minute, reached, opened)

    return play


def new_signals(desk: Desk) -> None:
    opened: list[Signal] = []
    for minute in OCCASIONS:
        desk.cycle(minute - 1, 100.0, opened)
        opened.append(given(f"strategy_{minute}", minute=minute))
        for later in range(5):  # As long as one may be stored late, it is asked for again.
            desk.cycle(minute + later, 100.0, opened)


def regimes(desk: Desk) -> None:
    for minute in OCCASIONS:
        at = NOW + minute * MINUTE
        alert_of_regimes([make_change(since=at)], alerts=desk.alerts, now=at)


def given(strategy: str, *, minute: int) -> Signal:
    """A BUY with the target at 110 and the stop at 95."""
    return make_signal(NOW - LONG_AGO, strategy=strategy, published_at=NOW + minute * MINUTE)


@dataclass(frozen=True)
class Case:
    """An alert's own terms, and what makes it fire at each of `OCCASIONS`."""

    terms: dict[str, Any]
    play: Play


CASES = {
    AlertKind.ABOVE: Case({"price": Decimal(100)}, prices(95.0, 101.0)),
    AlertKind.BELOW: Case({"price": Decimal(100)}, prices(105.0, 99.0)),
    AlertKind.CROSSES: Case({"price": Decimal(100)}, prices(95.0, 101.0)),
    AlertKind.CHANGE: Case({"percent": Decimal(2), "window": Window.HOUR}, moves),
    AlertKind.NEAR_TARGET: Case({"percent": Decimal(2)}, nearness(100.0, 108.5)),
    AlertKind.NEAR_STOP: Case({"percent": Decimal(2)}, nearness(100.0, 96.0)),
    AlertKind.REGIME: Case({"timeframe": Timeframe.H1}, regimes),
    AlertKind.NEW_SIGNAL: Case({"minimum_quality": 50.0}, new_signals),
}


def told(kind: AlertKind, **terms: Any) -> list[int]:
    """Return the minutes at which an alert of this kind fired."""
    created = NOW - LONG_AGO
    asked = make_terms(kind, symbol=SYMBOL, note="look twice", **CASES[kind].terms | terms)
    desk = Desk(make_alert(asked, now=created))
    CASES[kind].play(desk)
    assert {firing.note for firing in desk.told} <= {"look twice"}
    assert {firing.kind for firing in desk.told} <= {kind}
    return [round((firing.at - NOW) / MINUTE) for firing in desk.told]


def test_there_is_a_case_for_every_kind() -> None:
    assert set(CASES) == set(AlertKind)


@pytest.mark.parametrize("kind", CASES)
def test_an_alert_fires_once_unless_it_is_to_repeat(kind: AlertKind) -> None:
    assert told(kind) == [1]


@pytest.mark.parametrize("kind", CASES)
def test_a_repeating_alert_is_quiet_while_it_cools_down(kind: AlertKind) -> None:
    again = 89 if kind is AlertKind.CROSSES else 90  # One that crosses sees the way back, a minute earlier.
    assert told(kind, repeat=True, cooldown=timedelta(hours=1)) == [1, again]


@pytest.mark.parametrize("kind", [kind for kind in CASES if kind not in (AlertKind.CHANGE, AlertKind.CROSSES)])
def test_a_repeating_alert_without_a_cool_down_fires_each_time(kind: AlertKind) -> None:
    assert told(kind, repeat=True) == list(OCCASIONS)


def test_a_repeating_alert_that_crosses_fires_on_the_way_back_too() -> None:
    assert told(AlertKind.CROSSES, repeat=True) == [1, 29, 30, 89, 90]


def test_a_repeating_alert_on_a_change_is_quiet_for_its_window() -> None:
    assert told(AlertKind.CHANGE, repeat=True) == [1, 90]


@pytest.mark.parametrize("kind", CASES)
def test_an_alert_that_expired_fires_no_more(kind: AlertKind) -> None:
    assert told(kind, repeat=True, expires_at=NOW + 20 * MINUTE) == [1]
    assert told(kind, repeat=True, expires_at=NOW) == []
