"""What the services need from the world, on one page. Adapters implement these; tests have fakes of them.

Every method may raise `TransientError` (try again) or `PermanentError` (do not). A write that is conditional says
so and returns whether it took effect, so that a message handled twice leaves what one handling leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from signalbox.domain.accounts.account import Account, ApiKey, Tier
from signalbox.domain.delivery.delivery import Delivery, DeliveryState, Subscription
from signalbox.domain.delivery.message import Message
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.market.consensus import PriceFrame
from signalbox.domain.market.quotes import Quote
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import Signal, Status
from signalbox.domain.signals.suppression import Suppression
from signalbox.domain.universe.universe import Universe

if TYPE_CHECKING:
    # Candles bring numpy, which most functions do without.
    from signalbox.domain.market.candles import Candle, CandleGrid


@dataclass(frozen=True, slots=True)
class Market:
    """A symbol as an exchange lists it. `price_step` is the smallest price difference, in quote currency."""

    symbol: str
    active: bool
    price_step: Decimal


class Exchange(Protocol):
    """One exchange's public data."""

    @property
    def exchange_id(self) -> str:
        """ccxt's id."""
        ...

    def markets(self) -> Mapping[str, Market]:
        """Return the spot markets by symbol, those that are halted or delisted marked inactive."""
        ...

    def candles(self, symbol: str, timeframe: Timeframe, since: int, limit: int) -> list[Candle]:
        """Return up to `limit` candles from open time `since` (epoch ms) on, oldest first, the open one included.

        Raises UnknownSymbolError, RateLimitedError, ExchangeUnavailableError, ExchangeRefusedError, ExchangeReplyError.
        """
        ...

    def quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        """Return the quotes of those of `symbols` that the exchange lists, by symbol, in one call if it can."""
        ...


class CandleStore(Protocol):
    """Closed candles, kept as frames: one item holds one candle of many symbols."""

    def load(  # noqa: PLR0913, PLR0917 - the key of a series, and the span
        self, exchange: str, timeframe: Timeframe, bucket: int, symbols: Sequence[str], first_open: int, last_open: int
    ) -> CandleGrid:
        """Return what is stored of `symbols` over the span (epoch ms, both ends included); holes are NaN."""
        ...

    def save(self, grid: CandleGrid, bucket: int) -> None:
        """Store every row of `grid` that holds a candle. Saving the same candles twice leaves them once."""
        ...


class SignalRepository(Protocol):
    """The signals, and nothing that is derived from them."""

    def add(self, signal: Signal) -> bool:
        """Store a new signal; return False, changing nothing, if its id is there already."""
        ...

    def get(self, signal_id: str) -> Signal | None:
        """Return the signal, or None; raise InvalidValueError if `signal_id` is not spelled as one."""
        ...

    def of_symbol(self, symbol: str, limit: int) -> list[Signal]:
        """Return the newest signals of a symbol, newest first."""
        ...

    def open_of(self, symbols: Iterable[str]) -> list[Signal]:
        """Return every open signal of `symbols`, read consistently enough to be ended: an ended one may still be among
        them for a moment, which `update` then refuses."""
        ...

    def update(self, before: Signal, after: Signal) -> bool:
        """Replace `before` by `after`; return False, changing nothing, if it is no longer as `before` (its status or
        revision moved on). The published part must be the same in both."""
        ...

    def feed(self, query: FeedQuery) -> Page:
        """Return one page of signals, newest first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedQuery:
    """One page of the feed: signals created in [since, until), of `symbol` or of all, after `cursor` if given.

    `status` keeps those of one status. `visible_at` hides open signals published after it (the tier delay).
    """

    since: datetime
    until: datetime
    visible_at: datetime
    limit: int
    symbol: str | None = None
    status: str | None = None
    cursor: str | None = None

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise InvalidValueError(f"limit must be at least 1, was {self.limit}")
        if self.status is not None and self.status not in tuple(Status):
            raise InvalidValueError(f"status must be one of {', '.join(Status)}, was {self.status!r}")


@dataclass(frozen=True, slots=True)
class Page:
    """Signals, newest first, and the cursor of the next page if there may be one."""

    signals: list[Signal]
    cursor: str | None


class SuppressionRepository(Protocol):
    """Candidates that were not sent, with the reason."""

    def add(self, suppression: Suppression) -> bool:
        """Store it; return False, changing nothing, if it is there already."""
        ...

    def of_symbol(self, symbol: str, limit: int) -> list[Suppression]:
        """Return the newest suppressions of a symbol, newest first."""
        ...


class PriceFrameStore(Protocol):
    """The consensus price of every symbol, one item per bucket and cycle."""

    def save(self, frame: PriceFrame) -> None:
        """Store a frame, merged with what other shards of its bucket and cycle stored."""
        ...

    def latest(self, bucket: int, before: datetime | None = None) -> PriceFrame | None:
        """Return the newest frame of a bucket, or the newest of a cycle before `before`; None if there is none."""
        ...


class PriceHistory(Protocol):
    """What changed about a signal, append only."""

    def append(self, signal_id: str, revision: int, record: Mapping[str, Any]) -> bool:
        """Store record number `revision`, made of JSON's own types; return False, changing nothing, if there is one."""
        ...

    def of_signal(self, signal_id: str) -> list[dict[str, Any]]:
        """Return the records of a signal, oldest first."""
        ...


