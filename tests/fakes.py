"""In-memory ports with the semantics of the real ones: tests/contracts runs the same tests over both."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

import numpy as np

from signalbox.adapters.storage.cursors import Cursors
from signalbox.adapters.storage.deliveries import require_outcome, require_settlement
from signalbox.adapters.storage.exchange_budgets import WINDOW_MS, refuse_banned, require_weight, spent_error
from signalbox.adapters.storage.feed import hidden, in_order
from signalbox.adapters.storage.publication import require_update
from signalbox.adapters.storage.turns import JOBS
from signalbox.domain.accounts.account import Account, ApiKey
from signalbox.domain.delivery.delivery import LEASE, NO_RECIPIENT, Delivery, DeliveryState, Subscription
from signalbox.domain.delivery.message import Envelope, Message, Outcome
from signalbox.domain.delivery.planning import due_partition
from signalbox.domain.errors import ChannelUnavailableError, InvalidValueError, RecipientRejectedError
from signalbox.domain.instants import from_ms, to_ms
from signalbox.domain.market.candles import COLUMNS, Candle, CandleGrid
from signalbox.domain.market.consensus import ConsensusPrice, PriceFrame
from signalbox.domain.market.data_revision import DataRevision
from signalbox.domain.market.gaps import MOST_ATTEMPTS, Gap, StoredCandles
from signalbox.domain.market.quotes import Quote
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.sentiment.aggregation import SentimentAggregate
from signalbox.domain.sentiment.fear_greed import FearGreed
from signalbox.domain.sentiment.items import NewsItem, ScoredItem
from signalbox.domain.signals.identity import decode
from signalbox.domain.signals.signal import Signal, Status
from signalbox.domain.signals.suppression import Suppression
from signalbox.domain.universe.universe import Universe
from signalbox.ports.market import Compaction, Market
from signalbox.ports.sentiment import FeedState, Reading
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
        position = None if query.cursor is None else self._cursors.read(query.cursor, query.scope)
        found = [
            (key, signal)
            for key, signal in in_order(self.stored.values(), query)
            if (position is None or (key < position if query.descending else key > position))
            and not hidden(signal, query.visible_at)
        ]
        page = found[: query.limit]
        more = len(found) > query.limit
        return Page([signal for _, signal in page], self._cursors.write(page[-1][0], query.scope) if more else None)

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
        self.gaps: dict[tuple[str, str, int, str, int], Gap] = {}
        self.revisions: dict[tuple[str, str, str], list[DataRevision]] = {}
        self.packed: dict[tuple[str, str, int], int] = {}

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

    def read(  # noqa: PLR0917 - the port's own
        self, exchange: str, timeframe: Timeframe, bucket: int, symbols: Sequence[str], first_open: int, last_open: int
    ) -> StoredCandles:
        grid = self.load(exchange, timeframe, bucket, symbols, first_open, last_open)
        found = [
            gap
            for (*series, symbol, end), gap in self.gaps.items()
            if series == [exchange, timeframe, bucket] and symbol in symbols and first_open <= end <= last_open
        ]
        return StoredCandles(grid, (*found, *self._packed_gaps(grid, bucket)))

    def note_gaps(self, exchange: str, timeframe: Timeframe, bucket: int, gaps: Sequence[Gap]) -> None:
        for gap in gaps:
            key = (exchange, str(timeframe), bucket, gap.symbol, gap.last_open)
            known = self.gaps.get(key)
            if known is None or known.asked_at < gap.asked_at:
                self.gaps[key] = replace(gap, attempts=known.attempts + 1 if known else 1)

    def add_revisions(self, exchange: str, timeframe: Timeframe, revisions: Sequence[DataRevision]) -> int:
        added = 0
        for revision in revisions:
            known = self.revisions.setdefault((exchange, str(timeframe), revision.symbol), [])
            if all((each.stored, each.came) != (revision.stored, revision.came) for each in known):
                known.append(revision)
                added += 1
        return added

    def revisions_of(self, exchange: str, timeframe: Timeframe, symbol: str) -> list[DataRevision]:
        found = self.revisions.get((exchange, str(timeframe), symbol), [])
        return sorted(found, key=lambda revision: (revision.stored.time, revision.seen_at))

    def compact(
        self, exchange: str, timeframe: Timeframe, bucket: int, symbols: Sequence[str], upto: int
    ) -> Compaction:
        """`ports.CandleCompactor`: nothing to pack, only the mark until which gaps are genuine."""
        series = (exchange, str(timeframe), bucket)
        before = self.packed.get(series, -1)
        times = {key[4] for key in self.stored if key[:3] == series and before < key[4] <= upto}
        self.packed[series] = max(before, upto)
        return Compaction(chunks=len(symbols) if times else 0, frames=len(times))

    def _packed_gaps(self, grid: CandleGrid, bucket: int) -> list[Gap]:
        upto = self.packed.get((grid.exchange, str(grid.timeframe), bucket), -1)
        found = []
        for column, symbol in enumerate(grid.symbols):
            series = (grid.exchange, str(grid.timeframe), bucket, symbol)
            times = [key[4] for key in self.stored if key[:4] == series and key[4] <= upto]
            for row in np.flatnonzero(~grid.present[:, column]):
                time = int(grid.times[row])
                if times and min(times) < time < max(times):
                    found.append(Gap(symbol, time, time, MOST_ATTEMPTS, 0))
        return found


class InMemoryExchangeBudgets:
    """`ports.ExchangeBudgets`; `reservations` lists what was asked for."""

    def __init__(self) -> None:
        self.windows: dict[str, tuple[int, int]] = {}
        self.bans: dict[str, int] = {}
        self.reservations: list[tuple[str, int]] = []

    def reserve(self, exchange_id: str, weight: int, limit: int, now: datetime) -> None:
        require_weight(weight, limit)
        self.reservations.append((exchange_id, weight))
        refuse_banned(exchange_id, self.bans.get(exchange_id), to_ms(now))
        asked = to_ms(now) - to_ms(now) % WINDOW_MS
        window, spent = self.windows.get(exchange_id, (asked, 0))
        if window < asked:
            window, spent = asked, 0
        if spent + weight > limit:
            raise spent_error(exchange_id, weight, spent, limit, window + WINDOW_MS - to_ms(now))
        self.windows[exchange_id] = (window, spent + weight)

    def ban(self, exchange_id: str, until: datetime) -> None:
        self.bans[exchange_id] = max(to_ms(until), self.bans.get(exchange_id, 0))

    def banned_until(self, exchange_id: str) -> datetime | None:
        return from_ms(self.bans[exchange_id]) if exchange_id in self.bans else None


class InMemoryNews:
    """`ports.NewsRepository`."""

    def __init__(self) -> None:
        self.stored: dict[str, ScoredItem] = {}
        self.states: dict[str, FeedState] = {}

    def add(self, items: Iterable[ScoredItem]) -> int:
        return sum(_add(self.stored, item.item_id, item) for item in {each.item_id: each for each in items}.values())

    def published(self, after: datetime, until: datetime) -> list[ScoredItem]:
        found = [item for item in self.stored.values() if after < item.time <= until]
        return sorted(found, key=lambda item: item.time)

    def feed_state(self, source: str) -> FeedState | None:
        return self.states.get(source)

    def keep_feed_state(self, source: str, state: FeedState) -> None:
        self.states[source] = state


class InMemorySentiment:
    """`ports.SentimentRepository`."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, Timeframe, datetime], SentimentAggregate] = {}
        self.index: dict[datetime, FearGreed] = {}

    def add(self, aggregate: SentimentAggregate) -> bool:
        return _add(self.stored, (aggregate.asset, aggregate.timeframe, aggregate.created_at), aggregate)

    def between(
        self, asset: str, timeframe: Timeframe, since: datetime, until: datetime, limit: int
    ) -> list[SentimentAggregate]:
        _require_limit(limit)
        of_series = [each for each in self.stored.values() if (each.asset, each.timeframe) == (asset, timeframe)]
        found = [each for each in of_series if since <= each.created_at < until]
        return sorted(found, key=lambda each: each.created_at, reverse=True)[:limit]

    def add_index(self, value: FearGreed) -> bool:
        return _add(self.index, value.time, value)

    def index_between(self, since: datetime, until: datetime, limit: int) -> list[FearGreed]:
        _require_limit(limit)
        return [self.index[time] for time in sorted(self.index, reverse=True) if since <= time < until][:limit]


