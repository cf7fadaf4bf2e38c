"""Alerts on how far a price moved within a window: in percent of what it was a window ago.

A threshold counts when the move passes it, from below it at the last check to at least it now. Then the alert is quiet
for as long as the window: until then the same move may still be measured from a price before it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from signalbox.domain.alerts.alert import SHORTEST_CHANGE, Alert, Window
from signalbox.domain.alerts.firing import Firing

_HUNDREDTH = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Moves:
    """How far one symbol's price is above and below what it was a window ago, in percent, both >= 0, by window; and
    what it was (quote currency)."""

    up: Mapping[Window, Decimal]
    down: Mapping[Window, Decimal]
    before: Mapping[Window, Decimal]


def move_between(before: Decimal, high: Decimal, low: Decimal) -> tuple[Decimal, Decimal]:
    """Return the moves up to `high` and down to `low` from the price `before` (quote currency), in percent, >= 0."""
    return _percent(high - before, before), _percent(before - low, before)


def has_passed(before: Decimal, now: Decimal) -> bool:
    """Return whether a move that was `before` and is `now` passed any threshold that an alert may have."""
    return now > before and now >= SHORTEST_CHANGE


def fire_for_move(alert: Alert, move: Decimal, at: datetime) -> Firing | None:
    """Return what `alert` fires for a move of `move` percent (negative: down) at `at`, or None."""
    percent, window = alert.terms.percent, alert.terms.window
    if percent is None or window is None or not alert.is_due(at) or at < alert.since:
        return None
    if abs(move) < abs(percent) or (move > 0) != (percent > 0):
        return None
    if alert.last is not None and at < alert.last.at + window.length:
        return None
    verb = "rose" if move > 0 else "fell"
    headline = f"{alert.terms.symbol} {verb} by {abs(move):f} % within {window}"
    return alert.firing(str(alert.fired + 1), at=at, value=f"{move:f}", headline=headline)


def _percent(difference: Decimal, price: Decimal) -> Decimal:
    return max(100 * difference / price, Decimal(0)).quantize(_HUNDREDTH)
