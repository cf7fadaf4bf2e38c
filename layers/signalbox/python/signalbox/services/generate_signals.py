"""Generate the signals of one shard for one turn: candles, strategies, selection, and what is kept of it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from signalbox.domain.instants import to_iso, to_ms
from signalbox.domain.market.candles import CandleGrid
from signalbox.domain.market.data_revision import revised
from signalbox.domain.market.health import Health, Refusals, inspect, keep
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.candidate import Candidate
from signalbox.domain.signals.generation import find_candidates
from signalbox.domain.signals.selection import DEFAULT_RULES, SelectionRules, Suppressed, select
from signalbox.domain.signals.signal import Origin, Signal, Status
from signalbox.domain.signals.suppression import Suppression, SuppressionReason
from signalbox.domain.strategies.base import HOUSE_GEOMETRY
from signalbox.domain.universe.shards import Shard
from signalbox.ports.market import CandleStore, Exchange
from signalbox.ports.signals import SignalRepository, SuppressionRepository
from signalbox.services.candles import CandleUpdate, update_candles

ANY_STRATEGY = "any"

Then = Callable[[CandleGrid], None]
"""What else wants to see a turn: the closed candles of its healthy symbols."""


@dataclass(frozen=True, slots=True)
class GenerationReport:
    """What one shard gave. `duplicates` were there already: the message had been handled before.

    `data_revisions` are stored candles that the exchange changed since, seen now.
    """

    symbols: int
    candles: int
    candidates: int
    signals: int
    duplicates: int
    suppressions: int
    data_revisions: int


@dataclass(frozen=True, slots=True)
class Provenance:
    """What every record says of its own making."""

    origin: Origin
    code_version: str


def generate_signals(
    shard: Shard,
    *,
    exchange: Exchange,
    candles: CandleStore,
    signals: SignalRepository,
    suppressions: SuppressionRepository,
    now: datetime,
    warm_up_candles: int,
    grace_seconds: int,
    provenance: Provenance,
    rules: SelectionRules = DEFAULT_RULES,
    then: Then | None = None,
) -> GenerationReport:
    """Store the signals and suppressions that the candle which closed at `shard.as_of` gives.

    The same message gives the same records: they are keyed by the candle's close, and what is there stays. `then` is
    called last.

    Raises
    ------
    TransientError
        If the exchange failed for the whole shard, or storage did.
    """
    last_open = shard.timeframe.floor(to_ms(shard.as_of)) - shard.timeframe.milliseconds
    update = _updated(shard, last_open, warm_up_candles, exchange, candles)
    check = partial(inspect, now_ms=to_ms(now), grace_ms=grace_seconds * 1000, expected_last_open=last_open)
    known, healthy, unhealthy = _checked(update.grid, check, shard, candles)
    refusals = {**unhealthy, **update.refusals}
    grid = keep(known, [symbol for symbol in healthy if symbol not in refusals])
    steps = {symbol: market.price_step for symbol, market in exchange.markets().items()}
    candidates = find_candidates(grid, price_steps=steps) if grid.symbols else []
    recent = _recent(signals, candidates, shard, rules)
    chosen, lost = select(candidates, recent, rules)
    chosen, stale = _in_time(chosen, shard, now, grace_seconds, signals)
    added = [signals.add(publish(candidate, now, provenance)) for candidate in chosen]
    records = [*_refused(refusals, shard, provenance), *(_suppressed(item, provenance) for item in (*lost, *stale))]
    suppressed = sum([suppressions.add(record) for record in records])
    if then is not None:
        then(grid)
    return GenerationReport(
        symbols=len(shard.symbols),
        candles=update.fetched,
        candidates=len(candidates),
        signals=sum(added),
        duplicates=len(added) - sum(added),
        suppressions=suppressed,
        data_revisions=update.data_revisions,
    )


def _updated(
    shard: Shard, last_open: int, warm_up_candles: int, exchange: Exchange, store: CandleStore
) -> CandleUpdate:
    """Return the window of candles that ends with the turn's own."""
    return update_candles(
        shard.symbols,
        timeframe=shard.timeframe,
        bucket=shard.bucket,
        first_open=last_open - (warm_up_candles - 1) * shard.timeframe.milliseconds,
        last_open=last_open,
        exchange=exchange,
        store=store,
    )


def publish(candidate: Candidate, now: datetime, provenance: Provenance) -> Signal:
    """Return the signal that a chosen candidate becomes when it is committed at `now`."""
    return Signal(
        symbol=candidate.symbol,
        exchange=candidate.exchange,
        timeframe=candidate.timeframe,
        strategy=candidate.strategy,
        strategy_version=candidate.strategy_version,
        signal_type=candidate.signal_type,
        levels=candidate.placed,
        created_at=candidate.created_at,
        published_at=now,
        expires_at=candidate.expires_at,
        quality_score=candidate.quality_score,
        quality_parts=candidate.quality_parts,
        confidence=None,
        regime=candidate.regime,
        reasons=candidate.reasons,
        summary=candidate.summary,
        features=candidate.features,
        feature_version=candidate.feature_version,
        origin=provenance.origin,
        code_version=provenance.code_version,
    )


