"""How a signal looks in JSON: prices as exact text, moments in ISO 8601 with `Z`."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from signalbox.domain.instants import to_iso
from signalbox.domain.signals.signal import Ending, Signal


def represent(signal: Signal, now: datetime) -> dict[str, Any]:
    """Return the JSON document of a signal as it stands at `now`."""
    return {
        "id": signal.signal_id,
        "symbol": signal.symbol,
        "exchange": signal.exchange,
        "timeframe": signal.timeframe,
        "strategy": signal.strategy,
        "strategy_version": signal.strategy_version,
        "signal_type": signal.signal_type,
        "entry_price": _price(signal.levels.entry_price),
        "target_price": _price(signal.levels.target_price),
        "stop_loss": _price(signal.levels.stop_loss),
        "created_at": to_iso(signal.created_at),
        "published_at": to_iso(signal.published_at),
        "expires_at": to_iso(signal.expires_at),
        "quality_score": signal.quality_score,
        "quality_parts": dict(signal.quality_parts),
        "confidence": signal.confidence,
        "regime": signal.regime,
        "reasons": dict(signal.reasons),
        "summary": signal.summary,
        "origin": signal.origin,
        "code_version": signal.code_version,
        "status": signal.status,
        "is_valid": signal.is_valid(now),
        "revision": signal.revision,
        "filled_price": _price(signal.filled_price),
        "filled_at": to_iso(signal.filled_at) if signal.filled_at else None,
        "mfe_r": signal.mfe_r,
        "mae_r": signal.mae_r,
        "ending": _ending(signal.ending),
    }


def _ending(ending: Ending | None) -> dict[str, Any] | None:
    if ending is None:
        return None
    return {
        "status": ending.status,
        "ended_at": to_iso(ending.ended_at),
        "exit_price": _price(ending.exit_price),
        "r": ending.r,
        "optimistic_r": ending.optimistic_r,
        "cost_r": ending.cost_r,
        "ambiguous": ending.ambiguous,
        "candles_hash": ending.candles_hash,
        "rules_version": ending.rules_version,
    }


def _price(price: Decimal | None) -> str | None:
    return None if price is None else f"{price:f}"
