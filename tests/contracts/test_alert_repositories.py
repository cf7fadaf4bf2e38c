"""Alerts and their firings, checks, regimes."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from signalbox.adapters.storage.alert_checks import DynamoAlertChecks
from signalbox.adapters.storage.alerts import DynamoAlertRepository
from signalbox.adapters.storage.regimes import DynamoRegimeRepository
from signalbox.adapters.storage.topic_log import DynamoTopicLog
from signalbox.domain.accounts.account import Tier
from signalbox.domain.accounts.channel import Channel
from signalbox.domain.alerts.alert import AlertKind, Terms, Window
from signalbox.domain.alerts.checks import Check
from signalbox.domain.alerts.firing import Firing
from signalbox.domain.alerts.triggers import near_partition, prices_partition, signals_partition, trigger_of
from signalbox.domain.delivery.topics import REGIMES
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import to_iso
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.regimes.change import Direction, Volatility
from signalbox.ports.alerts import AlertChecks, AlertRepository, RegimeRepository, TopicLog, TriggerRange
from tests.builders import NOW, make_signal
from tests.contracts.implementations import either
from tests.fakes.alerts import (
    InMemoryAlertChecks,
    InMemoryAlerts,
    InMemoryRegimes,
    make_alert,
    make_change,
    make_firing,
    make_terms,
)

alerts = either(InMemoryAlerts, DynamoAlertRepository)
checks = either(InMemoryAlertChecks, DynamoAlertChecks)
regimes = either(InMemoryRegimes, DynamoRegimeRepository)

RISING = prices_partition("BTC/USDT", rising=True)


def log_of(repository: AlertRepository | RegimeRepository) -> TopicLog:
    """The topic log that this repository tells in."""
    return repository.log if isinstance(repository, InMemoryAlerts | InMemoryRegimes) else DynamoTopicLog()


@pytest.mark.parametrize(
    "terms",
    [
        make_terms(note="sell half — or not", channels=frozenset({Channel.EMAIL, Channel.WEBSOCKET})),
        make_terms(AlertKind.BELOW, repeat=True, cooldown=timedelta(seconds=90), hysteresis_percent=Decimal("0.35")),
        make_terms(AlertKind.CROSSES, price=Decimal("0.000012345678901234")),
        make_terms(AlertKind.CHANGE, percent=Decimal("-2.5"), window=Window.FOUR_HOURS),
        make_terms(AlertKind.NEAR_STOP, percent=Decimal("0.5")),
        make_terms(AlertKind.REGIME, timeframe=Timeframe.H4),
        make_terms(AlertKind.NEW_SIGNAL, symbol="*", minimum_quality=62.5),
    ],
    ids=lambda terms: str(terms.kind),
)
def test_an_alert_comes_back_as_stored(alerts: AlertRepository, terms):
    alert = make_alert(terms)
    assert alerts.add(alert) is True
    assert alerts.get("acc-1", "alert-1") == alert
    assert alerts.add(replace(alert, version=9)) is False
    assert alerts.get("acc-1", "alert-1") == alert


def test_an_alert_is_its_owners_alone(alerts: AlertRepository):
    alerts.add(make_alert())
    alerts.add(make_alert(alert_id="alert-0"))
    alerts.add(make_alert(account_id="acc-2"))
    assert [each.alert_id for each in alerts.of_account("acc-1")] == ["alert-0", "alert-1"]
    assert alerts.get("acc-3", "alert-1") is None
    assert alerts.remove("acc-3", "alert-1") is False
    assert alerts.remove("acc-1", "alert-1") is True
    assert alerts.remove("acc-1", "alert-1") is False
    assert alerts.get("acc-2", "alert-1") is not None


def test_an_account_whose_id_could_be_mistaken_for_something_else_is_refused(alerts: AlertRepository):
    with pytest.raises(InvalidValueError, match="no colon"):
        alerts.add(make_alert(account_id="check:0"))


def test_a_move_finds_the_alerts_between_its_prices_and_no_others(alerts: AlertRepository):
    for price in ("9.5", "10", "99.99", "100", "100.01", "1000"):
        alerts.add(make_alert(make_terms(price=Decimal(price)), alert_id=f"at-{price}"))
    alerts.add(make_alert(make_terms(AlertKind.BELOW), alert_id="falling"))
    alerts.add(make_alert(make_terms(symbol="ETH/USDT"), alert_id="other"))
    alerts.add(make_alert(make_terms(), alert_id="done", active=False))

    def found(low: str | None, high: str | None) -> list[str]:
        bounds = (None if bound is None else Decimal(bound) for bound in (low, high))
        return [each.alert_id for each in alerts.waiting([TriggerRange(RISING, *bounds)])]

    assert found("10", "100") == ["at-10", "at-100", "at-99.99"]
    assert found(None, "10") == ["at-10", "at-9.5"]
    assert found("100.01", None) == ["at-100.01", "at-1000"]
    assert len(found(None, None)) == 6
    assert alerts.waiting([]) == []


def test_an_alert_in_two_ranges_is_found_once(alerts: AlertRepository):
    alerts.add(make_alert())
    assert len(alerts.waiting([TriggerRange(RISING), TriggerRange(RISING, high=Decimal(200))])) == 1


@pytest.mark.parametrize(
    "terms",
    [
        make_terms(AlertKind.CROSSES),
        make_terms(AlertKind.CHANGE, percent=Decimal("-2.5"), window=Window.FOUR_HOURS),
        make_terms(AlertKind.NEAR_STOP, percent=Decimal("0.5")),
        make_terms(AlertKind.REGIME, timeframe=Timeframe.H4),
        make_terms(AlertKind.NEW_SIGNAL, symbol="*", minimum_quality=62.5),
    ],
    ids=lambda terms: str(terms.kind),
)
def test_where_an_alert_waits_is_known_beforehand(alerts: AlertRepository, terms: Terms):
    alert = make_alert(terms)
    trigger = trigger_of(alert)
    assert trigger is not None
    assert alerts.occupied([terms.symbol]) == frozenset()
    alerts.add(alert)
    assert trigger.partition in alerts.occupied(["ETH/USDT", terms.symbol, terms.symbol])
    assert alerts.occupied(["ETH/USDT"]) == frozenset()


def test_an_alert_that_moves_waits_where_it_is_known_to(alerts: AlertRepository):
    price = make_alert()
    alerts.add(price)
    moved = replace(price, rising=False, waits_at=Decimal(90))
    assert alerts.update(price, moved) is True
    assert {prices_partition("BTC/USDT", rising=rising) for rising in (True, False)} <= alerts.occupied(["BTC/USDT"])

    ended = make_alert(alert_id="alert-2", active=False)
    alerts.add(ended)
    again = replace(ended, active=True, terms=make_terms(AlertKind.NEAR_STOP, symbol="ETH/USDT", percent=Decimal(1)))
    again = replace(again, waits_at=None)
    assert alerts.update(ended, again) is True
    assert near_partition("ETH/USDT") in alerts.occupied(["ETH/USDT"])

    signals = make_alert(make_terms(AlertKind.NEW_SIGNAL, symbol="*", minimum_quality=1.0), alert_id="alert-3")
    alerts.add(signals)
    assert alerts.update(signals, replace(signals, tier=Tier.FREE)) is True
    assert signals_partition("*", Tier.FREE) in alerts.occupied(["*"])


def test_an_alert_that_changed_since_it_was_read_is_not_overwritten(alerts: AlertRepository):
    alert = make_alert()
    alerts.add(alert)
    assert alerts.update(alert, replace(alert, terms=make_terms(note="mine"))) is True
    assert alerts.update(alert, replace(alert, active=False), [make_firing(alert)]) is False
    stored = alerts.get("acc-1", "alert-1")
    assert stored is not None
    assert (stored.terms.note, stored.active, stored.version) == ("mine", True, 2)
    assert log_of(alerts).after("alerts:acc-1", 0, 10) == []


def test_an_alert_that_was_removed_does_not_come_back(alerts: AlertRepository):
    alert = make_alert()
    alerts.add(alert)
    alerts.remove("acc-1", "alert-1")
    assert alerts.update(alert, alert, [make_firing(alert)]) is False
    assert alerts.of_account("acc-1") == []


def test_a_firing_is_stored_with_its_alert_and_numbered_in_its_accounts_topic(alerts: AlertRepository):
    signal = make_signal()
    for number in (1, 2, 3):
        alert = make_alert(alert_id=f"alert-{number}")
        alerts.add(alert)
        firing = alert.firing("x", at=NOW, value="1", headline="h", signal=signal)
        assert alerts.update(alert, alert.after_firing(firing), [firing]) is True
        stored = alerts.get("acc-1", alert.alert_id)
        assert stored is not None
        assert (stored.last, stored.fired, stored.active) == (firing, 1, False)
    log = log_of(alerts)
    assert [number for number, _ in log.after("alerts:acc-1", 0, 10)] == [1, 2, 3]
    assert [number for number, _ in log.after("alerts:acc-1", 1, 1)] == [2]
    assert Firing.from_record(log.entry("alerts:acc-1", 3) or {}) == firing
    assert log.entry("alerts:acc-1", 4) is None
    assert log.entry("alerts:acc-1", 0) is None
    assert alerts.waiting([TriggerRange(RISING)]) == []


def test_the_same_occasion_fires_an_alert_once(alerts: AlertRepository):
    alert = make_alert(make_terms(repeat=True))
    alerts.add(alert)
    assert alerts.update(alert, alert, [make_firing(alert, "signal-1")]) is True
    again = alerts.get("acc-1", "alert-1")
    assert again is not None
    assert alerts.update(again, again, [make_firing(again, "signal-1")]) is False
    assert alerts.update(again, again, [make_firing(again, "signal-2"), make_firing(again, "signal-3")]) is True
    assert len(log_of(alerts).after("alerts:acc-1", 0, 10)) == 3


def test_checks_come_back_and_the_later_one_counts_however_shards_are_cut(checks: AlertChecks):
    first = Check(at=NOW, candles_until=NOW, price=Decimal("1.25"), up={Window.HOUR: Decimal("0.5")})
    later = replace(first, at=NOW + timedelta(minutes=1), price=None, down={Window.DAY: Decimal(7)})
    checks.save(0, {"BTC/USDT": first, "ETH/USDT": first})
    checks.save(0, {"BTC/USDT": later})
    checks.save(1, {"XRP/USDT": first})
    checks.save(1, {})
    assert checks.load(0) == {"BTC/USDT": later, "ETH/USDT": first}
    assert checks.load(2) == {}


def test_a_slow_workers_check_does_not_replace_a_later_one(checks: AlertChecks):
    first = Check(at=NOW, candles_until=NOW)
    later = replace(first, at=NOW + timedelta(minutes=1))
    for each in (later, first):
        checks.save(0, {"BTC/USDT": each, "ETH/USDT": each})
    assert checks.load(0) == {"BTC/USDT": later, "ETH/USDT": later}


def test_changes_of_regime_are_kept_in_order_and_none_is_overwritten(regimes: RegimeRepository):
    up, down = make_change(0), make_change(5, direction=Direction.DOWN)
    assert regimes.add(up) is True
    assert regimes.add(down) is True
    assert regimes.add(make_change(0, volatility=Volatility.HIGH)) is False
    regimes.add(make_change(3, symbol="market"))
    hour = timedelta(hours=1)

    assert regimes.latest("BTC/USDT", Timeframe.H1, NOW + 9 * hour) == down
    assert regimes.latest("BTC/USDT", Timeframe.H1, NOW + 4 * hour) == up
    assert regimes.latest("BTC/USDT", Timeframe.H1, NOW) == up
    assert regimes.latest("BTC/USDT", Timeframe.H1, NOW - hour) is None
    assert regimes.latest("BTC/USDT", Timeframe.H4, NOW) is None
    assert regimes.between("BTC/USDT", Timeframe.H1, NOW, NOW + 6 * hour, 10) == [down, up]
    assert regimes.between("BTC/USDT", Timeframe.H1, NOW, NOW + 5 * hour, 10) == [up]
    assert regimes.between("BTC/USDT", Timeframe.H1, NOW, NOW + 6 * hour, 1) == [down]
    assert regimes.between("BTC/USDT", Timeframe.H1, NOW, NOW, 10) == []


def test_what_is_found_after_a_later_change_is_neither_stored_nor_told(regimes: RegimeRepository):
    later = make_change(5, direction=Direction.DOWN)
    regimes.add(later)
    assert regimes.add(make_change(2)) is False
    assert regimes.latest("BTC/USDT", Timeframe.H1, NOW + timedelta(hours=4)) is None
    assert log_of(regimes).after(REGIMES, 0, 10) == [(1, later.to_record())]
    assert regimes.add(make_change(2, symbol="ETH/USDT")) is True


def test_the_newest_changes_of_many_symbols_are_those_that_each_alone_has(regimes: RegimeRepository):
    hour = timedelta(hours=1)
    changes = (make_change(0), make_change(5, direction=Direction.DOWN), make_change(3, symbol="ETH/USDT"))
    for change in changes:
        regimes.add(change)
    symbols = ("BTC/USDT", "ETH/USDT", "XRP/USDT")

    assert regimes.latest_of(symbols, Timeframe.H1, NOW + 9 * hour) == {
        "BTC/USDT": changes[1],
        "ETH/USDT": changes[2],
    }
    assert regimes.latest_of(symbols, Timeframe.H1, NOW + 4 * hour) == {"BTC/USDT": changes[0], "ETH/USDT": changes[2]}
    assert regimes.latest_of(symbols, Timeframe.H1, NOW - hour) == {}
    assert regimes.latest_of(symbols, Timeframe.H4, NOW + 9 * hour) == {}
    assert regimes.latest_of((), Timeframe.H1, NOW) == {}


def test_a_change_of_regime_is_told_once_in_its_topic_numbered_in_the_order_of_storing(regimes: RegimeRepository):
    told = [make_change(0), make_change(0, symbol="market"), make_change(5, direction=Direction.DOWN)]
    for change in (*told, *told, make_change(5, volatility=Volatility.HIGH)):
        regimes.add(change)

    assert log_of(regimes).after(REGIMES, 0, 10) == [(at, change.to_record()) for at, change in enumerate(told, 1)]
    assert told[2].to_record() == {
        "symbol": "BTC/USDT",
        "timeframe": "1h",
        "since": to_iso(NOW + timedelta(hours=5)),
        "direction": "DOWN",
        "volatility": "NORMAL",
        "regime": "DOWN/NORMAL",
    }
