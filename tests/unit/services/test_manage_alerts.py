from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from signalbox.domain.accounts.account import Account, Tier
from signalbox.domain.accounts.channel import Channel
from signalbox.domain.accounts.room import SETTLING
from signalbox.domain.alerts.alert import Alert, AlertKind, Terms
from signalbox.domain.errors import InvalidValueError, LimitReachedError
from signalbox.domain.market.consensus import ConsensusPrice
from signalbox.domain.market.timeframe import Timeframe
from signalbox.services.manage_alerts import AlertShelf, Watched, change_alert, forget_alert, make_alert, stop_mail
from tests.builders import NOW, make_price, make_universe
from tests.fakes.alerts import InMemoryAlerts, make_firing, make_terms
from tests.fakes.delivery import InMemoryAccounts
from tests.fakes.work import InMemoryUniverse

FREE = Account("acc-1", Tier.FREE)
PREMIUM = Account("acc-1", Tier.PREMIUM)


class Prices:
    """`ports.CurrentPrices`: one price for every symbol, or none."""

    def __init__(self, price: float | None = 90.0) -> None:
        self.price = price

    def of(self, symbols: Iterable[str], now: datetime) -> dict[str, ConsensusPrice]:  # noqa: ARG002 - the port's own
        return {} if self.price is None else {symbol: make_price(symbol, self.price) for symbol in symbols}


WATCHED = Watched(InMemoryUniverse(make_universe()), Prices(), (Timeframe.H1,))


def made(alerts: InMemoryAlerts, terms: Terms, account: Account = PREMIUM, watched: Watched = WATCHED) -> Alert:
    return make_alert(f"alert-{len(alerts.stored)}", account, terms, shelf=shelf(alerts), watched=watched, now=NOW)


def shelf(
    alerts: InMemoryAlerts, accounts: InMemoryAccounts | None = None, later: timedelta = timedelta(0)
) -> AlertShelf:
    return AlertShelf(alerts, accounts or InMemoryAccounts(), NOW + later)


def test_an_alert_knows_from_which_side_its_price_is_reached() -> None:
    alerts = InMemoryAlerts()
    assert made(alerts, make_terms(AlertKind.CROSSES)).rising
    assert not made(alerts, make_terms(AlertKind.CROSSES, price=Decimal(80))).rising


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (make_terms(symbol="DOGE/USDT"), "symbol"),
        (make_terms(symbol="market"), "symbol"),
        (make_terms(AlertKind.REGIME, timeframe=Timeframe.H4), "timeframe"),
        (make_terms(channels=frozenset({Channel.PUSH})), "channels"),
    ],
)
def test_an_alert_that_could_never_be_told_is_refused(terms: Terms, field: str) -> None:
    with pytest.raises(InvalidValueError, match=f"^{field} "):
        made(InMemoryAlerts(), terms, FREE)


def test_the_market_has_a_regime_and_every_symbol_has_signals() -> None:
    alerts = InMemoryAlerts()
    made(alerts, make_terms(AlertKind.REGIME, symbol="market", timeframe=Timeframe.H1))
    made(alerts, make_terms(AlertKind.NEW_SIGNAL, symbol="*", minimum_quality=1.0))
    assert len(alerts.stored) == 2


def test_a_tier_gives_so_many_alerts_and_those_that_are_over_do_not_count() -> None:
    alerts = InMemoryAlerts()
    for _ in range(FREE.tier.terms.alerts):
        last = made(alerts, make_terms(), FREE)
    with pytest.raises(LimitReachedError, match="at most 5 alerts"):
        made(alerts, make_terms(), FREE)
    alerts.update(last, replace(last, active=False))
    assert made(alerts, make_terms(), FREE).active


def test_a_place_is_free_at_once_when_its_alert_is_forgotten_and_a_minute_after_it_was_taken_else() -> None:
    alerts, accounts = InMemoryAlerts(), InMemoryAccounts()

    def make(alert_id: str, later: timedelta = timedelta(0)) -> Alert:
        held = shelf(alerts, accounts, later)
        return make_alert(alert_id, FREE, make_terms(), shelf=held, watched=WATCHED, now=NOW)

    first, second, *_ = [make(f"alert-{number}") for number in range(FREE.tier.terms.alerts)]
    assert forget_alert("acc-1", first.alert_id, alerts=alerts, accounts=accounts)
    assert not forget_alert("acc-1", first.alert_id, alerts=alerts, accounts=accounts)
    make("next")
    alerts.update(second, replace(second, active=False))
    with pytest.raises(LimitReachedError):
        make("too soon")
    assert make("late enough", SETTLING).active


def test_an_alert_that_is_over_needs_a_place_to_wait_again() -> None:
    alerts = InMemoryAlerts()
    over = made(alerts, make_terms(), FREE)
    alerts.update(over, replace(over, active=False))
    for _ in range(FREE.tier.terms.alerts):
        made(alerts, make_terms(), FREE)
    with pytest.raises(LimitReachedError):
        change_alert(over.alert_id, FREE, make_terms(), shelf=shelf(alerts), watched=WATCHED, now=NOW)


def test_a_firing_in_between_a_change_is_kept() -> None:
    class Firing(InMemoryAlerts):
        raced = False

        def update(self, before, after, firings=()):  # type: ignore[no-untyped-def]
            if not self.raced:
                self.raced = True
                super().update(before, before.after_firing(make_firing(before)), [make_firing(before)])
            return super().update(before, after, firings)

    alerts = Firing()
    alert = made(alerts, make_terms(repeat=True))
    terms = make_terms(repeat=True, note="new")
    changed = change_alert(alert.alert_id, PREMIUM, terms, shelf=shelf(alerts), watched=WATCHED, now=NOW)
    assert changed is not None
    assert (changed.fired, changed.terms.note, len(alerts.told())) == (1, "new", 1)


def test_nobody_changes_what_is_not_theirs() -> None:
    alerts = InMemoryAlerts()
    alert = made(alerts, make_terms())
    other = Account("acc-2", Tier.PREMIUM)
    assert change_alert(alert.alert_id, other, make_terms(), shelf=shelf(alerts), watched=WATCHED, now=NOW) is None


def test_a_link_in_a_mail_ends_the_mail_of_its_alert_or_of_all() -> None:
    alerts = InMemoryAlerts()
    both = frozenset({Channel.EMAIL, Channel.WEBSOCKET})
    first, second, third = (made(alerts, make_terms(channels=both)).alert_id for _ in range(3))
    made(alerts, make_terms())
    for _ in range(2):
        stop_mail("acc-1", alerts=alerts, alert_id=second)
    assert [Channel.EMAIL in alert.terms.channels for alert in alerts.of_account("acc-1")] == [True, False, True, True]
    stop_mail("acc-1", alerts=alerts)
    assert [alert.alert_id for alert in alerts.of_account("acc-1")] == [first, second, third]
    assert {alert.terms.channels for alert in alerts.of_account("acc-1")} == {frozenset({Channel.WEBSOCKET})}