@dataclass
class FakeNewsSource:
    """`ports.NewsSource` that answers what it was given; an error is raised. `asked` lists the states it was shown."""

    source: str = "wire"
    weight: float = 1.0
    items: list[NewsItem] = field(default_factory=list)
    state: FeedState | None = None
    flaw: str = ""
    error: Exception | None = None
    asked: list[FeedState | None] = field(default_factory=list)

    def read(self, state: FeedState | None) -> Reading:
        self.asked.append(state)
        if self.error:
            raise self.error
        return Reading(self.items, self.state, self.flaw)


class InMemoryPriceFrames:
    """`ports.PriceFrameStore`: each shard's part of a bucket's cycle on its own, merged when read."""

    def __init__(self) -> None:
        self.stored: dict[tuple[int, datetime], dict[frozenset[str], PriceFrame]] = {}

    def save(self, frame: PriceFrame) -> bool:
        if not frame.prices:
            return True
        parts = self.stored.setdefault((frame.bucket, frame.as_of), {})
        part = frozenset(frame.asked or frame.prices)
        if part in parts and parts[part].newest > frame.newest:
            return False
        parts[part] = frame
        return True

    def latest(self, bucket: int) -> PriceFrame | None:
        newest = max((key for key in self.stored if key[0] == bucket), default=None)
        return None if newest is None else self._merged(newest)

    def before(self, bucket: int, moment: datetime, count: int) -> list[PriceFrame]:
        cycles = sorted((key for key in self.stored if key[0] == bucket and key[1] < moment), reverse=True)
        return [self._merged(key) for key in cycles[:count]]

    def _merged(self, key: tuple[int, datetime]) -> PriceFrame:
        prices: dict[str, ConsensusPrice] = {}
        silent: dict[str, str] = {}
        settled: dict[str, int] = {}
        for part in self.stored[key].values():
            silent |= part.silent
            settled |= part.settled
            for symbol, price in part.prices.items():
                if symbol not in prices or price.time > prices[symbol].time:
                    prices[symbol] = price
        return PriceFrame(*key, prices, silent, settled=settled)


