"""Keep the history of candles: check the last day again, then pack what is old enough."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from signalbox.domain.errors import SignalboxError
from signalbox.domain.instants import to_ms
from signalbox.domain.market.packing import BLOCK_CANDLES, HOT_CANDLES, packed_upto
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.universe.universe import Universe
from signalbox.ports.market import CandleCompactor, CandleStore, Exchange
from signalbox.services.candles import CandleUpdate, update_candles

DAY_MS = Timeframe.D1.milliseconds
MOST_NIGHTS = 4
"""Nights on which a candle that lacks keeps later ones from being packed while the exchange says nothing of it."""


@dataclass(frozen=True, slots=True)
class CompactionReport:
    """What one night did.

    `fetched` are candles that the last day lacked, `data_revisions` stored ones that an exchange changed, `chunks` and
    `frames` what was packed into and out of. `unheard` are symbols that the exchange failed to answer for and that lack
    a candle, whose series were packed only until there. `failed` are series (exchange, timeframe, bucket) left for the
    next run.
    """

    series: int
    fetched: int
    data_revisions: int
    gaps: int
    chunks: int
    frames: int
    unheard: int
    failed: int


def compact_candles(
    universe: Universe,
    *,
    exchanges: Sequence[Exchange],
    timeframes: Sequence[Timeframe],
    store: CandleStore,
    compactor: CandleCompactor,
    now: datetime,
) -> CompactionReport:
    """Check the last day of the watched symbols' candles against their home exchanges, and pack every member's that are
    no longer hot.

    What fails for one series leaves the others alone. Done twice, it leaves what once leaves. The series begin at
    another one each day, so that none is always the last to be done in a function's time.
    """
    homes = {exchange.exchange_id: exchange for exchange in exchanges}
    series = _rotated(sorted(_series(universe, timeframes).items()), to_ms(now) // DAY_MS)
    watched = {member.symbol for member in universe.watched}
    counts: Counter[str] = Counter()
    for (exchange_id, timeframe, bucket), symbols in series:
        counts["series"] += 1
        upto = packed_upto(timeframe, to_ms(now))
        try:
            if exchange_id in homes and watched.intersection(symbols):
                update = _check(
                    sorted(watched.intersection(symbols)),
                    timeframe=timeframe,
                    bucket=bucket,
                    exchange=homes[exchange_id],
                    store=store,
                    packed=compactor.packed_upto(exchange_id, timeframe, bucket),
                    now_ms=to_ms(now),
                )
                counts.update(fetched=update.fetched, data_revisions=update.data_revisions, gaps=update.gaps)
                counts["unheard"] += len(update.unheard)
                upto = min([upto, *(lacks - timeframe.milliseconds for lacks in update.unheard.values())])
            packed = compactor.compact(exchange_id, timeframe, bucket, symbols, upto)
        except SignalboxError:
            counts["failed"] += 1
            continue
        counts.update(chunks=packed.chunks, frames=packed.frames, data_revisions=packed.data_revisions)
    return CompactionReport(**{name: counts[name] for name in CompactionReport.__dataclass_fields__})


def _check(
    symbols: Sequence[str],
    *,
    timeframe: Timeframe,
    bucket: int,
    exchange: Exchange,
    store: CandleStore,
    packed: int | None,
    now_ms: int,
) -> CandleUpdate:
    """Ask again for the last day, and for gaps in what is about to be packed: packed, a gap is genuine.

    `packed` is the last candle that was packed before (open time, epoch ms), and older where a night could not go on.
    """
    step = timeframe.milliseconds
    # One candle is left out: when the next one opens is the turn's business, and this may run between the two.
    last_open = timeframe.last_closed_open(now_ms) - step
    day = max(DAY_MS // step, 1)
    first_open = last_open - (day + HOT_CANDLES + BLOCK_CANDLES) * step
    if packed is not None:
        first_open = min(first_open, max(packed, first_open - (MOST_NIGHTS - 1) * day * step))
    return update_candles(
        symbols,
        timeframe=timeframe,
        bucket=bucket,
        first_open=first_open,
        last_open=last_open,
        exchange=exchange,
        store=store,
        check_from=last_open - (day - 1) * step,
    )


def _series(universe: Universe, timeframes: Iterable[Timeframe]) -> dict[tuple[str, Timeframe, int], tuple[str, ...]]:
    members: dict[tuple[str, int], list[str]] = defaultdict(list)
    for member in universe.members:
        members[member.exchange, member.bucket].append(member.symbol)
    return {
        (exchange, timeframe, bucket): tuple(sorted(symbols))
        for (exchange, bucket), symbols in members.items()
        for timeframe in timeframes
    }


def _rotated(
    series: list[tuple[tuple[str, Timeframe, int], tuple[str, ...]]], turn: int
) -> list[tuple[tuple[str, Timeframe, int], tuple[str, ...]]]:
    start = turn % len(series) if series else 0
    return series[start:] + series[:start]
