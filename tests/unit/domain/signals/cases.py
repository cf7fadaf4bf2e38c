"""Signals and candles for the tests of what becomes of a signal: defaults that do, override only what matters."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from signalbox.domain.instants import to_ms
from signalbox.domain.market.candles import Candle
from signalbox.domain.market.consensus import ConsensusPrice
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import Levels, Origin, Signal, SignalType

START = datetime(2024, 1, 5, 13, 0, tzinfo=UTC)
"""Close of the candle that gave the signal."""

NOW = START + timedelta(minutes=10)
"""Some time after it was given, where a test needs one."""

MINUTE = 60_000
STEP = Timeframe.M5.milliseconds
FIRST = to_ms(START) + STEP
"""Open time of the first candle that counts: published three seconds after START, the next 5m candle."""


def make_signal(
    *,
    buy: bool = True,
    entry: str = "100",
    target: str | None = None,
    stop: str | None = None,
    hours: float = 8,
    **changes: Any,
) -> Signal:
    """A 1h signal of BTC/USDT given at START: entry 100, target 104 or 96, stop 98 or 102, and 8 hours to live."""
    levels = Levels(
        entry_price=Decimal(entry),
        target_price=Decimal(target or ("104" if buy else "96")),
        stop_loss=Decimal(stop or ("98" if buy else "102")),
    )
    values: dict[str, Any] = {
        "symbol": "BTC/USDT",
        "exchange": "binance",
        "timeframe": Timeframe.H1,
        "strategy": "trend_following",
        "strategy_version": 1,
        "signal_type": SignalType.BUY if buy else SignalType.SELL,
        "levels": levels,
        "created_at": START,
        "published_at": START + timedelta(seconds=3),
        "expires_at": START + timedelta(hours=hours),
        "quality_score": 50.0,
        "quality_parts": {},
        "confidence": None,
        "regime": "UP NORMAL",
        "reasons": {},
        "summary": "a test",
        "features": {},
        "feature_version": 1,
        "origin": Origin.SIMULATED,
        "code_version": "test",
    }
    return Signal(**(values | changes))


def price(value: float, *, minute: int = 10, symbol: str = "BTC/USDT") -> ConsensusPrice:
    """What two exchanges agree on, so many minutes after START."""
    return ConsensusPrice(symbol, value, to_ms(START) + minute * MINUTE, ("binance", "kraken"), {}, low_trust=False)


def candles_of(*rows: Sequence[float], start: int = FIRST, step: int = STEP) -> list[Candle]:
    """Candles from (open, high, low, close) rows, one after the other."""
    return [Candle(start + at * step, *map(float, row), 1.0) for at, row in enumerate(rows)]


def flat(count: int, price: float = 100.0, *, start: int = FIRST, step: int = STEP) -> list[Candle]:
    """Candles that go nowhere near a level."""
    return candles_of(*[(price, price + 0.5, price - 0.5, price)] * count, start=start, step=step)


def sheared(signal: Signal) -> dict[str, Any]:
    """The published part of a signal."""
    names = list(Signal.__dataclass_fields__)
    return {name: getattr(signal, name) for name in names[: names.index("status")]}
