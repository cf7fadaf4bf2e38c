"""An account's own alerts: made, changed, forgotten."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from signalbox.domain.accounts.account import Account
from signalbox.domain.accounts.channel import Channel
from signalbox.domain.accounts.room import Limited
from signalbox.domain.alerts.alert import EVERY_SYMBOL, Alert, AlertKind, Terms, new_alert
from signalbox.domain.alerts.events import MARKET
from signalbox.domain.errors import InvalidValueError, LimitReachedError, TransientError
from signalbox.domain.market.timeframe import Timeframe
from signalbox.ports.alerts import AlertRepository
from signalbox.ports.delivery import AccountRepository
from signalbox.ports.market import CurrentPrices
from signalbox.ports.work import UniverseRepository
from signalbox.services.room import give_back, take_place

TRIES = 5
"""How often a change is thought over again that met a firing."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What can be watched here: by it, an alert that could never fire is refused when it is made."""

    universes: UniverseRepository
    prices: CurrentPrices
    timeframes: Collection[Timeframe]

    def require(self, terms: Terms, account: Account, now: datetime) -> None:
        """Raise InvalidValueError, naming the field first, if an alert on these terms could never fire or be told."""
        if too_many := terms.channels - account.tier.terms.channels:
            raise InvalidValueError(f"channels of tier {account.tier} do not include {', '.join(sorted(too_many))}")
        if terms.kind is AlertKind.REGIME and terms.timeframe not in self.timeframes:
            raise InvalidValueError(f"timeframe must be one of {', '.join(self.timeframes)}, was {terms.timeframe}")
        if (terms.kind, terms.symbol) in ((AlertKind.REGIME, MARKET), (AlertKind.NEW_SIGNAL, EVERY_SYMBOL)):
            return
        universe = self.universes.current(now)
        if universe is None or terms.symbol not in {member.symbol for member in universe.members if member.listed}:
            raise InvalidValueError(f"symbol must be one that is watched, was {terms.symbol}")

    def price(self, terms: Terms, now: datetime) -> Decimal | None:
        """Return the symbol's price now, if an alert on these terms must know it and there is one."""
        if terms.kind is not AlertKind.CROSSES:
            return None
        known = self.prices.of({terms.symbol}, now).get(terms.symbol)
        return None if known is None else Decimal(repr(known.price))


@dataclass(frozen=True, slots=True)
class AlertShelf:
    """Where alerts are kept, within what accounts may have. Places are held by the wall clock's `wall_now`."""

    alerts: AlertRepository
    accounts: AccountRepository
    wall_now: datetime

    def require_place(self, alert_id: str, account: Account, now: datetime) -> None:
        """Take a place among the account's waiting alerts; raise LimitReachedError if its tier gives no more.

        One that ceased to wait within a minute of taking its place holds it for that minute.
        """
        most, account_id = account.tier.terms.alerts, account.account_id

        def there() -> list[str]:
            return [alert.alert_id for alert in self.alerts.of_account(account_id) if _waits(alert, now)]

        if not take_place(
            account_id, Limited.ALERTS, alert_id, most=most, there=there, accounts=self.accounts, now=self.wall_now
        ):
            raise LimitReachedError(f"tier {account.tier} has at most {most} alerts waiting; delete one first")


def make_alert(
    alert_id: str, account: Account, terms: Terms, *, shelf: AlertShelf, watched: Watched, now: datetime
) -> Alert:
    """Store and return a new alert.

    Raises
    ------
    InvalidValueError
        If the alert could never fire; the message names the field first.
    LimitReachedError
        If the account has as many alerts waiting as its tier gives, also if others took the last place at the same
        moment.
    """
    watched.require(terms, account, now)
    alert = new_alert(alert_id, account, terms, now=now, price=watched.price(terms, now))
    shelf.require_place(alert_id, account, now)
    if not shelf.alerts.add(alert):
        raise TransientError(f"alert {alert_id} must be new, is there already")
    return alert


def change_alert(
    alert_id: str, account: Account, terms: Terms, *, shelf: AlertShelf, watched: Watched, now: datetime
) -> Alert | None:
    """Put an alert of this account under other terms and return it, or None if it has none of this id.

    A firing that comes in between is kept: the change is made to the alert as it was after it.

    Raises
    ------
    InvalidValueError, LimitReachedError
        As `make_alert`; room is asked for only where the alert was waiting no more.
    TransientError
        If the alert kept firing meanwhile.
    """
    for _ in range(TRIES):
        before = shelf.alerts.get(account.account_id, alert_id)
        if before is None:
            return None
        watched.require(terms, account, now)
        after = before.changed(account, terms, now=now, price=watched.price(terms, now))
        if not _waits(before, now):
            shelf.require_place(alert_id, account, now)
        if shelf.alerts.update(before, after):
            return after
    raise TransientError(f"alert {alert_id} must stand still to be changed, moved {TRIES} times")


def forget_alert(account_id: str, alert_id: str, *, alerts: AlertRepository, accounts: AccountRepository) -> bool:
    """Remove an alert of an account and free its place; return False if it has none of this id."""
    removed = alerts.remove(account_id, alert_id)
    give_back(account_id, Limited.ALERTS, alert_id, accounts=accounts)
    return removed


def stop_mail(account_id: str, *, alerts: AlertRepository, alert_id: str | None = None) -> None:
    """Send no more e-mail for one alert of an account, or for all; one without another channel goes. Twice is as once.

    Raises TransientError if an alert kept firing meanwhile.
    """
    for alert in alerts.of_account(account_id):
        if alert_id in (None, alert.alert_id):
            _take_mail_away(alert, alerts)


def _take_mail_away(alert: Alert | None, alerts: AlertRepository) -> None:
    for _ in range(TRIES):
        if alert is None or Channel.EMAIL not in alert.terms.channels:
            return
        left = alert.terms.channels - {Channel.EMAIL}
        if not left:
            alerts.remove(alert.account_id, alert.alert_id)
            return
        if alerts.update(alert, replace(alert, terms=replace(alert.terms, channels=left))):
            return
        alert = alerts.get(alert.account_id, alert.alert_id)
    raise TransientError(f"an alert must stand still to be silenced, moved {TRIES} times")


def _waits(alert: Alert, now: datetime) -> bool:
    return alert.active and now < alert.terms.expires_at
