"""A shard's alerts, cycle by cycle, on fakes: one symbol, a price a minute, a candle an hour."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from signalbox.domain.accounts.account import Account, Tier
from signalbox.domain.alerts.alert import Alert, AlertKind, Window
from signalbox.domain.alerts.firing import Firing
from signalbox.domain.errors import StorageUnavailableError
from signalbox.domain.instants import to_ms
from signalbox.domain.market.candles import CandleGrid
from signalbox.domain.market.consensus import PriceFrame
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import NULL_STRATEGY, Signal
from signalbox.domain.universe.shards import Shard
from signalbox.ports.alerts import TriggerRange
from signalbox.services.evaluate_alerts import AlertsReport, evaluate_alerts
from tests.builders import NOW, make_candles, make_price, make_signal
from tests.fakes.alerts import InMemoryAlertChecks, InMemoryAlerts, make_alert, make_terms
from tests.fakes.delivery import InMemoryAccounts
from tests.fakes.market import InMemoryCandles, InMemoryPriceFrames

SYMBOL = "BTC/USDT"
MINUTE = timedelta(minutes=1)


class Desk:
    """Evaluation on fakes."""

    def __init__(self, *alerts: Alert) -> None:
        self.alerts = InMemoryAlerts()
        for alert in alerts:
            self.alerts.add(alert)
        self.checks = InMemoryAlertChecks()
        self.accounts = InMemoryAccounts()
        self.candles = InMemoryCandles()
        self.frames = InMemoryPriceFrames()

    def store_candle(self, opened: datetime, high: float, low: float) -> None:
        (candle,) = make_candles([100.0], opened)
        columns = {SYMBOL: [candle._replace(open=low, high=high, low=low, close=low)]}
        grid = CandleGrid.from_columns("binance", Timeframe.H1, columns, to_ms(opened), to_ms(opened))
        self.candles.save(grid, 0)

    def cycle(self, minute: float, price: float | None, opened: Sequence[Signal] = ()) -> AlertsReport:
        as_of = NOW + minute * MINUTE
        found = {} if price is None else {SYMBOL: make_price(price=price, time=to_ms(as_of) + 5_000)}
        self.frames.save(PriceFrame(0, as_of, found))
        return evaluate_alerts(
            shard(as_of),
            found,
            opened,
            alerts=self.alerts,
            checks=self.checks,
            accounts=self.accounts,
            candles=self.candles,
            frames=self.frames,
            now=as_of + timedelta(seconds=10),
            grace_seconds=10,
        )

    @property
    def told(self) -> list[Firing]:
        return self.alerts.told()


def shard(as_of: datetime) -> Shard:
    return Shard(
        job="reprice_signals",
        number=0,
        count=1,
        exchange="binance",
        bucket=0,
        timeframe=Timeframe.H1,
        symbols=(SYMBOL,),
        as_of=as_of,
    )


def test_a_price_that_reaches_an_alert_fires_it_once_however_often_the_message_comes() -> None:
    desk = Desk(make_alert())
    desk.cycle(0, 99.0)
    reports = [desk.cycle(1, 101.0) for _ in range(3)]
    assert [report.alerts_fired for report in reports] == [1, 0, 0]
    assert [firing.value for firing in desk.told] == ["101.0"]


def test_a_move_reads_the_alerts_that_it_crosses_and_no_others() -> None:
    many = (make_alert(make_terms(price=Decimal(100 + at)), alert_id=f"alert-{at:04}") for at in range(1, 2001))
    desk = Desk(*many)
    desk.cycle(0, 100.5)
    desk.alerts.items_read = 0
    report = desk.cycle(1, 103.5)
    assert report.alerts_fired == 3
    assert desk.alerts.items_read == 3
    assert desk.cycle(2, 103.6).alerts_read == 0


def test_a_wick_between_two_polls_fires_when_its_candle_is_stored() -> None:
    desk = Desk(make_alert())
    for minute in (0, 30, 59):
        desk.cycle(minute, 99.0)
    desk.store_candle(NOW, high=104.0, low=98.0)
    desk.cycle(61, 99.0)
    assert [(firing.value, firing.at) for firing in desk.told] == [("104.0", NOW + 60 * MINUTE)]


def test_missed_hours_are_caught_up_by_the_stored_candles() -> None:
    desk = Desk(make_alert(make_terms(repeat=True, hysteresis_percent=Decimal(1))))
    desk.cycle(0, 95.0)
    for hour, high in enumerate((96.0, 102.0, 97.0, 103.0, 98.0)):
        desk.store_candle(NOW + timedelta(hours=hour), high=high, low=94.0)
    desk.cycle(301, 95.0)
    assert [firing.at for firing in desk.told] == [NOW + timedelta(hours=2), NOW + timedelta(hours=4)]


def test_a_candle_that_comes_late_is_waited_for_and_counted_once() -> None:
    desk = Desk(make_alert(make_terms(repeat=True)))
    desk.cycle(0, 95.0)
    desk.cycle(61, 95.0)
    desk.store_candle(NOW, high=104.0, low=94.0)
    for minute in (62, 63, 64):
        desk.cycle(minute, 95.0)
    assert len(desk.told) == 1


def test_a_quote_that_fired_and_the_candle_around_it_are_one_move() -> None:
    desk = Desk(make_alert(make_terms(repeat=True)))
    for minute, price in ((0, 95.0), (30, 101.0), (45, 95.0)):
        desk.cycle(minute, price)
    desk.store_candle(NOW, high=101.5, low=94.0)
    desk.cycle(61, 95.0)
    assert len(desk.told) == 1


class Crashing(InMemoryAlertChecks):
    """Checks that cannot be stored, as many times as asked."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def save(self, bucket: int, checks: Any) -> None:
        if self.times:
            self.times -= 1
            raise StorageUnavailableError("down")
        super().save(bucket, checks)


