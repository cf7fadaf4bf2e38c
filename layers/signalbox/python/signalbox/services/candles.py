"""Bring the stored candles of a shard up to the newest closed one, fetching only what is missing.

This is the one place that decides what an exchange is asked for: one query per symbol and turn, from the oldest candle
that is worth asking for. In the calm case that is the newest; a gap that is due again, and a re-check, begin earlier.
A symbol whose stored candles cannot be believed is asked for all of them, in case the exchange has corrected them.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from signalbox.domain.errors import ExchangeRefusedError, SignalboxError, TransientError, UnknownSymbolError
from signalbox.domain.market.candles import COLUMNS, BoolArray, Candle, CandleGrid
from signalbox.domain.market.data_revision import DataRevision
from signalbox.domain.market.gaps import Gap, StoredCandles, cells_of, holes, runs
from signalbox.domain.market.health import believed, clean_candles
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.barriers import is_price
from signalbox.domain.signals.suppression import SuppressionReason
from signalbox.ports.market import CandleStore, Exchange

Refusals = dict[str, tuple[SuppressionReason, str]]


@dataclass(frozen=True)
class CandleUpdate:
    """The candles of a shard up to its newest closed one.

    Attributes
    ----------
    grid : CandleGrid
        Stored and newly fetched candles of the span. A stored candle that the exchange changed since is as it was.
    fetched : int
        Candles that were new.
    refusals : mapping of str to (SuppressionReason, str)
        Symbols whose newest candle could not be had, with the reason.
    data_revisions : int
        Stored candles that the exchange changed, recorded now.
    gaps : int
        Gaps that the exchange was asked for and has nothing for.
    unheard : mapping of str to int
        Symbols that the exchange was asked about and said nothing of, and that lack a candle between others: the open
        time (epoch ms) of the first one that it may still have.
    """

    grid: CandleGrid
    fetched: int
    refusals: Mapping[str, tuple[SuppressionReason, str]]
    data_revisions: int = 0
    gaps: int = 0
    unheard: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Answers:
    """What the exchange said: candles by symbol, symbols without the newest candle, failures worth another try; and the
    symbols that it was asked about and has not said anything of."""

    unheard: set[str]
    candles: dict[str, Sequence[Candle]] = field(default_factory=dict)
    refusals: Refusals = field(default_factory=dict)
    failures: list[TransientError] = field(default_factory=list)


def update_candles(
    symbols: Sequence[str],
    *,
    timeframe: Timeframe,
    bucket: int,
    first_open: int,
    last_open: int,
    exchange: Exchange,
    store: CandleStore,
    check_from: int | None = None,
) -> CandleUpdate:
    """Return the candles of `symbols` from `first_open` to `last_open` (epoch ms, both included), storing new ones.

    A candle counts as closed only where the exchange already shows a later one, or that it trades the symbol no more;
    the caller has waited out the grace.
    What one symbol lacks never holds up another. From `check_from` (epoch ms) on, stored candles are asked for again.

    What comes and is no price is not stored: it is a gap. A stored candle that comes back changed stays as it is, and
    the change is recorded as a data revision; so is what came of a candle that another worker stored meanwhile.

    Raises
    ------
    TransientError
        If the exchange failed for every symbol that lacks its newest candle, or is to be checked: the whole shard is
        worth another try.
    """
    stored = store.read(exchange.exchange_id, timeframe, bucket, symbols, first_open, last_open)
    asked = _asked_from(stored, last_open, check_from)
    answers = _ask(exchange, stored.grid, asked, last_open, urgent=check_from is not None)
    if answers.failures and not answers.candles:
        raise answers.failures[0]
    fresh = _lay_out(answers.candles, stored.grid)
    added = fresh.present & ~stored.grid.present
    # Before new candles are stored: handled again after that, a message finds nothing lacking and asks for nothing.
    recorded = _record(stored.grid, fresh, store)
    merged = stored.grid
    if added.any():
        merged = _merge(stored.grid, store.save(_only(fresh, added), bucket))
        recorded += _record(merged, fresh, store)
    gaps = _unanswered(merged, stored.gaps, asked, answers.candles, last_open)
    if gaps:
        store.note_gaps(exchange.exchange_id, timeframe, bucket, gaps)
    return CandleUpdate(
        grid=merged,
        fetched=int(added.sum()),
        refusals=answers.refusals,
        data_revisions=recorded,
        gaps=len(gaps),
        unheard=_may_come(merged, stored.gaps, answers.unheard),
    )


def _asked_from(stored: StoredCandles, last_open: int, check_from: int | None) -> dict[str, int]:
    """Return for each symbol that the exchange must be asked for the open time from which on it must."""
    grid = stored.grid
    if not len(grid.times):
        return {}
    resting = cells_of((gap for gap in stored.gaps if gap.rests(last_open, grid.timeframe)), grid)
    later = np.logical_or.accumulate(grid.present[::-1], axis=0)[::-1]
    wanted = ~grid.present & ~(resting & later)
    if check_from is not None:
        wanted |= (grid.times >= check_from)[:, None]
    wanted[0] |= wanted.any(axis=0) & ~np.isin(grid.symbols, believed(grid))
    first = np.argmax(wanted, axis=0)
    return {symbol: int(grid.times[first[at]]) for at, symbol in enumerate(grid.symbols) if wanted[:, at].any()}


def _ask(exchange: Exchange, grid: CandleGrid, asked: Mapping[str, int], last_open: int, *, urgent: bool) -> _Answers:
    answers = _Answers(unheard=set(asked))
    for symbol, since in asked.items():
        lacks_last = not grid.present[-1, grid.symbols.index(symbol)]
        limit = (last_open - since) // grid.timeframe.milliseconds + 2
        refusal = None
        try:
            candles, _ = clean_candles(exchange.candles(symbol, grid.timeframe, since, limit))
            closed = _closed_before(candles, symbol, exchange, last_open)
        except UnknownSymbolError as e:
            answers.unheard.discard(symbol)
            refusal = (SuppressionReason.HALTED, str(e))
        except ExchangeRefusedError as e:
            refusal = (SuppressionReason.HALTED, str(e))
        except TransientError as e:
            if lacks_last or urgent:
                answers.failures.append(e)
            refusal = (SuppressionReason.STALE, str(e))
        except SignalboxError as e:
            refusal = (SuppressionReason.BAD_DATA, str(e))
        else:
            answers.unheard.discard(symbol)
            came = [candle for candle in candles if since <= candle.time < closed]
            answers.candles[symbol] = [candle for candle in came if _is_sound(candle)]
            if not candles or candles[-1].time <= last_open:
                refusal = (SuppressionReason.OPEN_CANDLE, "no later candle confirms that the last one closed")
            elif came and came[-1].time == last_open and not _is_sound(came[-1]):
                refusal = (SuppressionReason.BAD_DATA, f"the last candle is no price: {came[-1]}")
        if refusal is not None and lacks_last:
            answers.refusals[symbol] = refusal
    return answers


def _is_sound(candle: Candle) -> bool:
    """Return whether a candle may be stored; any other is a gap, which is asked for again."""
    return is_price(candle) and 0 <= candle.volume < math.inf


def _closed_before(candles: Sequence[Candle], symbol: str, exchange: Exchange, last_open: int) -> int:
    """Return the open time (epoch ms) before which an exchange's candles are closed for certain.

    The newest one that it shows is confirmed by none, and a late answer may hold half of it; unless it shows that it
    trades the symbol no more.
    """
    if not candles or candles[-1].time > last_open:
        return last_open + 1
    market = exchange.markets().get(symbol)
    return candles[-1].time + (market is not None and not market.active)


def _lay_out(candles: Mapping[str, Sequence[Candle]], grid: CandleGrid) -> CandleGrid:
    """Return the candles in the shape of `grid`."""
    if not len(grid.times):
        return grid
    columns = {symbol: candles.get(symbol, ()) for symbol in grid.symbols}
    return CandleGrid.from_columns(grid.exchange, grid.timeframe, columns, int(grid.times[0]), int(grid.times[-1]))


def _record(kept: CandleGrid, fresh: CandleGrid, store: CandleStore) -> int:
    """Record where the exchange now says something else than what is kept; return how often that is news."""
    seen_at = int(kept.times[-1]) + kept.timeframe.milliseconds if len(kept.times) else 0
    revisions = _revisions(kept, fresh, seen_at=seen_at)
    return store.add_revisions(kept.exchange, kept.timeframe, revisions) if revisions else 0


def _revisions(stored: CandleGrid, fresh: CandleGrid, seen_at: int) -> list[DataRevision]:
    both = stored.present & fresh.present
    same = np.ones_like(both)
    for name in COLUMNS:
        before, now = getattr(stored, name), getattr(fresh, name)
        same &= (before == now) | (np.isnan(before) & np.isnan(now))
    return [
        DataRevision(
            stored.symbols[column],
            stored=_candle(stored, row, column),
            came=_candle(fresh, row, column),
            seen_at=seen_at,
        )
        for row, column in np.argwhere(both & ~same).tolist()
    ]


def _candle(grid: CandleGrid, row: int, column: int) -> Candle:
    return Candle(int(grid.times[row]), *(float(getattr(grid, name)[row, column]) for name in COLUMNS))


def _only(grid: CandleGrid, cells: BoolArray) -> CandleGrid:
    """Return the rows and columns of `grid` that hold marked cells, with nothing else in them."""
    rows, columns = np.flatnonzero(cells.any(axis=1)), np.flatnonzero(cells.any(axis=0))
    span = slice(int(rows[0]), int(rows[-1]) + 1)
    marked = cells[span][:, columns]
    values = (np.where(marked, getattr(grid, name)[span][:, columns], np.nan) for name in COLUMNS)
    symbols = tuple(grid.symbols[column] for column in columns)
    return CandleGrid(grid.exchange, grid.timeframe, symbols, grid.times[span], *values)


def _merge(stored: CandleGrid, added: CandleGrid) -> CandleGrid:
    """Return `stored` with the candles of `added`, a part of it."""
    rows = np.searchsorted(stored.times, added.times).tolist()
    where = np.ix_(rows, [stored.symbols.index(symbol) for symbol in added.symbols])
    merged = [getattr(stored, name).copy() for name in COLUMNS]
    for column, name in zip(merged, COLUMNS, strict=True):
        column[where] = np.where(added.present, getattr(added, name), column[where])
    return CandleGrid(stored.exchange, stored.timeframe, stored.symbols, stored.times, *merged)


def _unanswered(
    grid: CandleGrid,
    known: Sequence[Gap],
    asked: Mapping[str, int],
    answers: Mapping[str, Sequence[Candle]],
    last_open: int,
) -> list[Gap]:
    """Return the gaps that were asked for and are gaps still, though the answer holds later candles."""
    left = holes(grid) & ~cells_of((gap for gap in known if gap.rests(last_open, grid.timeframe)), grid)
    before = {(gap.symbol, gap.last_open): gap for gap in known}
    found = []
    for column, symbol in enumerate(grid.symbols):
        answer = answers.get(symbol)
        for first, last in runs(left[:, column]) if answer else ():
            first_open, end = int(grid.times[first]), int(grid.times[last])
            if answer and asked[symbol] <= end < answer[-1].time:
                same = before.get((symbol, end))
                attempts = same.attempts if same else 0
                first_open = min(first_open, same.first_open) if same else first_open
                found.append(Gap(symbol, first_open, end, attempts + 1, asked_at=last_open))
    return found


def _may_come(grid: CandleGrid, known: Sequence[Gap], unheard: Iterable[str]) -> dict[str, int]:
    """Return the open time (epoch ms) of the first candle that each symbol lacks between others, unless it is known
    that the exchange has none."""
    lacks = holes(grid) & np.logical_or.accumulate(grid.present, axis=0)
    lacks &= ~cells_of((gap for gap in known if gap.genuine), grid)
    columns = {symbol: lacks[:, grid.symbols.index(symbol)] for symbol in unheard}
    return {symbol: int(grid.times[np.argmax(column)]) for symbol, column in columns.items() if column.any()}
