"""How a signal looks in JSON: prices as exact text, moments in ISO 8601 with `Z`."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from signalbox.domain.instants import from_iso, to_iso
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import Ending, Levels, Origin, Signal, SignalType


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


def open_signal(document: Mapping[str, Any], revised_price: str | None) -> Signal:
    """Return the open signal of a document: all that a price is held against. Its features are not in there."""
    prices = {name: Decimal(document[name]) for name in ("entry_price", "target_price", "stop_loss")}
    moments: dict[str, Any] = {name: from_iso(document[name]) for name in ("created_at", "published_at", "expires_at")}
    as_they_are = ("symbol", "exchange", "strategy", "strategy_version", "quality_score", "quality_parts",
        "confidence", "regime", "reasons", "summary", "code_version", "revision", "mfe_r", "mae_r")  # fmt: skip
    filled_price, filled_at = document["filled_price"], document["filled_at"]
    return Signal(
        **{name: document[name] for name in as_they_are},
        **moments,
        timeframe=Timeframe(document["timeframe"]),
        signal_type=SignalType(document["signal_type"]),
        levels=Levels(**prices),
        origin=Origin(document["origin"]),
        features={},
        feature_version=0,
        may_act=document["is_valid"],
        filled_price=None if filled_price is None else Decimal(filled_price),
        filled_at=None if filled_at is None else from_iso(filled_at),
        revised_price=None if revised_price is None else Decimal(revised_price),
    )


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
