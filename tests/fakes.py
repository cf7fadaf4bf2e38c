"""In-memory ports with the semantics of the real ones: tests/contracts runs the same tests over both."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

import numpy as np

from signalbox.adapters.storage.cursors import Cursors
from signalbox.adapters.storage.deliveries import require_outcome
from signalbox.adapters.storage.feed import hidden
from signalbox.adapters.storage.publication import require_update
from signalbox.adapters.storage.turns import JOBS
from signalbox.domain.accounts.account import Account, ApiKey, Tier
from signalbox.domain.delivery.delivery import LEASE, Delivery, DeliveryState, Subscription
from signalbox.domain.delivery.message import Message
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.market.candles import COLUMNS, Candle, CandleGrid
from signalbox.domain.market.consensus import PriceFrame
from signalbox.domain.market.quotes import Quote
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.identity import decode
from signalbox.domain.signals.signal import Signal, Status
from signalbox.domain.signals.suppression import Suppression
from signalbox.domain.universe.universe import Universe
from signalbox.ports.market import Market
from signalbox.ports.signals import FeedQuery, Page
from signalbox.ports.work import Turn

Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass
class FixedClock:
    """A clock that stands until it is set."""

    moment: datetime

    def now(self) -> datetime:
        return self.moment


class InMemorySignals:
    """`ports.SignalRepository`."""

    def __init__(self, cursor_secret: bytes | None = None) -> None:
        self.stored: dict[str, Signal] = {}
        self._cursors = Cursors(cursor_secret)

    def add(self, signal: Signal) -> bool:
        return _add(self.stored, signal.signal_id, signal)

    def get(self, signal_id: str) -> Signal | None:
        return self.stored.get(decode(signal_id).signal_id)

    def of_symbol(self, symbol: str, limit: int) -> list[Signal]:
        _require_limit(limit)
        return [signal for signal in self._newest_first() if signal.symbol == symbol][:limit]

    def open_of(self, symbols: Iterable[str]) -> list[Signal]:
        wanted = set(symbols)
        found = [each for each in self.stored.values() if each.symbol in wanted and each.status is Status.OPEN]
        return sorted(found, key=lambda signal: (signal.symbol, signal.key.sort_key))

    def update(self, before: Signal, after: Signal) -> bool:
        require_update(before, after)
        stored = self.stored.get(before.signal_id)
        if stored is None or (stored.status, stored.revision) != (before.status, before.revision):
            return False
        self.stored[before.signal_id] = after
        return True

    def feed(self, query: FeedQuery) -> Page:
        scope = f"{query.symbol or ''}|{query.status or ''}"
        position = None if query.cursor is None else self._cursors.read(query.cursor, scope)
        found = [
            signal
            for signal in self._newest_first()
            if query.since <= signal.created_at < query.until
            and (position is None or signal.key.sort_key < position)
            and query.symbol in (None, signal.symbol)
            and query.status in (None, signal.status)
            and not hidden(signal, query.visible_at)
        ]
        page = found[: query.limit]
        more = len(found) > query.limit
        return Page(page, self._cursors.write(page[-1].key.sort_key, scope) if more else None)

    def _newest_first(self) -> list[Signal]:
        return sorted(self.stored.values(), key=lambda signal: signal.key.sort_key, reverse=True)


class InMemorySuppressions:
    """`ports.SuppressionRepository`."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, str], Suppression] = {}

    def add(self, suppression: Suppression) -> bool:
        return _add(self.stored, (suppression.key.sort_key, str(suppression.reason)), suppression)

    def of_symbol(self, symbol: str, limit: int) -> list[Suppression]:
        _require_limit(limit)
        newest_first = [self.stored[key] for key in sorted(self.stored, reverse=True)]
        return [each for each in newest_first if each.symbol == symbol][:limit]


