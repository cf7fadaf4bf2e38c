"""Alerts that wait for a price: reached, left, reached again.

Each waits at one price, to be reached from one side, and a candle's high and low count as much as a quote: a wick
between two polls fires. What fired is also what latches: an `above` alert that a high fired is armed again only when a
whole observation, its high included, lies below the price less the hysteresis. A latch on the last price would let go
under the very wick that fired, and the next look at that wick would fire again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from signalbox.domain.alerts.alert import Alert, AlertKind, Terms
from signalbox.domain.alerts.firing import Firing
from signalbox.domain.errors import InvalidValueError


@dataclass(frozen=True, slots=True)
class Observation:
    """The highest and the lowest price (quote currency) from `begin` to `end`: a closed candle's, or one quote's."""

    begin: datetime
    end: datetime
    high: Decimal
    low: Decimal

    def __post_init__(self) -> None:
        if not 0 < self.low <= self.high or self.end < self.begin:
            raise InvalidValueError(f"observation must have 0 < low <= high and begin <= end, was {self}")


def advance(alert: Alert, observations: Iterable[Observation]) -> tuple[Alert, list[Firing]]:
    """Return the alert after `observations` (oldest first), and what it fired on the way.

    An observation that began before `alert.since`, or is the quote that moved the alert on then, says nothing about
    what happened since, and is passed over: that is also why the same observations a second time change nothing. What
    is reached while the alert cools down moves it on without a firing.
    """
    firings: list[Firing] = []
    for seen in observations:
        if not alert.active or alert.waits_at is None:
            break
        if seen.begin < alert.since or seen.end == alert.since > alert.created_at:
            continue
        if seen.end >= alert.terms.expires_at:
            alert = replace(alert, active=False, since=seen.end)
        elif _is_latched(alert):
            if _is_released(alert, seen):
                alert = _arm(alert, seen.end)
        elif _is_reached(alert, seen):
            if alert.is_due(seen.end):
                firings.append(_firing(alert, seen))
                alert = alert.after_firing(firings[-1])
            alert = _latch(alert, seen.end)
    return alert, firings


def _is_latched(alert: Alert) -> bool:
    """An `above` alert that waits for a fall, or a `below` alert that waits for a rise, has fired already."""
    kind = alert.terms.kind
    return (kind is AlertKind.ABOVE and not alert.rising) or (kind is AlertKind.BELOW and alert.rising)


def _is_reached(alert: Alert, seen: Observation) -> bool:
    at = _waits_at(alert)
    return seen.high >= at if alert.rising else seen.low <= at


def _is_released(alert: Alert, seen: Observation) -> bool:
    at = _waits_at(alert)
    return seen.low > at if alert.rising else seen.high < at


def _arm(alert: Alert, at: datetime) -> Alert:
    return replace(alert, rising=not alert.rising, waits_at=alert.terms.price, since=at)


def _latch(alert: Alert, at: datetime) -> Alert:
    """Wait on the other side of the price, further away by the hysteresis. Of an alert that fires for both directions
    that is where it fires next."""
    share = alert.terms.hysteresis_percent / 100
    factor = 1 - share if alert.rising else 1 + share
    return replace(alert, rising=not alert.rising, waits_at=_price(alert.terms) * factor, since=at)


def _firing(alert: Alert, seen: Observation) -> Firing:
    terms, value = alert.terms, seen.high if alert.rising else seen.low
    verb, side = ("rose", "at or above") if alert.rising else ("fell", "at or below")
    return alert.firing(
        str(alert.fired + 1),
        at=seen.end,
        value=f"{value:f}",
        headline=f"{terms.symbol} {verb} to {value:f}, {side} {_waits_at(alert):f}",
    )


def _price(terms: Terms) -> Decimal:
    if terms.price is None:
        raise InvalidValueError(f"price must be given for an alert of kind {terms.kind}")
    return terms.price


def _waits_at(alert: Alert) -> Decimal:
    if alert.waits_at is None:
        raise InvalidValueError(f"alert {alert.alert_id} must wait at a price, waits at none")
    return alert.waits_at
