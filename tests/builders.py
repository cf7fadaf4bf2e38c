"""Values with sensible defaults: a test names only what it is about."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from signalbox.domain.accounts.account import ALL_SCOPES, Account, ApiKey, Tier
from signalbox.domain.delivery.delivery import Channel, Delivery, Subscription
from signalbox.domain.delivery.message import Message
from signalbox.domain.instants import to_ms
from signalbox.domain.market.candles import Candle, CandleGrid
from signalbox.domain.market.consensus import ConsensusPrice, PriceFrame
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.costs import DEFAULT_COSTS
from signalbox.domain.signals.events import EventKind, SignalEvent
from signalbox.domain.signals.signal import Ending, Levels, Origin, Signal, SignalType, Status
from signalbox.domain.signals.suppression import Suppression, SuppressionReason
from signalbox.domain.universe.universe import Member, Universe
from signalbox.ports.topics import Connection

NOW = datetime(2024, 1, 5, 13, 0, tzinfo=UTC)
"""The moment most tests take place at: a candle of every timeframe up to 1h has just closed."""


def make_levels(entry_price: str = "100", target_price: str = "110", stop_loss: str = "95") -> Levels:
    return Levels(entry_price=Decimal(entry_price), target_price=Decimal(target_price), stop_loss=Decimal(stop_loss))


def make_signal(created_at: datetime = NOW, **overrides: Any) -> Signal:
    """A BUY of BTC/USDT, published eleven seconds after the candle that gave it closed, good for a day."""
    values: dict[str, Any] = {
        "symbol": "BTC/USDT",
        "exchange": "binance",
        "timeframe": Timeframe.H1,
        "strategy": "trend_following",
        "strategy_version": 1,
        "signal_type": SignalType.BUY,
        "levels": make_levels(),
        "created_at": created_at,
        "published_at": created_at + timedelta(seconds=11),
        "expires_at": created_at + timedelta(hours=24),
        "quality_score": 62.5,
        "quality_parts": {"confluence": 0.75, "reward_risk": 0.5},
        "confidence": None,
        "regime": "UP/NORMAL",
        "reasons": {"adx": 31.25},
        "summary": "Trend up",
        "features": {"rsi_14": 55.125},
        "feature_version": 1,
        "origin": Origin.LIVE,
        "code_version": "test",
    }
    return Signal(**values | overrides)


def make_ending(status: Status = Status.TARGET_HIT, **overrides: Any) -> Ending:
    values: dict[str, Any] = {
        "status": status,
        "ended_at": NOW + timedelta(hours=5),
        "exit_price": Decimal("110"),
        "r": 1.95,
        "optimistic_r": 1.95,
        "cost_r": 0.05,
        "ambiguous": False,
        "candles_hash": "c0ffee",
        "costs": DEFAULT_COSTS,
    }
    return Ending(**values | overrides)


def ended(signal: Signal, status: Status = Status.TARGET_HIT, **overrides: Any) -> Signal:
    """`signal` after its ending."""
    return replace(signal, status=status, may_act=False, ending=make_ending(status, **overrides))


def make_suppression(**overrides: Any) -> Suppression:
    values: dict[str, Any] = {
        "symbol": "BTC/USDT",
        "exchange": "binance",
        "timeframe": Timeframe.H1,
        "strategy": "trend_following",
        "created_at": NOW,
        "reason": SuppressionReason.LOW_QUALITY,
        "detail": "quality 12 below 40",
        "origin": Origin.LIVE,
    }
    return Suppression(**values | overrides)


def make_candles(
    closes: Sequence[float], start: datetime = NOW, timeframe: Timeframe = Timeframe.H1, volume: float = 10.0
) -> list[Candle]:
    """Candles that open at the close before, with no wicks, from open time `start` on."""
    opens = [closes[0], *closes[:-1]] if closes else []
    first, step = to_ms(start), timeframe.milliseconds
    return [
        Candle(first + at * step, opened, max(opened, close), min(opened, close), close, volume)
        for at, (opened, close) in enumerate(zip(opens, closes, strict=True))
    ]


def make_grid(
    closes: Mapping[str, Sequence[float]],
    start: datetime = NOW,
    timeframe: Timeframe = Timeframe.H1,
    exchange: str = "binance",
) -> CandleGrid:
    """A grid of `make_candles`, as long as the longest; the shorter ones end in holes."""
    columns = {symbol: make_candles(values, start, timeframe) for symbol, values in closes.items()}
    first, longest = to_ms(start), max(map(len, closes.values()))
    return CandleGrid.from_columns(exchange, timeframe, columns, first, first + (longest - 1) * timeframe.milliseconds)


def make_price(symbol: str = "BTC/USDT", price: float = 100.0, **overrides: Any) -> ConsensusPrice:
    values: dict[str, Any] = {
        "symbol": symbol,
        "price": price,
        "time": to_ms(NOW),
        "used": ("binance", "kraken"),
        "rejected": {"bybit": "stale"},
        "low_trust": False,
    }
    return ConsensusPrice(**values | overrides)


def make_frame(*prices: ConsensusPrice, bucket: int = 0, as_of: datetime = NOW) -> PriceFrame:
    return PriceFrame(bucket, as_of, {price.symbol: price for price in prices})


def make_universe(*symbols: str, since: datetime = NOW) -> Universe:
    return Universe(since, tuple(Member(symbol, "binance", 0) for symbol in symbols or ("BTC/USDT",)))


def make_subscription(**overrides: Any) -> Subscription:
    values: dict[str, Any] = {
        "subscription_id": "sub-1",
        "account_id": "acc-1",
        "tier": Tier.PRO,
        "channels": frozenset({Channel.EMAIL}),
        "email": "ada@example.com",
    }
    return Subscription(**values | overrides)


def make_connection(connection_id: str = "conn-1", **overrides: Any) -> Connection:
    values: dict[str, Any] = {"account_id": "acc-1", "tier": Tier.PRO, "scopes": ALL_SCOPES}
    return Connection(connection_id, **values | overrides)


def make_event(signal: Signal | None = None, kind: EventKind = EventKind.PUBLISHED, **overrides: Any) -> SignalEvent:
    signal = signal or make_signal()
    values: dict[str, Any] = {
        "kind": kind,
        "signal_id": signal.signal_id,
        "revision": signal.revision,
        "as_of": signal.published_at,
        "published_at": signal.published_at,
        "symbol": signal.symbol,
        "strategy": signal.strategy,
        "timeframe": str(signal.timeframe),
        "signal_type": str(signal.signal_type),
        "status": str(signal.status),
        "quality_score": signal.quality_score,
        "origin": str(signal.origin),
    }
    return SignalEvent(**values | overrides)


def make_delivery(**overrides: Any) -> Delivery:
    event = make_event()
    values: dict[str, Any] = {
        "event_id": event.event_id,
        "signal_id": event.signal_id,
        "account_id": "acc-1",
        "channel": Channel.EMAIL,
        "tier": Tier.PRO,
        "recipient": "ada@example.com",
        "queued_at": NOW,
    }
    return Delivery(**values | overrides)


def make_account(**overrides: Any) -> Account:
    values: dict[str, Any] = {"account_id": "acc-1", "tier": Tier.PRO, "email": "ada@example.com"}
    return Account(**values | overrides)


def make_key(**overrides: Any) -> ApiKey:
    values: dict[str, Any] = {"key_hash": "ab" * 32, "account_id": "acc-1", "prefix": "sbx_ab", "tier": Tier.PRO}
    return ApiKey(**values | overrides)


def make_message(**overrides: Any) -> Message:
    values: dict[str, Any] = {"subject": "BUY BTC/USDT", "text": "Buy at 100", "html": "<p>Buy at 100</p>"}
    return Message(**values | overrides)
