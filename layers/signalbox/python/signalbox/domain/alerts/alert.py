"""Alerts: what a user asked to be told, and where that request stands."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from signalbox.domain.accounts.account import Account, Tier
from signalbox.domain.accounts.channel import Channel
from signalbox.domain.alerts.firing import Firing
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import Signal

NOTE_LENGTH = 280
"""Most characters of a note."""
SHORTEST_CHANGE, LONGEST_CHANGE = Decimal("0.5"), Decimal(100)
"""Bounds of a change in percent, without its sign."""
WIDEST_NEAR = Decimal(10)
"""The furthest from a level, in percent of it, that still counts as near."""
EVERY_SYMBOL = "*"


class AlertKind(StrEnum):
    """What has to happen."""

    ABOVE = "above"
    BELOW = "below"
    CROSSES = "crosses"
    CHANGE = "change"
    NEAR_TARGET = "near_target"
    NEAR_STOP = "near_stop"
    REGIME = "regime"
    NEW_SIGNAL = "new_signal"


class Window(StrEnum):
    """The span over which a change is measured."""

    HOUR = "1h"
    FOUR_HOURS = "4h"
    DAY = "24h"

    @property
    def length(self) -> timedelta:
        """The span."""
        return timedelta(hours=int(self.removesuffix("h")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What was asked for; which of the optional values there must be follows from `kind` (`REQUIRED`).

    `price` is in quote currency. `percent` is the change that counts (negative: a fall), or how near to the level, in
    percent of it, counts as near. `symbol` may be `*` for a new signal, and `market` for a regime. `repeat` asks to be
    told every time, not once; then `cooldown` is the shortest time between two, and `hysteresis_percent` how far, in
    percent of `price`, the price must have gone back before the same price can count again. `note` is plain text.
    """

    kind: AlertKind
    symbol: str
    expires_at: datetime
    price: Decimal | None = None
    percent: Decimal | None = None
    window: Window | None = None
    timeframe: Timeframe | None = None
    minimum_quality: float | None = None
    repeat: bool = False
    cooldown: timedelta = timedelta(0)
    hysteresis_percent: Decimal = Decimal("0.2")
    note: str = ""
    channels: frozenset[Channel] = frozenset({Channel.EMAIL})

    def __post_init__(self) -> None:
        for name in ("price", "percent", "window", "timeframe", "minimum_quality"):
            there, needed = getattr(self, name) is not None, name in REQUIRED[self.kind]
            if there != needed:
                wanted = "must be given" if needed else "must not be given"
                raise InvalidValueError(f"{name} {wanted} for an alert of kind {self.kind}")
        if len(self.note) > NOTE_LENGTH or not self.note.isprintable():
            raise InvalidValueError(f"note must be plain text of at most {NOTE_LENGTH} characters, was {self.note!r}")
        self._require_numbers()
        if self.expires_at.tzinfo is None:
            raise InvalidValueError(f"expires_at must have a time zone, was {self.expires_at.isoformat()}")
        if self.symbol == EVERY_SYMBOL and self.kind is not AlertKind.NEW_SIGNAL:
            raise InvalidValueError(f"symbol must be one symbol for an alert of kind {self.kind}, was *")
        if not self.channels:
            raise InvalidValueError("channels must name at least one channel, named none")

    def _require_numbers(self) -> None:
        for name in ("price", "percent", "hysteresis_percent"):
            number = getattr(self, name)
            if number is not None and not number.is_finite():
                raise InvalidValueError(f"{name} must be finite, was {number}")
        if self.price is not None and not 0 < self.price < Decimal("1e15"):
            raise InvalidValueError(f"price must be positive and below 1e15, was {self.price}")
        if self.kind is AlertKind.CHANGE and not SHORTEST_CHANGE <= abs(self.percent or Decimal(0)) <= LONGEST_CHANGE:
            raise InvalidValueError(
                f"percent must be {SHORTEST_CHANGE} to {LONGEST_CHANGE}, up or down, was {self.percent}"
            )
        if self.is_near and not 0 < (self.percent or 0) <= WIDEST_NEAR:
            raise InvalidValueError(f"percent must be above 0 and at most {WIDEST_NEAR}, was {self.percent}")
        if self.minimum_quality is not None and not 0 <= self.minimum_quality <= 100:
            raise InvalidValueError(f"minimum_quality must be 0 to 100, was {self.minimum_quality}")
        if not 0 <= self.hysteresis_percent <= 50:
            raise InvalidValueError(f"hysteresis_percent must be 0 to 50, was {self.hysteresis_percent}")
        if not timedelta(0) <= self.cooldown <= timedelta(days=30):
            raise InvalidValueError(f"cooldown must be 0 to 30 days, was {self.cooldown}")

    @property
    def is_near(self) -> bool:
        """Whether it is about a signal that comes near one of its levels."""
        return self.kind in (AlertKind.NEAR_TARGET, AlertKind.NEAR_STOP)