def test_a_crash_after_a_firing_neither_loses_nor_repeats_it() -> None:
    desk = Desk(make_alert(make_terms(repeat=True)))
    desk.checks = Crashing(0)
    desk.cycle(0, 95.0)
    desk.checks.times = 2
    for _ in range(2):
        with pytest.raises(StorageUnavailableError):
            desk.cycle(1, 101.0)
    desk.cycle(1, 101.0)
    desk.cycle(2, 101.0)
    assert len(desk.told) == 1


class Racing(InMemoryAlerts):
    """Alerts that another worker moves on just before the first write of this one."""

    raced = False

    def update(self, before: Alert, after: Alert, firings: Sequence[Firing] = ()) -> bool:
        if not self.raced:
            self.raced = True
            super().update(before, after, firings)
        return super().update(before, after, firings)


def test_two_workers_on_one_move_fire_it_once() -> None:
    desk = Desk()
    desk.alerts = Racing()
    desk.alerts.add(make_alert())
    desk.cycle(1, 101.0)
    assert len(desk.told) == 1


def test_many_accounts_are_told_once_each_though_one_cannot_be_at_first() -> None:
    class Failing(InMemoryAlerts):
        down = True

        def update(self, before: Alert, after: Alert, firings: Sequence[Firing] = ()) -> bool:
            if self.down and before.account_id == "acc-1":
                raise StorageUnavailableError("down")
            return super().update(before, after, firings)

    desk = Desk()
    desk.alerts = alerts = Failing()
    for account in range(30):
        for number in (1, 2):
            alerts.add(make_alert(account_id=f"acc-{account}", alert_id=f"alert-{account}-{number}"))
    with pytest.raises(StorageUnavailableError):
        desk.cycle(1, 101.0)
    alerts.down = False
    assert desk.cycle(1, 101.0).alerts_fired >= 2
    for account in range(30):
        told = [firing.alert_id for firing in alerts.told(f"acc-{account}")]
        assert told == [f"alert-{account}-1", f"alert-{account}-2"]


def test_an_alert_that_its_owner_changed_meanwhile_is_judged_as_it_now_is() -> None:
    class Changing(InMemoryAlerts):
        raced = False

        def update(self, before: Alert, after: Alert, firings: Sequence[Firing] = ()) -> bool:
            if not self.raced:
                self.raced = True
                super().update(before, replace(before, terms=make_terms(price=Decimal(500)), waits_at=Decimal(500)))
            return super().update(before, after, firings)

    desk = Desk()
    desk.alerts = Changing()
    desk.alerts.add(make_alert())
    desk.cycle(1, 101.0)
    assert desk.told == []


def test_a_change_within_a_window_is_measured_from_the_price_then_and_told_once() -> None:
    desk = Desk(make_alert(make_terms(AlertKind.CHANGE, percent=Decimal(2), window=Window.HOUR, repeat=True)))
    prices = {0: 100.0, 60: 101.0, 61: 102.5, 62: 103.0, 63: 102.4}
    reports = [desk.cycle(minute, price) for minute, price in prices.items()]
    assert [report.alerts_fired for report in reports] == [0, 0, 1, 0, 0]
    assert [report.alerts_read for report in reports] == [0, 0, 1, 0, 0]
    assert desk.told[0].value == "2.50"


