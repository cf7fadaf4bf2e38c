"""Re-price one shard for one cycle: every symbol's consensus price, and what it and the candles do to open signals."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any

from signalbox.domain.instants import to_ms
from signalbox.domain.market.consensus import ConsensusPrice, PriceFrame, agree_all
from signalbox.domain.signals.batch_revision import to_revise
from signalbox.domain.signals.ending_record import ending_record
from signalbox.domain.signals.revision import Revision, revise
from signalbox.domain.signals.signal import Signal
from signalbox.domain.universe.shards import Shard
from signalbox.ports.market import CandleStore, Exchange, PriceFrameStore
from signalbox.ports.signals import SignalChanges, SignalRepository
from signalbox.ports.work import UniverseRepository
from signalbox.services.quotes import QuoteRound, ask_all
from signalbox.services.settling import Settling

PREVIOUS_CYCLES = 5
"""A price older than this many cycles is nothing to compare with any more."""

CYCLE = timedelta(minutes=1)

LONGEST_DELAY = CYCLE + timedelta(seconds=30)
"""A message that is handled later than this after its `as_of` is dropped: a newer cycle's is on its way, and half a
minute is what planning and the queue may take."""

QUOTE_DEADLINE_SECONDS = 8.0
"""How long to wait for an exchange's quotes: three shards in a row still fit into the function's time."""


Prices = Mapping[str, ConsensusPrice]
Opened = Sequence[Signal]
Then = Callable[[Prices, Opened], None]
"""What else wants to see a cycle: its prices, and the signals that were open when it began."""

Ask = Callable[[Sequence[Exchange], Sequence[str]], QuoteRound]

ask_in_time: Ask = partial(ask_all, deadline_seconds=QUOTE_DEADLINE_SECONDS)


class ChangeKind(StrEnum):
    """What changed about a signal, as the report counts it."""

    FILL = "fills"
    REVISION = "revisions"
    ENDING = "endings"


LOST = "lost"
"""A change that another worker had made first."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a signal worth writing, and the record of it that its history keeps."""

    kind: ChangeKind
    after: Signal
    record: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class RepricingReport:
    """What one cycle did to one shard.

    `lost` are changes that another worker had made first. A message that is handled later than `LONGEST_DELAY` after
    its moment, or after a newer cycle was stored, is dropped and counted in `stale_messages`; one whose quotes were
    older than the stored ones of its own cycle in `stale_quotes`. `backlog_age_seconds` is how long after its moment
    the message was handled.
    """

    symbols: int
    backlog_age_seconds: float
    prices: int = 0
    open_signals: int = 0
    fills: int = 0
    revisions: int = 0
    endings: int = 0
    lost: int = 0
    silent_exchanges: int = 0
    stale_messages: int = 0
    stale_quotes: int = 0


def reprice_shard(
    shard: Shard,
    *,
    exchanges: Sequence[Exchange],
    candles: CandleStore,
    signals: SignalRepository,
    changes: SignalChanges,
    frames: PriceFrameStore,
    universes: UniverseRepository,
    now: datetime,
    grace_seconds: int,
    ask: Ask = ask_in_time,
    then: Then | None = None,
) -> RepricingReport:
    """Store the shard's price frame and bring each of its open signals up to `now`.

    Endings are settled by closed candles, so a cycle that was missed is caught up by the next; prices only revise.
    A signal is written when something about it changed, and its history keeps each change once. `then` is called last.

    Raises
    ------
    TransientError
        If storage failed. An exchange that fails is left out of the consensus instead.
    """
    report = RepricingReport(symbols=len(shard.symbols), backlog_age_seconds=(now - shard.as_of).total_seconds())
    known = frames.before(shard.bucket, shard.as_of + PREVIOUS_CYCLES * CYCLE, PREVIOUS_CYCLES + 2)
    if now - shard.as_of > LONGEST_DELAY or _is_overtaken(shard, known):
        return replace(report, stale_messages=1)
    frame = _agree(shard, known, ask(exchanges, shard.symbols), now)
    report = replace(report, prices=len(frame.prices), silent_exchanges=len(frame.silent))
    if not frames.save(frame):
        # Another worker holds newer quotes of this very cycle, and does the rest. If it dies, its message comes again
        # too late to count, and the next cycle catches up: endings by candles, revisions by the price there is then.
        return replace(report, stale_quotes=1)
    opened = signals.open_of(shard.symbols)
    closed_by = now - timedelta(seconds=grace_seconds)
    settling = Settling(shard, exchanges, candles, closed_by=closed_by, settled=frame.settled)
    done = _change_all(opened, (frame, *known), settling, gone=_gone(universes, shard.as_of), now=now, changes=changes)
    if settling.settled != frame.settled:
        frames.save(replace(frame, settled=settling.settled))
    if then is not None:
        then(frame.prices, opened)
    return replace(report, open_signals=len(opened), **done)