class UniverseRepository(Protocol):
    """The watched symbols, versioned by date."""

    def current(self, at: datetime) -> Universe | None:
        """Return the newest version not newer than `at`, or None before the first."""
        ...

    def add(self, universe: Universe) -> bool:
        """Store a version; return False, changing nothing, if that date has one."""
        ...


@dataclass(frozen=True, slots=True)
class Turn:
    """The newest turn that was planned of one job and timeframe."""

    job: str
    timeframe: str
    as_of: datetime
    planned_at: datetime
    shards: int
    symbols: int


class TurnRepository(Protocol):
    """The newest turn of each job: what `/health` reports, and the market's clock in stepped runs."""

    def record(self, turn: Turn) -> None:
        """Store a turn unless a newer one of its job and timeframe is stored."""
        ...

    def latest(self) -> list[Turn]:
        """Return the newest turn of each job and timeframe."""
        ...


class Queue(Protocol):
    """A queue of JSON messages."""

    def send(self, bodies: Sequence[Mapping[str, Any]], delay_seconds: int = 0) -> None:
        """Send every body, in as few calls as the service allows; raise if any was not taken."""
        ...


class SubscriptionRepository(Protocol):
    """Who wants what."""

    def matching(self, symbol: str) -> list[Subscription]:
        """Return the subscriptions that name `symbol` or all symbols."""
        ...

    def put(self, subscription: Subscription) -> None:
        """Store or replace a subscription."""
        ...


class DeliveryRepository(Protocol):
    """Every (event, subscriber, channel) and where it stands."""

    def add(self, delivery: Delivery) -> bool:
        """Store a new delivery; return False, changing nothing, if it is there already."""
        ...

    def claim(self, signal_id: str, delivery_id: str, now: datetime) -> Delivery | None:
        """Take the delivery for `LEASE`; None if it is not there, is finished, or another worker holds it."""
        ...

    def finish(self, delivery: Delivery, state: DeliveryState, now: datetime, **changes: Any) -> bool:
        """Record the outcome of a claimed delivery, with `reason` or `service_id` where there is one; QUEUED gives the
        claim back. Return False, changing nothing, if another worker has taken the claim over since."""
        ...

    def of_signal(self, signal_id: str) -> list[Delivery]:
        """Return the deliveries of a signal."""
        ...


class AccountRepository(Protocol):
    """Accounts and their keys."""

    def put(self, account: Account, key: ApiKey) -> None:
        """Store an account and one key of it."""
        ...

    def account(self, account_id: str) -> Account | None:
        """Return the account, or None."""
        ...

    def key(self, key_hash: str) -> ApiKey | None:
        """Return the key with this hash, or None."""
        ...


class ChannelSender(Protocol):
    """Sends messages by one channel."""

    def send(self, message: Message, recipient: str, delivery_id: str) -> str:
        """Send one message and return the service's id for it.

        Raises ChannelUnavailableError (try again) or RecipientRejectedError (do not).
        """
        ...


class ConnectionRepository(Protocol):
    """Who is connected by WebSocket."""

    def add(self, connection_id: str, account_id: str, tier: Tier, now: datetime) -> None:
        """Remember a connection and whose it is; the record outlives the gateway's two hours by little."""
        ...

    def remove(self, connection_id: str) -> None:
        """Forget a connection, known or not."""
        ...


class ConnectionPoster(Protocol):
    """Posts to WebSocket connections."""

    def post(self, connection_id: str, message: Mapping[str, Any]) -> None:
        """Send one JSON message. Raises RecipientRejectedError if the connection is gone."""
        ...


class Clock(Protocol):
    """The system clock: the wall clock, or the market's in stepped runs."""

    def now(self) -> datetime:
        """Return the moment it is."""
        ...


__all__ = [
    "Account",
    "AccountRepository",
    "CandleStore",
    "ChannelSender",
    "Clock",
    "ConnectionPoster",
    "ConnectionRepository",
    "DeliveryRepository",
    "Exchange",
    "FeedQuery",
    "Market",
    "Page",
    "PriceFrameStore",
    "PriceHistory",
    "Queue",
    "SignalRepository",
    "SubscriptionRepository",
    "SuppressionRepository",
    "Tier",
    "Turn",
    "TurnRepository",
    "UniverseRepository",
]