def test_a_fall_is_no_rise() -> None:
    desk = Desk(make_alert(make_terms(AlertKind.CHANGE, percent=Decimal(2), window=Window.HOUR)))
    desk.cycle(0, 100.0)
    assert desk.cycle(60, 95.0).alerts_read == 0


def test_a_signal_near_its_target_is_told_once_for_each_signal() -> None:
    desk = Desk(make_alert(make_terms(AlertKind.NEAR_TARGET, percent=Decimal(2), repeat=True)))
    one, other = make_signal(), make_signal(strategy="momentum")
    for minute, price in ((1, 100.0), (2, 104.0), (3, 108.5), (4, 105.0), (5, 109.0)):
        desk.cycle(minute, price, [one])
    assert [firing.signal_id for firing in desk.told] == [one.signal_id]
    desk.cycle(6, 105.0, [one, other])
    desk.cycle(7, 109.5, [one, other])
    assert [firing.signal_id for firing in desk.told] == [one.signal_id, other.signal_id]


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        (AlertKind.CHANGE, {"percent": Decimal(5), "window": Window.FOUR_HOURS}),
        (AlertKind.NEAR_TARGET, {"percent": Decimal(2)}),
    ],
)
def test_what_a_candle_reached_before_the_alert_was_made_fires_nothing(kind: AlertKind, asked: dict[str, Any]) -> None:
    desk = Desk()
    desk.cycle(-180, 100.0)
    desk.cycle(-1, 100.0, [make_signal()])
    made = make_alert(make_terms(kind, repeat=True, **asked))
    desk.alerts.add(replace(made, since=NOW + 50 * MINUTE, created_at=NOW + 50 * MINUTE))
    desk.store_candle(NOW, high=108.5, low=99.0)
    desk.cycle(61, 100.0, [make_signal()])
    assert desk.told == []
    desk.cycle(62, 108.5, [make_signal()])
    desk.cycle(63, 100.0, [make_signal()])
    desk.cycle(64, 108.5, [make_signal()])
    assert len(desk.told) == 1


def test_what_moves_away_from_a_level_reads_nothing() -> None:
    desk = Desk(make_alert(make_terms(AlertKind.NEAR_TARGET, percent=Decimal(2))))
    for minute in (1, 16):
        desk.cycle(minute, 107.0, [make_signal()])
    assert desk.cycle(17, 106.0, [make_signal()]).alerts_read == 0


@pytest.mark.parametrize(("tier", "minute"), [(Tier.PREMIUM, 1), (Tier.PRO, 2), (Tier.FREE, 16)])
def test_a_new_signal_is_told_when_its_tier_may_see_it_and_once(tier: Tier, minute: int) -> None:
    terms = make_terms(AlertKind.NEW_SIGNAL, symbol="*", minimum_quality=50.0, repeat=True)
    desk = Desk(make_alert(terms, tier=tier))
    told = []
    for at in range(20):
        desk.cycle(at, 100.0, [make_signal()])
        told.append(len(desk.told))
    assert told == [int(at >= minute) for at in range(20)]


@pytest.mark.parametrize("kind", [AlertKind.NEW_SIGNAL, AlertKind.NEAR_TARGET])
@pytest.mark.parametrize("made_as", list(Tier))
def test_no_alert_fires_for_a_signal_before_the_tier_its_account_has_now_may_see_it(
    kind: AlertKind, made_as: Tier
) -> None:
    """A firing has a number in its topic at once, by which its account would know that there is one."""
    asked = {"minimum_quality": 50.0} if kind is AlertKind.NEW_SIGNAL else {"percent": Decimal(10)}
    desk = Desk(make_alert(make_terms(kind, repeat=True, **asked), tier=made_as))
    desk.accounts.put_account(Account("acc-1", Tier.FREE))
    told = []
    for at in range(20):
        desk.cycle(at, 106.0, [make_signal()])
        told.append(len(desk.told))
    assert told == [int(at >= 16) for at in range(20)]