def _agree(shard: Shard, known: Sequence[PriceFrame], answers: QuoteRound, now: datetime) -> PriceFrame:
    """Return the shard's frame of this cycle: what its exchanges agree on, compared with the frames before it."""
    agreement = agree_all(answers.quotes, now_ms=to_ms(now), previous=_previous_prices(shard, known))
    return PriceFrame(
        bucket=shard.bucket,
        as_of=shard.as_of,
        prices=agreement.prices,
        silent=answers.silent,
        asked=shard.symbols,
        settled=_settled(shard, known),
        refused=agreement.refused,
    )


def _change_all(
    opened: Sequence[Signal],
    frames: Sequence[PriceFrame],
    settling: Settling,
    *,
    gone: Set[str],
    now: datetime,
    changes: SignalChanges,
) -> Counter[str]:
    """Bring every open signal up to `now`; return what the report counts of it. What another worker had changed first
    is lost, and the next cycle settles its symbol anew. The first of `frames` is this cycle's."""
    prices = frames[0].prices
    priced = [signal for signal in opened if signal.symbol in prices]
    asked = to_revise(priced, [prices[signal.symbol] for signal in priced], list(map(_range, priced)), now=now)
    revised = {signal.signal_id for signal in asked}
    evidence = settling.evidence(opened, now, gone=gone, revised=revised)
    done: Counter[str] = Counter()
    for signal in opened:
        after, candles_since = signal, evidence.get(signal.signal_id)
        if candles_since is not None:
            last_price = _price_by(signal.expires_at, signal.symbol, frames)
            after = settling.settle(signal, candles_since, gone=signal.symbol in gone, last_price=last_price, now=now)
        change = _change(signal, after, prices.get(signal.symbol) if signal.signal_id in revised else None, now)
        if change is None:
            continue
        stored = changes.apply(signal, change.after, change.record)
        done[change.kind if stored else LOST] += 1
        if not stored:
            settling.forget(signal.symbol)
    return done


def _is_overtaken(shard: Shard, known: Sequence[PriceFrame]) -> bool:
    """Return whether a newer cycle of any of these symbols is stored: older quotes must not act after newer ones."""
    newer = (frame for frame in known if frame.as_of > shard.as_of)
    return any(symbol in frame.prices for frame in newer for symbol in shard.symbols)


def _settled(shard: Shard, known: Sequence[PriceFrame]) -> dict[str, int]:
    """Return up to which moment the candles of the shard's symbols have settled its signals, by the newest frames."""
    settled: dict[str, int] = {}
    for frame in reversed(known):
        settled |= {symbol: until for symbol, until in frame.settled.items() if symbol in shard.symbols}
    return settled


def _previous_prices(shard: Shard, known: Sequence[PriceFrame]) -> dict[str, ConsensusPrice]:
    """Return each symbol's last price of the last cycles: one that had none of late is still compared with its own."""
    older = [frame for frame in known if frame.as_of < shard.as_of][:PREVIOUS_CYCLES]
    merged: dict[str, ConsensusPrice] = {}
    for frame in reversed(older):
        merged.update(frame.prices)
    return merged


def _price_by(moment: datetime, symbol: str, frames: Iterable[PriceFrame]) -> ConsensusPrice | None:
    """Return the newest known price of a symbol at or before `moment`."""
    prices = (frame.prices[symbol] for frame in frames if symbol in frame.prices)
    return max((price for price in prices if price.time <= to_ms(moment)), key=lambda price: price.time, default=None)


def _gone(universes: UniverseRepository, at: datetime) -> Set[str]:
    universe = universes.current(at)
    return {member.symbol for member in universe.members if not member.listed} if universe else set()


def _change(before: Signal, after: Signal, price: ConsensusPrice | None, now: datetime) -> Change | None:
    """Return what is worth writing of an open signal that its candles, if any, took from `before` to `after`, or None.

    `price` is given where it revises the signal. Candles that were checked without effect are not worth a write.
    """
    if after.ending is not None:
        ended = replace(after, revision=before.revision + 1)
        return Change(ChangeKind.ENDING, ended, ending_record(ended))
    revised = _revised(after, price, now)
    if revised is not None:
        return Change(ChangeKind.REVISION, revised[0], revised[1].to_record())
    return Change(ChangeKind.FILL, after, None) if after.filled_price != before.filled_price else None


def _revised(signal: Signal, price: ConsensusPrice | None, now: datetime) -> tuple[Signal, Revision] | None:
    return None if price is None else revise(signal, price, atr=_range(signal), now=now)


def _range(signal: Signal) -> float | None:
    """The average true range when the signal was given, in quote currency."""
    percent = signal.features.get("atr_14_pct")
    return None if percent is None else percent / 100 * float(signal.levels.entry_price)