class InMemoryCandles:
    """`ports.CandleStore`. Of two candles of one time the one with the greater volume counts."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, str, int, str, int], Candle] = {}

    def load(  # noqa: PLR0917 - the port's own
        self, exchange: str, timeframe: Timeframe, bucket: int, symbols: Sequence[str], first_open: int, last_open: int
    ) -> CandleGrid:
        columns: dict[str, list[Candle]] = {symbol: [] for symbol in symbols}
        for (*series, symbol, time), candle in self.stored.items():
            if series == [exchange, timeframe, bucket] and symbol in columns and first_open <= time <= last_open:
                columns[symbol].append(candle)
        return CandleGrid.from_columns(exchange, timeframe, columns, first_open, last_open)

    def save(self, grid: CandleGrid, bucket: int) -> None:
        for symbol in grid.symbols:
            for candle in grid.column(symbol):
                key = (grid.exchange, str(grid.timeframe), bucket, symbol, candle.time)
                if key not in self.stored or candle.volume > self.stored[key].volume:
                    self.stored[key] = candle


class InMemoryPriceFrames:
    """`ports.PriceFrameStore`."""

    def __init__(self) -> None:
        self.stored: dict[tuple[int, datetime], PriceFrame] = {}

    def save(self, frame: PriceFrame) -> None:
        if not frame.prices:
            return
        key = (frame.bucket, frame.as_of)
        prices = dict(self.stored[key].prices) if key in self.stored else {}
        for symbol, price in frame.prices.items():
            if symbol not in prices or price.time >= prices[symbol].time:
                prices[symbol] = price
        self.stored[key] = replace(frame, prices=prices)

    def latest(self, bucket: int) -> PriceFrame | None:
        newest = max((key for key in self.stored if key[0] == bucket), default=None)
        return None if newest is None else self.stored[newest]

    def before(self, bucket: int, moment: datetime, count: int) -> list[PriceFrame]:
        cycles = sorted((key for key in self.stored if key[0] == bucket and key[1] < moment), reverse=True)
        return [self.stored[key] for key in cycles[:count]]


class InMemoryPriceHistory:
    """`ports.PriceHistory`."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, int], str] = {}

    def append(self, signal_id: str, revision: int, record: Mapping[str, Any]) -> bool:
        try:
            text = json.dumps(dict(record))
        except TypeError as e:
            raise InvalidValueError(f"stored records must be made of JSON's own types: {e}") from e
        return _add(self.stored, (signal_id, revision), text)

    def of_signal(self, signal_id: str) -> list[dict[str, Any]]:
        return [json.loads(self.stored[key]) for key in sorted(self.stored) if key[0] == signal_id]


class InMemoryUniverse:
    """`ports.UniverseRepository`."""

    def __init__(self, *versions: Universe) -> None:
        self.stored = {universe.since: universe for universe in versions}

    def current(self, at: datetime) -> Universe | None:
        newest = max((since for since in self.stored if since <= at), default=None)
        return None if newest is None else self.stored[newest]

    def add(self, universe: Universe) -> bool:
        return _add(self.stored, universe.since, universe)


class InMemoryTurns:
    """`ports.TurnRepository`."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, Timeframe], Turn] = {}

    def record(self, turn: Turn) -> None:
        if turn.job not in JOBS:
            raise InvalidValueError(f"job must be one of {', '.join(JOBS)}, was {turn.job!r}")
        key = (turn.job, Timeframe.of(turn.timeframe))
        if key not in self.stored or self.stored[key].as_of <= turn.as_of:
            self.stored[key] = turn

    def latest(self) -> list[Turn]:
        ordered = sorted(self.stored, key=lambda key: (key[0], key[1].milliseconds))
        return [self.stored[key] for key in ordered]


class InMemorySubscriptions:
    """`ports.SubscriptionRepository`."""

    def __init__(self, *subscriptions: Subscription) -> None:
        self.stored = {each.subscription_id: each for each in subscriptions}

    def matching(self, symbol: str) -> list[Subscription]:
        found = [each for each in self.stored.values() if not each.symbols or symbol in each.symbols]
        return sorted(found, key=lambda each: each.subscription_id)

    def put(self, subscription: Subscription) -> None:
        self.stored[subscription.subscription_id] = subscription


class InMemoryDeliveries:
    """`ports.DeliveryRepository`."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, str], Delivery] = {}

    def add(self, delivery: Delivery) -> bool:
        return _add(self.stored, (delivery.signal_id, delivery.delivery_id), delivery)

    def claim(self, signal_id: str, delivery_id: str, now: datetime) -> Delivery | None:
        stored = self.stored.get((signal_id, delivery_id))
        if stored is None:
            return None
        lapsed = stored.state is DeliveryState.CLAIMED and stored.lease_until is not None and stored.lease_until <= now
        if stored.state is not DeliveryState.QUEUED and not lapsed:
            return None
        claimed = replace(stored, state=DeliveryState.CLAIMED, lease_until=now + LEASE, attempts=stored.attempts + 1)
        self.stored[signal_id, delivery_id] = claimed
        return claimed

    def finish(self, delivery: Delivery, state: DeliveryState, now: datetime, **changes: Any) -> bool:
        require_outcome(state, changes)
        key = (delivery.signal_id, delivery.delivery_id)
        stored = self.stored.get(key)
        if stored is None or (stored.state, stored.attempts) != (DeliveryState.CLAIMED, delivery.attempts):
            return False
        accepted_at = now if state is DeliveryState.ACCEPTED else stored.accepted_at
        changes = {"reason": None} | changes
        self.stored[key] = replace(stored, state=state, lease_until=None, accepted_at=accepted_at, **changes)
        return True

    def of_signal(self, signal_id: str) -> list[Delivery]:
        return [self.stored[key] for key in sorted(self.stored) if key[0] == signal_id]