def _checked(
    grid: CandleGrid, check: Callable[[CandleGrid], Health], shard: Shard, candles: CandleStore
) -> tuple[CandleGrid, tuple[str, ...], Refusals]:
    """Return the grid as it was known at the turn, its healthy symbols, and why the others are not.

    Where stored candles cannot be believed, what earlier turns saw the exchange correct stands in for them.
    """
    healthy, refusals = check(grid)
    disbelieved = (SuppressionReason.BAD_DATA, SuppressionReason.HALTED)
    bad = [symbol for symbol, (reason, _) in refusals.items() if reason in disbelieved]
    found = [each for symbol in bad for each in candles.revisions_of(shard.exchange, shard.timeframe, symbol)]
    earlier = [each for each in found if each.seen_at < to_ms(shard.as_of)]
    if not earlier:
        return grid, healthy, refusals
    known = revised(grid, earlier)
    return known, *check(known)


def _recent(
    signals: SignalRepository, candidates: Iterable[Candidate], shard: Shard, rules: SelectionRules
) -> list[Signal]:
    """Return what `select` looks at of the candidates' symbols as it stood at the turn, so that a message handled late
    or again decides as it would have decided then, whatever was published since.

    The open ones are asked for beside those of the span: one that ran out may wait for its ending for any time.
    """
    symbols = dict.fromkeys(candidate.symbol for candidate in candidates)
    since = shard.as_of - reach(shard.timeframe, rules)
    created = [signal for symbol in symbols for signal in signals.of_symbol(symbol, since, shard.as_of)]
    known = {signal.signal_id: signal for signal in (*signals.open_of(symbols), *created)}
    return [as_it_stood(signal, shard.as_of) for signal in known.values() if signal.created_at < shard.as_of]


def reach(timeframe: Timeframe, rules: SelectionRules) -> timedelta:
    """Return how long after its creation a signal may still be open, or its strategy rest: a life and a cool-down."""
    rest = timedelta(milliseconds=rules.cool_down_candles * timeframe.milliseconds)
    return HOUSE_GEOMETRY.life(timeframe) + rest


def as_it_stood(signal: Signal, as_of: datetime) -> Signal:
    """Return the signal as the turn of `as_of` finds it: an ending by a candle that closes at `as_of` is not known yet,
    whichever of that moment's generating and re-pricing comes first."""
    if signal.ending is not None and signal.ending.ended_at >= as_of:
        return replace(signal, status=Status.OPEN, ending=None)
    return signal


def _in_time(
    chosen: list[Candidate], shard: Shard, now: datetime, grace_seconds: int, signals: SignalRepository
) -> tuple[list[Candidate], list[Suppressed]]:
    """Split the chosen into what may be sent and what comes too late: once the next candle is closed, theirs is stale.

    What was stored when the same message came before is sent already, and stays so.
    """
    next_close = shard.as_of + timedelta(milliseconds=shard.timeframe.milliseconds)
    latest = next_close + timedelta(seconds=grace_seconds)
    if now <= latest:
        return chosen, []
    symbols = dict.fromkeys(candidate.symbol for candidate in chosen)
    sent = {signal.key for symbol in symbols for signal in signals.of_symbol(symbol, shard.as_of, next_close)}
    detail = f"must be sent by {to_iso(latest)}, when the next candle is closed, was handled at {to_iso(now)}"
    late = [Suppressed(each, SuppressionReason.STALE, detail) for each in chosen if each.key not in sent]
    return [candidate for candidate in chosen if candidate.key in sent], late


def _refused(
    refusals: dict[str, tuple[SuppressionReason, str]], shard: Shard, provenance: Provenance
) -> Iterable[Suppression]:
    for symbol, (reason, detail) in refusals.items():
        yield Suppression(
            symbol=symbol,
            exchange=shard.exchange,
            timeframe=shard.timeframe,
            strategy=ANY_STRATEGY,
            created_at=shard.as_of,
            reason=reason,
            detail=detail,
            origin=provenance.origin,
        )


def _suppressed(item: Suppressed, provenance: Provenance) -> Suppression:
    candidate = item.candidate
    return Suppression(
        symbol=candidate.symbol,
        exchange=candidate.exchange,
        timeframe=candidate.timeframe,
        strategy=candidate.strategy,
        created_at=candidate.created_at,
        reason=item.reason,
        detail=item.detail,
        origin=provenance.origin,
        signal_type=candidate.signal_type,
        levels=candidate.levels,
        expires_at=candidate.expires_at,
        quality_score=candidate.quality_score,
        features=candidate.features,
        feature_version=candidate.feature_version,
    )
