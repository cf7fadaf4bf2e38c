"""Alerts on what happens to signals and regimes: each fires once for each signal, or for each change of a regime."""

from datetime import datetime
from decimal import Decimal

from signalbox.domain.alerts.alert import Alert, AlertKind
from signalbox.domain.alerts.firing import Firing
from signalbox.domain.regimes.change import RegimeChange
from signalbox.domain.signals.signal import Signal

MARKET = "market"
"""The symbol under which the regime of the market as a whole is kept."""


def fire_for_signal(alert: Alert, signal: Signal, at: datetime) -> Firing | None:
    """Return what `alert` fires for a signal that its account may see since `at`, or None."""
    least = alert.terms.minimum_quality
    if alert.terms.kind is not AlertKind.NEW_SIGNAL or least is None or signal.quality_score < least:
        return None
    if signal.published_at < alert.created_at or not _may_tell(alert, signal, at):
        return None
    quality = f"{signal.quality_score:g}"
    headline = f"New {signal.signal_type} signal on {signal.symbol} {signal.timeframe}, quality {quality}"
    return alert.firing(signal.signal_id, at=at, value=quality, headline=headline, signal=signal)


def distance_percent(signal: Signal, kind: AlertKind, high: Decimal, low: Decimal) -> Decimal:
    """Return how far a price between `low` and `high` came from the target (or stop) of `signal`, at its nearest, in
    percent of that level: 0 when it was reached, whatever came after."""
    target = kind is AlertKind.NEAR_TARGET
    level = signal.levels.target_price if target else signal.levels.stop_loss
    reached_from_below = (signal.signal_type.side > 0) == target
    left = level - high if reached_from_below else low - level
    return max(100 * left / level, Decimal(0))


def fire_for_nearness(alert: Alert, signal: Signal, high: Decimal, low: Decimal, at: datetime) -> Firing | None:
    """Return what `alert` fires for an open signal when the price moved between `low` and `high`, or None."""
    terms = alert.terms
    if not terms.is_near or terms.percent is None or terms.symbol != signal.symbol or not _may_tell(alert, signal, at):
        return None
    left = distance_percent(signal, terms.kind, high, low)
    if left > terms.percent:
        return None
    word = "target" if terms.kind is AlertKind.NEAR_TARGET else "stop"
    headline = f"{signal.signal_type} signal on {signal.symbol} {signal.timeframe} is {left:.2f} % from its {word}"
    return alert.firing(f"{signal.signal_id}~{word}", at=at, value=f"{left:.2f}", headline=headline, signal=signal)


def fire_for_regime(alert: Alert, change: RegimeChange) -> Firing | None:
    """Return what `alert` fires for a change of regime, or None."""
    terms = alert.terms
    asked = terms.kind is AlertKind.REGIME and (terms.symbol, terms.timeframe) == (change.symbol, change.timeframe)
    if not asked or change.since < alert.created_at or not alert.is_due(change.since):
        return None
    return alert.firing(
        f"{change.symbol}~{change.timeframe}~{change.since:%Y%m%dT%H%M%SZ}",
        at=change.since,
        value=change.label,
        headline=f"Regime of {change.symbol} on {change.timeframe} is now {change.label}",
    )


def _may_tell(alert: Alert, signal: Signal, at: datetime) -> bool:
    """An account is told of no signal that its tier may not see yet."""
    return alert.is_due(at) and signal.published_at + alert.tier.delay <= at
