"""Where an alert waits: the part of the index that it lies in, and its place there.

What happens to a symbol reads only the alerts that it concerns: those between two prices, between two moves, nearer
than a distance, below a quality. An alert that waits for nothing any more lies nowhere.
"""

from dataclasses import dataclass
from decimal import Decimal

from signalbox.domain.accounts.account import Tier
from signalbox.domain.alerts.alert import Alert, Terms, Window
from signalbox.domain.market.timeframe import Timeframe


@dataclass(frozen=True, slots=True)
class Trigger:
    """A place in the index: partitions are words, places in them numbers."""

    partition: str
    value: Decimal


def trigger_of(alert: Alert) -> Trigger | None:
    """Return where `alert` waits, or None once it waits no more."""
    terms = alert.terms
    if not alert.active:
        return None
    if alert.waits_at is not None:
        return Trigger(prices_partition(terms.symbol, rising=alert.rising), alert.waits_at)
    return _lasting_place(terms, alert.tier)


def partitions_of(alert: Alert) -> tuple[str, ...]:
    """Return every part of the index that `alert` may lie in while its terms and tier stay; none once it waits no more.

    One that waits for a price moves from one to the other.
    """
    if not alert.active:
        return ()
    if alert.waits_at is not None:
        return tuple(prices_partition(alert.terms.symbol, rising=rising) for rising in (True, False))
    place = _lasting_place(alert.terms, alert.tier)
    return () if place is None else (place.partition,)


def _lasting_place(terms: Terms, tier: Tier) -> Trigger | None:
    """Return where an alert waits that waits at the same place for as long as it waits."""
    if terms.window is not None and terms.percent is not None:
        return Trigger(moves_partition(terms.symbol, terms.window, up=terms.percent > 0), abs(terms.percent))
    if terms.percent is not None:
        return Trigger(near_partition(terms.symbol), terms.percent)
    if terms.timeframe is not None:
        return Trigger(regime_partition(terms.symbol, terms.timeframe), Decimal(0))
    if terms.minimum_quality is not None:
        return Trigger(signals_partition(terms.symbol, tier), Decimal(repr(terms.minimum_quality)))
    return None


def prices_partition(symbol: str, *, rising: bool) -> str:
    """Return where alerts wait for a price to be reached from below (`rising`) or from above."""
    return f"{symbol}#{'rising' if rising else 'falling'}"


def moves_partition(symbol: str, window: Window, *, up: bool) -> str:
    """Return where alerts wait for a move within a window, by percent without its sign."""
    return f"{symbol}#{'up' if up else 'down'}#{window}"


def near_partition(symbol: str) -> str:
    """Return where alerts wait for a signal of `symbol` to come near a level, by percent."""
    return f"{symbol}#near"


def regime_partition(symbol: str, timeframe: Timeframe) -> str:
    """Return where alerts wait for the regime of `symbol` on `timeframe` to change."""
    return f"{symbol}#regime#{timeframe}"


def signals_partition(symbol: str, tier: Tier) -> str:
    """Return where alerts of a tier wait for a signal on `symbol`, or on every symbol (`*`), by quality."""
    return f"{symbol}#signal#{tier}"