REQUIRED: dict[AlertKind, frozenset[str]] = {
    AlertKind.ABOVE: frozenset({"price"}),
    AlertKind.BELOW: frozenset({"price"}),
    AlertKind.CROSSES: frozenset({"price"}),
    AlertKind.CHANGE: frozenset({"percent", "window"}),
    AlertKind.NEAR_TARGET: frozenset({"percent"}),
    AlertKind.NEAR_STOP: frozenset({"percent"}),
    AlertKind.REGIME: frozenset({"timeframe"}),
    AlertKind.NEW_SIGNAL: frozenset({"minimum_quality"}),
}
"""The optional terms that each kind needs; the others must be absent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert of one account, and where it stands.

    Nothing that began before `since` counts: neither a candle that opened earlier nor a price that is older. `active`
    ends when an alert that was to fire once has fired, or expired. An alert that waits for a price waits at `waits_at`,
    to be reached from below if `rising`. `tier` is the account's when the alert was made or last changed. `fired`
    counts firings, `last` is the newest. `version` grows with every write: the condition of the next one.
    """

    alert_id: str
    account_id: str
    tier: Tier
    terms: Terms
    created_at: datetime
    since: datetime
    active: bool = True
    rising: bool = True
    waits_at: Decimal | None = None
    fired: int = 0
    last: Firing | None = None
    version: int = 1

    def is_due(self, at: datetime) -> bool:
        """Return whether it may fire for what happened at `at`: active, not expired, cooled down."""
        if not self.active or at >= self.terms.expires_at:
            return False
        return self.last is None or at >= self.last.at + self.terms.cooldown

    def after_firing(self, firing: Firing) -> "Alert":
        """Return the alert after it fired, whatever it waits for next."""
        return replace(self, fired=self.fired + 1, last=firing, active=self.terms.repeat)

    def changed(self, account: Account, terms: Terms, *, now: datetime, price: Decimal | None) -> "Alert":
        """Return the alert under other terms. What it was told of stays; so does its wait, if that is for the same.

        Raises InvalidValueError as `new_alert` does.
        """
        if self.active and all(
            getattr(terms, name) == getattr(self.terms, name) for name in ("kind", "symbol", "price")
        ):
            _require_future(terms, now)
            return replace(self, terms=terms, tier=account.tier)
        anew = new_alert(self.alert_id, account, terms, now=now, price=price)
        return replace(anew, created_at=self.created_at, fired=self.fired, last=self.last, version=self.version)

    def firing(self, occasion: str, *, at: datetime, value: str, headline: str, signal: Signal | None = None) -> Firing:
        """Return the firing of this alert for `occasion`, told by `headline`; `signal` is an open one it tells of."""
        return Firing(
            alert_id=self.alert_id,
            account_id=self.account_id,
            occasion=occasion,
            kind=self.terms.kind,
            symbol=self.terms.symbol if signal is None else signal.symbol,
            at=at,
            value=value,
            headline=headline,
            note=self.terms.note,
            channels=tuple(sorted(self.terms.channels)),
            signal_id=None if signal is None else signal.signal_id,
            signal_published_at=None if signal is None else signal.published_at,
        )


def new_alert(alert_id: str, account: Account, terms: Terms, *, now: datetime, price: Decimal | None = None) -> Alert:
    """Return an alert that starts to wait at `now`; `price` (quote currency) is the symbol's price then, if known.

    Raises InvalidValueError if it would be expired at once, or is to fire when a price is crossed while the price now
    is not known: nobody could say from which side.
    """
    _require_future(terms, now)
    rising = terms.kind is AlertKind.ABOVE
    if terms.kind is AlertKind.CROSSES and terms.price is not None:
        if price is None:
            raise InvalidValueError(f"price of {terms.symbol} now must be known for an alert that crosses, is not")
        rising = price < terms.price
    return Alert(
        alert_id=alert_id,
        account_id=account.account_id,
        tier=account.tier,
        terms=terms,
        created_at=now,
        since=now,
        rising=rising,
        waits_at=terms.price,
    )


def _require_future(terms: Terms, now: datetime) -> None:
    if terms.expires_at <= now:
        raise InvalidValueError(f"expires_at must be later than now, was {terms.expires_at.isoformat()}")
