"""Re-price one shard for one cycle: every symbol's consensus price, and what it and the candles do to open signals."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from signalbox.domain.errors import SignalboxError
from signalbox.domain.instants import to_ms
from signalbox.domain.market.candles import Candle
from signalbox.domain.market.consensus import ConsensusPrice, PriceFrame, agree_all
from signalbox.domain.market.quotes import Quote
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.ending_record import ending_record
from signalbox.domain.signals.resolution import settle
from signalbox.domain.signals.revision import revise
from signalbox.domain.signals.signal import Signal
from signalbox.domain.universe.shards import Shard
from signalbox.ports.market import CandleStore, Exchange, PriceFrameStore
from signalbox.ports.signals import PriceHistory, SignalRepository
from signalbox.ports.work import UniverseRepository
from signalbox.services.candles import update_candles

PREVIOUS_CYCLES = 5
"""A price older than this many cycles is nothing to compare with any more."""

PATIENCE = timedelta(minutes=1)
"""How long a signal that ran out waits for its last candle to be confirmed: one cycle."""


class ChangeKind(StrEnum):
    """What changed about a signal."""

    FILL = "fill"
    REVISION = "revision"
    ENDING = "ending"


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a signal worth writing, and the record of it that its history keeps."""

    kind: ChangeKind
    after: Signal
    record: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class RepricingReport:
    """What one cycle did to one shard. `lost` are changes that another worker had made first."""

    symbols: int
    prices: int
    open_signals: int
    fills: int
    revisions: int
    endings: int
    lost: int
    silent_exchanges: int


def reprice_shard(
    shard: Shard,
    *,
    exchanges: Sequence[Exchange],
    candles: CandleStore,
    signals: SignalRepository,
    frames: PriceFrameStore,
    history: PriceHistory,
    universes: UniverseRepository,
    now: datetime,
    grace_seconds: int,
) -> RepricingReport:
    """Store the shard's price frame and bring each of its open signals up to `now`.

    Endings are settled by closed candles, so a cycle that was missed is caught up by the next; prices only revise.
    A signal is written when something about it changed, and its history keeps each change once.

    Raises
    ------
    TransientError
        If storage failed. An exchange that fails is left out of the consensus instead.
    """
    quotes = [_quotes(exchange, shard.symbols) for exchange in exchanges]
    prices = agree_all(
        [quote for found in quotes for quote in found or ()],
        now_ms=to_ms(now),
        previous=_previous_prices(shard, frames),
    )
    frames.save(PriceFrame(bucket=shard.bucket, as_of=shard.as_of, prices=prices))
    opened = signals.open_of(shard.symbols)
    evidence = _closed_candles(shard, opened, exchanges, candles, now - timedelta(seconds=grace_seconds))
    delisted = _delisted(universes, shard.as_of)
    changes: Counter[str] = Counter()
    for signal in opened:
        change = _advance(
            signal,
            evidence.get(signal.symbol, ()),
            prices.get(signal.symbol),
            timeframe=shard.timeframe,
            delisted_at=delisted.get(signal.symbol),
            now=now,
        )
        if change is not None:
            stored = _store(signal, change, signals, history)
            changes[change.kind if stored else "lost"] += 1
    return RepricingReport(
        symbols=len(shard.symbols),
        prices=len(prices),
        open_signals=len(opened),
        fills=changes[ChangeKind.FILL],
        revisions=changes[ChangeKind.REVISION],
        endings=changes[ChangeKind.ENDING],
        lost=changes["lost"],
        silent_exchanges=sum(found is None for found in quotes),
    )


def _quotes(exchange: Exchange, symbols: Sequence[str]) -> list[Quote] | None:
    try:
        return list(exchange.quotes(symbols).values())
    except SignalboxError:
        return None


def _previous_prices(shard: Shard, frames: PriceFrameStore) -> dict[str, ConsensusPrice]:
    """Return each symbol's last price of the last cycles: one that had none of late is still compared with its own."""
    merged: dict[str, ConsensusPrice] = {}
    for frame in reversed(frames.before(shard.bucket, shard.as_of, PREVIOUS_CYCLES)):
        merged.update(frame.prices)
    return merged


def _closed_candles(
    shard: Shard, opened: Sequence[Signal], exchanges: Sequence[Exchange], store: CandleStore, closed_by: datetime
) -> dict[str, list[Candle]]:
    """Return the candles that closed by `closed_by`, of each symbol with an open signal, since it was last checked."""
    home = next((exchange for exchange in exchanges if exchange.exchange_id == shard.exchange), None)
    symbols = sorted({signal.symbol for signal in opened})
    if not symbols or home is None:
        return {}
    last_open = shard.timeframe.last_closed_open(to_ms(closed_by))
    first_open = min(shard.timeframe.floor(to_ms(signal.checked_until or signal.published_at)) for signal in opened)
    if first_open > last_open:
        return {}
    try:
        update = update_candles(
            symbols,
            timeframe=shard.timeframe,
            bucket=shard.bucket,
            first_open=first_open,
            last_open=last_open,
            exchange=home,
            store=store,
        )
        grid = update.grid
    except SignalboxError:
        # The home exchange is down: what is stored settles what it can, and expiry waits for nobody.
        grid = store.load(shard.exchange, shard.timeframe, shard.bucket, symbols, first_open, last_open)
    return {symbol: grid.column(symbol) for symbol in symbols}


def _delisted(universes: UniverseRepository, at: datetime) -> Mapping[str, datetime]:
    universe = universes.current(at)
    if universe is None:
        return {}
    return {member.symbol: universe.since for member in universe.members if not member.listed}


def _advance(
    signal: Signal,
    candles: Sequence[Candle],
    price: ConsensusPrice | None,
    *,
    timeframe: Timeframe,
    delisted_at: datetime | None,
    now: datetime,
) -> Change | None:
    """Return what the closed candles, then the price, change about an open signal, or None.

    Candles that were checked without effect are not worth a write: the next cycle reads them again.
    """
    after = settle(
        signal, candles, timeframe=timeframe, now=now, delisted_at=delisted_at, last_price=price, patience=PATIENCE
    )
    if after.ending is not None:
        ended = replace(after, revision=signal.revision + 1)
        return Change(ChangeKind.ENDING, ended, ending_record(ended))
    revised = revise(after, price, atr=_range(signal), now=now) if price is not None else None
    if revised is not None:
        return Change(ChangeKind.REVISION, revised[0], revised[1].to_record())
    return Change(ChangeKind.FILL, after, None) if after.filled_price != signal.filled_price else None


def _range(signal: Signal) -> float | None:
    """The average true range when the signal was given, in quote currency."""
    percent = signal.features.get("atr_14_pct")
    return None if percent is None else percent / 100 * float(signal.levels.entry_price)


def _store(before: Signal, change: Change, signals: SignalRepository, history: PriceHistory) -> bool:
    if not signals.update(before, change.after):
        return False
    if change.record is not None:
        history.append(before.signal_id, change.after.revision, change.record)
    return True
