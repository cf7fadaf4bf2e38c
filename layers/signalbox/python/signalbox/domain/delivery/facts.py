"""What a message says, for programs: what a WebSocket client and the followers of a topic read."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from signalbox.domain.instants import from_ms, to_iso
from signalbox.domain.market.consensus import ConsensusPrice
from signalbox.domain.signals.events import EventKind
from signalbox.domain.signals.signal import Signal


def facts_of(signal: Signal, kind: EventKind) -> dict[str, Any]:
    """Return an event of a signal, made of JSON's own types: prices are exact text, moments ISO 8601."""
    ending = signal.ending
    return {
        "kind": str(kind),
        "signal_id": signal.signal_id,
        "symbol": signal.symbol,
        "signal_type": str(signal.signal_type),
        "strategy": signal.strategy,
        "timeframe": str(signal.timeframe),
        "entry_price": f"{signal.levels.entry_price:f}",
        "target_price": f"{signal.levels.target_price:f}",
        "stop_loss": f"{signal.levels.stop_loss:f}",
        "quality_score": signal.quality_score,
        "confidence": signal.confidence,
        "regime": signal.regime,
        "created_at": to_iso(signal.created_at),
        "published_at": to_iso(signal.published_at),
        "expires_at": to_iso(signal.expires_at),
        "status": str(signal.status),
        "origin": str(signal.origin),
        "ended_at": None if ending is None else to_iso(ending.ended_at),
        "r": None if ending is None else ending.r,
    }


def labels_of(signal: Signal, kind: EventKind) -> dict[str, str | float]:
    """Return what the followers of a topic can choose by (filter policies)."""
    return {
        "kind": str(kind),
        "symbol": signal.symbol,
        "signal_type": str(signal.signal_type),
        "strategy": signal.strategy,
        "timeframe": str(signal.timeframe),
        "quality": signal.quality_score,
    }


def price_facts(price: ConsensusPrice, as_of: datetime) -> dict[str, Any]:
    """Return a symbol's consensus price in the cycle of `as_of`, made of JSON's own types."""
    return {
        "symbol": price.symbol,
        "price": f"{Decimal(repr(price.price)):f}",
        "as_of": to_iso(as_of),
        "quoted_at": to_iso(from_ms(price.time)),
        "exchanges": list(price.used),
        "low_trust": price.low_trust,
    }