@pytest.mark.parametrize("minutes", [1, 2])
def test_a_new_signal_that_is_stored_after_the_check_of_its_moment_is_told_all_the_same(minutes: int) -> None:
    desk = Desk(make_alert(make_terms(AlertKind.NEW_SIGNAL, symbol="*", minimum_quality=50.0, repeat=True)))
    signal = make_signal(published_at=NOW + timedelta(seconds=9))
    for minute in range(minutes):
        desk.cycle(minute, 100.0)
    for minute in range(minutes, minutes + 3):
        desk.cycle(minute, 100.0, [signal])
    assert [firing.signal_id for firing in desk.told] == [signal.signal_id]


def test_who_was_told_of_a_signal_is_not_told_of_it_in_vain_again() -> None:
    class Counting(InMemoryAlerts):
        updates = 0

        def update(self, before: Alert, after: Alert, firings: Sequence[Firing] = ()) -> bool:
            self.updates += 1
            return super().update(before, after, firings)

    desk = Desk()
    desk.alerts = alerts = Counting()
    alerts.add(make_alert(make_terms(AlertKind.NEW_SIGNAL, symbol="*", minimum_quality=50.0, repeat=True)))
    reports = [desk.cycle(minute, 100.0, [make_signal()]) for minute in (1, 2, 3)]
    assert [report.alerts_read for report in reports] == [1, 1, 1]
    assert alerts.updates == 1


def test_where_nobody_has_an_alert_no_index_is_asked() -> None:
    class Silent(InMemoryAlerts):
        def waiting(self, ranges: Sequence[TriggerRange]) -> list[Alert]:
            raise AssertionError(f"no index should be asked, {ranges} were")

    desk = Desk()
    desk.alerts = Silent()
    desk.alerts.add(make_alert(make_terms(symbol="ETH/USDT")))
    for minute, price in ((0, 100.0), (60, 105.0), (61, 109.5)):
        desk.cycle(minute, price, [make_signal()])
    assert desk.checks.stored[0][SYMBOL].price == Decimal("109.5")


def test_only_the_partitions_that_hold_alerts_are_asked() -> None:
    class Asked(InMemoryAlerts):
        asked: ClassVar[set[str]] = set()

        def waiting(self, ranges: Sequence[TriggerRange]) -> list[Alert]:
            self.asked.update(each.partition for each in ranges)
            return super().waiting(ranges)

    desk = Desk()
    desk.alerts = Asked()
    desk.alerts.add(make_alert(make_terms(AlertKind.NEAR_TARGET, percent=Decimal(2))))
    for minute, price in ((0, 100.0), (60, 105.0), (61, 109.5)):
        desk.cycle(minute, price, [make_signal()])
    assert Asked.asked == {"BTC/USDT#near"}
    assert len(desk.told) == 1


@pytest.mark.parametrize(("high", "low"), [(104.0, 0.0), (98.0, 99.0), (float("nan"), 99.0)])
def test_a_stored_candle_whose_prices_are_none_stops_nobodys_alerts(high: float, low: float) -> None:
    desk = Desk(make_alert())
    desk.cycle(0, 99.0)
    desk.store_candle(NOW, high=high, low=low)
    desk.cycle(61, 99.5)
    assert desk.told == []
    desk.cycle(62, 101.0)
    assert len(desk.told) == 1


def test_two_signals_of_one_moment_are_two_occasions() -> None:
    desk = Desk(make_alert(make_terms(AlertKind.NEW_SIGNAL, symbol="*", minimum_quality=50.0, repeat=True)))
    desk.cycle(1, 100.0, [make_signal(), make_signal(strategy="momentum")])
    assert len(desk.told) == 2


def test_the_null_strategy_is_told_to_nobody() -> None:
    desk = Desk(make_alert(make_terms(AlertKind.NEW_SIGNAL, symbol="*", minimum_quality=0.0)))
    desk.cycle(1, 109.9, [make_signal(strategy=NULL_STRATEGY)])
    assert desk.told == []


def test_a_symbol_without_a_price_fires_nothing_and_is_looked_at_again() -> None:
    desk = Desk(make_alert())
    desk.cycle(1, None)
    assert desk.told == []
    desk.cycle(2, 101.0)
    assert len(desk.told) == 1


def test_an_expired_alert_leaves_its_place_when_it_is_passed() -> None:
    desk = Desk(make_alert(make_terms(expires_at=NOW + MINUTE)))
    assert desk.cycle(5, 101.0).alerts_moved == 1
    assert desk.told == []
    assert desk.cycle(6, 102.0).alerts_read == 0