class InMemoryPriceHistory:
    """`ports.PriceHistory`."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, int], str] = {}

    def append(self, signal_id: str, revision: int, record: Mapping[str, Any]) -> bool:
        return _add(self.stored, (signal_id, revision), require_json(record))

    def of_signal(self, signal_id: str) -> list[dict[str, Any]]:
        return [json.loads(self.stored[key]) for key in sorted(self.stored) if key[0] == signal_id]


class InMemorySignalChanges:
    """`ports.SignalChanges` over the two fakes that it changes together."""

    def __init__(self, signals: InMemorySignals | None = None, history: InMemoryPriceHistory | None = None) -> None:
        self.signals = signals or InMemorySignals()
        self.history = history or InMemoryPriceHistory()

    def apply(self, before: Signal, after: Signal, record: Mapping[str, Any] | None = None) -> bool:
        if record is not None and (before.signal_id, after.revision) in self.history.stored:
            require_update(before, after)
            return False
        if record is not None:
            require_json(record)
        if not self.signals.update(before, after):
            return False
        return record is None or self.history.append(before.signal_id, after.revision, record)


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

    def of_account(self, account_id: str) -> list[Subscription]:
        return sorted(
            (each for each in self.stored.values() if each.account_id == account_id),
            key=lambda each: each.subscription_id,
        )

    def one(self, account_id: str, subscription_id: str) -> Subscription | None:
        found = self.stored.get(subscription_id)
        return found if found is not None and found.account_id == account_id else None

    def remove(self, account_id: str, subscription_id: str) -> bool:
        return self.one(account_id, subscription_id) is not None and bool(self.stored.pop(subscription_id))


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

    def one(self, signal_id: str, delivery_id: str) -> Delivery | None:
        return self.stored.get((signal_id, delivery_id))

    def due(self, partition: str, now: datetime, limit: int) -> list[Delivery]:
        waiting = [each for each in self.stored.values() if each.due_at is not None and each.due_at <= now]
        found = [each for each in waiting if due_partition(each.account_id) == partition]
        return sorted(found, key=lambda each: each.due_at or now)[:limit]

    def release(self, delivery: Delivery) -> bool:
        return self._while_waiting(delivery, due_at=None, wait=None)

    def defer(self, delivery: Delivery, until: datetime, wait: str) -> bool:
        return self._while_waiting(delivery, due_at=until, wait=wait)

    def of_service(self, service_id: str) -> list[Delivery]:
        return [each for each in self.stored.values() if each.service_id == service_id]

    def settle(self, delivery: Delivery, state: DeliveryState, reason: str | None = None) -> bool:
        require_settlement(state)
        key = (delivery.signal_id, delivery.delivery_id)
        known = self.stored[key].state
        late = state is DeliveryState.FAILED and known is DeliveryState.DELIVERED
        if known is not DeliveryState.ACCEPTED and not late:
            return False
        self.stored[key] = replace(self.stored[key], state=state, reason=reason)
        return True

    def of_account(
        self, account_id: str, since: datetime, until: datetime, limit: int, signal_id: str | None = None
    ) -> list[Delivery]:
        mine = [
            each
            for each in self.stored.values()
            if each.account_id == account_id and since <= each.queued_at < until and signal_id in (None, each.signal_id)
        ]
        return sorted(mine, key=lambda each: (each.queued_at, each.delivery_id), reverse=True)[:limit]

    def forget_recipient(self, account_id: str, limit: int) -> int:
        mine = [
            (key, each)
            for key, each in self.stored.items()
            if each.account_id == account_id and each.recipient != NO_RECIPIENT
        ][:limit]
        for key, each in mine:
            stopped: dict[str, Any] = {"state": DeliveryState.SUPPRESSED, "reason": "erased", "due_at": None}
            changes = stopped if each.state is DeliveryState.QUEUED else {}
            self.stored[key] = replace(each, recipient=NO_RECIPIENT, **changes)
        return len(mine)

    def _while_waiting(self, delivery: Delivery, **changes: Any) -> bool:
        stored = self.one(delivery.signal_id, delivery.delivery_id)
        if stored is None or stored.due_at is None or stored.due_at != delivery.due_at:
            return False
        self.stored[delivery.signal_id, delivery.delivery_id] = replace(stored, **changes)
        return True


class InMemoryAccounts:
    """`ports.AccountRepository`."""

    def __init__(self) -> None:
        self.claims: dict[str, str] = {}
        self.accounts: dict[str, Account] = {}
        self.keys: dict[str, ApiKey] = {}

    def put(self, account: Account, key: ApiKey) -> None:
        self.accounts[account.account_id] = account
        self.keys[key.key_hash] = key

    def account(self, account_id: str) -> Account | None:
        return self.accounts.get(account_id)

    def key(self, key_hash: str) -> ApiKey | None:
        return self.keys.get(key_hash)

    def put_account(self, account: Account) -> None:
        self.accounts[account.account_id] = account

    def put_key(self, key: ApiKey) -> None:
        self.keys[key.key_hash] = key

    def keys_of(self, account_id: str) -> list[ApiKey]:
        return sorted((key for key in self.keys.values() if key.account_id == account_id), key=lambda key: key.prefix)

    def remove_key(self, key_hash: str) -> None:
        self.keys.pop(key_hash, None)

    def claim_email(self, email: str, account_id: str) -> str:
        return self.claims.setdefault(email, account_id)

    def remove_account(self, account: Account) -> None:
        self.accounts.pop(account.account_id, None)
        self.claims.pop(account.email or "", None)


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
    """`ports.ChannelSender` and `ports.BatchSender`: keeps what was sent, or fails by the next of `errors`."""

    sent: list[tuple[Message, str, str]] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)

    def send(self, message: Message, recipient: str, delivery_id: str) -> str:
        if self.errors:
            raise self.errors.pop(0)
        self.sent.append((message, recipient, delivery_id))
        return f"service-{len(self.sent)}"

    def send_all(self, envelopes: Sequence[Envelope]) -> list[Outcome]:
        return [self._outcome(envelope) for envelope in envelopes]

    def _outcome(self, envelope: Envelope) -> Outcome:
        try:
            return self.send(envelope.message, envelope.recipient, envelope.delivery_id)
        except (ChannelUnavailableError, RecipientRejectedError) as e:
            return e


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


def require_json(record: Mapping[str, Any]) -> str:
    """The record as text; raises InvalidValueError if it is not made of JSON's own types."""
    try:
        return json.dumps(dict(record))
    except TypeError as e:
        raise InvalidValueError(f"stored records must be made of JSON's own types: {e}") from e


def _add(stored: dict[Key, Value], key: Key, value: Value) -> bool:
    if key in stored:
        return False
    stored[key] = value
    return True


def _require_limit(limit: int) -> None:
    if limit < 1:
        raise InvalidValueError(f"limit must be at least 1, was {limit}")
