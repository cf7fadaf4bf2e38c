"""A signal, from the moment it is given to its one ending, by rules versioned as `RULES_VERSION`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.costs import Costs
from signalbox.domain.signals.identity import SignalKey

RULES_VERSION = 1
"""The version of the rules by which a signal ends, stored with every ending."""

NULL_STRATEGY = "null"
"""The coin flip: generated, resolved and counted like the rest, never delivered nor in a default feed."""


class SignalType(StrEnum):
    """Which way a signal points."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def side(self) -> int:
        """+1 for BUY, -1 for SELL."""
        return 1 if self is SignalType.BUY else -1


class Status(StrEnum):
    """OPEN, then exactly one of the others, which never changes again."""

    OPEN = "OPEN"
    TARGET_HIT = "TARGET_HIT"
    STOP_HIT = "STOP_HIT"
    EXPIRED = "EXPIRED"
    INVALIDATED = "INVALIDATED"
    DELISTED = "DELISTED"
    DATA_GAP = "DATA_GAP"


class Origin(StrEnum):
    """Where a record comes from; never mixed in one statistic."""

    LIVE = "live"
    REPLAY = "replay"
    SIMULATED = "simulated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Entry, target and stop in quote currency, exact; stop < entry < target for BUY, mirrored for SELL."""

    entry_price: Decimal
    target_price: Decimal
    stop_loss: Decimal

    def require_order(self, signal_type: SignalType) -> None:
        """Raise InvalidValueError unless the levels are positive and lie on the right sides of the entry."""
        side = signal_type.side
        ordered = side * self.stop_loss < side * self.entry_price < side * self.target_price
        if not ordered or min(self.entry_price, self.target_price, self.stop_loss) <= 0:
            raise InvalidValueError(f"levels of a {signal_type} must be positive and in order, were {self}")

    @property
    def reward_risk(self) -> float:
        """Distance to the target over distance to the stop."""
        return float(abs(self.target_price - self.entry_price) / abs(self.entry_price - self.stop_loss))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The one final status of a signal.

    `exit_price` and `r` are None where nothing can be booked (INVALIDATED, DATA_GAP). `r` is net of `cost_r`, the
    assumed fees, half spread and slippage in R. `ambiguous` says that target and stop lay in one candle and the
    stop was taken; `optimistic_r` is what the target would have given, else equal to `r`. `candles_hash` is over
    exactly the candles that settled it. `costs` are the assumptions behind `cost_r`.
    """

    status: Status
    ended_at: datetime
    exit_price: Decimal | None
    r: float | None
    optimistic_r: float | None
    cost_r: float | None
    ambiguous: bool
    candles_hash: str
    rules_version: int = RULES_VERSION
    costs: Costs | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One signal. Everything above `status` is published once and never changes.

    `checked_until` is the close of the last candle that was settled; `last_close` is that candle's close,
    `candles_missing` counts the candles that were due before it and never came, and `candles_hash` is the hash over
    those that did. `mfe_r` (>= 0) and `mae_r` (<= 0) are the best and the worst R that was to be had since the fill,
    before costs: of an open signal, as of its newest revision. `revised_price` is that revision's entry, `revised_at`
    the time of the price behind it.
    """

    symbol: str
    exchange: str
    timeframe: Timeframe
    strategy: str
    strategy_version: int
    signal_type: SignalType
    levels: Levels
    created_at: datetime
    published_at: datetime
    expires_at: datetime
    quality_score: float
    quality_parts: Mapping[str, float]
    confidence: float | None
    regime: str
    reasons: Mapping[str, float]
    summary: str
    features: Mapping[str, float]
    feature_version: int
    origin: Origin
    code_version: str

    status: Status = Status.OPEN
    may_act: bool = True
    revision: int = 0
    filled_price: Decimal | None = None
    filled_at: datetime | None = None
    checked_until: datetime | None = None
    mfe_r: float = 0.0
    mae_r: float = 0.0
    ending: Ending | None = None
    notes: tuple[str, ...] = field(default=())
    last_close: Decimal | None = None
    candles_missing: int = 0
    candles_hash: str = ""
    revised_price: Decimal | None = None
    revised_at: datetime | None = None

    @property
    def key(self) -> SignalKey:
        """What makes this signal the same signal."""
        return SignalKey(self.symbol, self.created_at, self.strategy, self.timeframe)

    @property
    def signal_id(self) -> str:
        """The key as one URL-safe word."""
        return self.key.signal_id

    def is_valid(self, now: datetime) -> bool:
        """Return whether it may still be acted on: open, not flagged, not expired."""
        return self.status is Status.OPEN and self.may_act and now < self.expires_at
