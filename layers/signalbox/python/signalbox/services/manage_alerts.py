"""An account's own alerts: made, changed, forgotten."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from signalbox.domain.accounts.account import Account
from signalbox.domain.accounts.channel import Channel
from signalbox.domain.alerts.alert import EVERY_SYMBOL, Alert, AlertKind, Terms, new_alert
from signalbox.domain.alerts.events import MARKET
from signalbox.domain.errors import InvalidValueError, LimitReachedError, TransientError
from signalbox.domain.market.timeframe import Timeframe
from signalbox.ports.alerts import AlertRepository
from signalbox.ports.market import CurrentPrices
from signalbox.ports.work import UniverseRepository

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


def make_alert(
    alert_id: str, account: Account, terms: Terms, *, alerts: AlertRepository, watched: Watched, now: datetime
) -> Alert:
    """Store and return a new alert.

    Two made at the same moment may both find room for one, and then there is one too many.

    Raises
    ------
    InvalidValueError
        If the alert could never fire; the message names the field first.
    LimitReachedError
        If the account has as many alerts waiting as its tier gives.
    """
    watched.require(terms, account, now)
    _require_room(account, alerts, now)
    alert = new_alert(alert_id, account, terms, now=now, price=watched.price(terms, now))
    if not alerts.add(alert):
        raise TransientError(f"alert {alert_id} must be new, is there already")
    return alert


def change_alert(
    alert_id: str, account: Account, terms: Terms, *, alerts: AlertRepository, watched: Watched, now: datetime
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
        before = alerts.get(account.account_id, alert_id)
        if before is None:
            return None
        watched.require(terms, account, now)
        if not _waits(before, now):
            _require_room(account, alerts, now)
        after = before.changed(account, terms, now=now, price=watched.price(terms, now))
        if alerts.update(before, after):
            return after
    raise TransientError(f"alert {alert_id} must stand still to be changed, moved {TRIES} times")


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


def _require_room(account: Account, alerts: AlertRepository, now: datetime) -> None:
    most = account.tier.terms.alerts
    if sum(_waits(alert, now) for alert in alerts.of_account(account.account_id)) >= most:
        raise LimitReachedError(f"tier {account.tier} has at most {most} alerts waiting; delete one first")


def _waits(alert: Alert, now: datetime) -> bool:
    return alert.active and now < alert.terms.expires_at