class InMemoryAccounts:
    """`ports.AccountRepository`."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.keys: dict[str, ApiKey] = {}

    def put(self, account: Account, key: ApiKey) -> None:
        self.accounts[account.account_id] = account
        self.keys[key.key_hash] = key

    def account(self, account_id: str) -> Account | None:
        return self.accounts.get(account_id)

    def key(self, key_hash: str) -> ApiKey | None:
        return self.keys.get(key_hash)


class InMemoryConnections:
    """`ports.ConnectionRepository`."""

    def __init__(self) -> None:
        self.stored: dict[str, tuple[str, Tier, datetime]] = {}

    def add(self, connection_id: str, account_id: str, tier: Tier, now: datetime) -> None:
        self.stored[connection_id] = (account_id, tier, now)

    def remove(self, connection_id: str) -> None:
        self.stored.pop(connection_id, None)


@dataclass
class RecordingPoster:
    """`ports.ConnectionPoster`: keeps what was posted, or raises `error`."""

    posted: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    error: Exception | None = None

    def post(self, connection_id: str, message: Mapping[str, Any]) -> None:
        if self.error is not None:
            raise self.error
        self.posted.append((connection_id, dict(message)))


@dataclass
class InMemoryQueue:
    """`ports.Queue`: keeps the bodies as their receiver would read them, or raises `error`."""

    bodies: list[dict[str, Any]] = field(default_factory=list)
    delays: list[int] = field(default_factory=list)
    error: Exception | None = None

    def send(self, bodies: Sequence[Mapping[str, Any]], delay_seconds: int = 0) -> None:
        if not 0 <= delay_seconds <= 900:
            raise InvalidValueError(f"delay_seconds must be 0 to 900, was {delay_seconds}")
        if self.error is not None:
            raise self.error
        self.bodies += [json.loads(json.dumps(body)) for body in bodies]
        self.delays += [delay_seconds] * len(bodies)


@dataclass
class RecordingSender:
    """`ports.ChannelSender`: keeps what was sent, or raises the next of `errors`."""

    sent: list[tuple[Message, str, str]] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)

    def send(self, message: Message, recipient: str, delivery_id: str) -> str:
        if self.errors:
            raise self.errors.pop(0)
        self.sent.append((message, recipient, delivery_id))
        return f"service-{len(self.sent)}"


@dataclass
class FakeExchange:
    """`ports.Exchange`: what it is told to answer.

    `candle_errors` raise for one symbol, `quote_error` and `market_error` for every call; `calls` lists what was asked.
    """

    exchange_id: str = "binance"
    listed: dict[str, Market] = field(default_factory=dict)
    stored: dict[str, list[Candle]] = field(default_factory=dict)
    quoted: dict[str, Quote] = field(default_factory=dict)
    candle_errors: dict[str, Exception] = field(default_factory=dict)
    quote_error: Exception | None = None
    market_error: Exception | None = None
    calls: list[tuple[Any, ...]] = field(default_factory=list)

    def markets(self) -> Mapping[str, Market]:
        self.calls.append(("markets",))
        if self.market_error is not None:
            raise self.market_error
        return self.listed

    def candles(self, symbol: str, timeframe: Timeframe, since: int, limit: int) -> list[Candle]:
        self.calls.append(("candles", symbol, timeframe, since, limit))
        if symbol in self.candle_errors:
            raise self.candle_errors[symbol]
        return [candle for candle in self.stored.get(symbol, []) if candle.time >= since][:limit]

    def quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        self.calls.append(("quotes", *symbols))
        if self.quote_error is not None:
            raise self.quote_error
        return {symbol: self.quoted[symbol] for symbol in symbols if symbol in self.quoted}


def same_grid(one: CandleGrid, other: CandleGrid) -> bool:
    """Whether two grids hold the same candles, holes included, to the last bit of each number."""
    return (one.exchange, one.timeframe, one.symbols) == (other.exchange, other.timeframe, other.symbols) and all(
        np.array_equal(getattr(one, name), getattr(other, name), equal_nan=name != "times")
        for name in ("times", *COLUMNS)
    )


def _add(stored: dict[Key, Value], key: Key, value: Value) -> bool:
    if key in stored:
        return False
    stored[key] = value
    return True


def _require_limit(limit: int) -> None:
    if limit < 1:
        raise InvalidValueError(f"limit must be at least 1, was {limit}")
