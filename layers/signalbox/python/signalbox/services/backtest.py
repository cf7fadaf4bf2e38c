"""Live through stored candles: the live path's own code, over a whole span at once.

Stages: every candle's candidates (`find_all`, the same rows that `find_candidates` gives turn by turn); each turn's
check of the data (`inspect`) over the live warm-up window; the ending of every candidate as if it had been published;
then, turn by turn, the selection among the signals as they stood. Candidates that lose keep their ending: it tells what
the filter that stopped them was worth.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby

import numpy as np

from signalbox.domain.instants import from_ms, to_ms
from signalbox.domain.market.candles import COLUMNS, CandleGrid
from signalbox.domain.market.health import inspect
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.batch_resolution import FinerCandlesOf, settle_many
from signalbox.domain.signals.candidate import Candidate
from signalbox.domain.signals.generation import find_all
from signalbox.domain.signals.identity import SignalKey
from signalbox.domain.signals.selection import SelectionRules, select
from signalbox.domain.signals.signal import Signal
from signalbox.domain.signals.suppression import SuppressionReason
from signalbox.domain.strategies.base import Strategy
from signalbox.services.generate_signals import Provenance, as_it_stood, publish, reach

Progress = Callable[[str, int, int], None]
"""(stage, done, of how many): called now and then."""

_DAY = Timeframe.D1.milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestSettings:
    """What the live system is told by its settings: the warm-up window, the grace, the numbers of the selection."""

    warm_up_candles: int = 300
    grace_seconds: int = 10
    rules: SelectionRules = field(default_factory=SelectionRules)


@dataclass(frozen=True, slots=True)
class BacktestRun:
    """What came of a span.

    Attributes
    ----------
    signals : list of Signal
        Those that were sent, by time; open where the candles end before they do.
    suppressed : list of (SuppressionReason, Signal)
        Those that were not, with the ending they would have had.
    refused : mapping of SuppressionReason to int
        Candidates of symbols whose data were refused at that turn.
    unplaced : int
        Candidates for which no levels could be placed.
    turns : int
        Closed candles lived through.
    """

    signals: list[Signal]
    suppressed: list[tuple[SuppressionReason, Signal]]
    refused: Mapping[SuppressionReason, int]
    unplaced: int
    turns: int


def backtest(
    grid: CandleGrid,
    *,
    price_steps: Mapping[str, Decimal],
    start: datetime,
    end: datetime,
    provenance: Provenance,
    settings: BacktestSettings | None = None,
    finer: FinerCandlesOf | None = None,
    strategies: Sequence[Strategy] | None = None,
    progress: Progress = lambda _stage, _done, _total: None,
) -> BacktestRun:
    """Return the signals that the house would have given from `start` (included) to `end` (excluded).

    Parameters
    ----------
    grid : CandleGrid
        Candles of the home exchange: from `warm_up_candles` before `start`, where there are, to one life after `end`.
    price_steps : mapping of str to Decimal
        Each symbol's smallest price difference.
    start, end : datetime
        Span of `created_at`.
    finer : callable, optional
        Gives finer candles for ties.
    strategies : sequence of Strategy, optional
        By default every registered one. They vote on each other and conflict, so fewer give other signals.
    """
    chosen = settings or BacktestSettings()
    progress("candidates", 0, 1)
    found = [
        candidate
        for candidate in find_all(grid, price_steps=price_steps, strategies=strategies)
        if start <= candidate.created_at < end
    ]
    progress("candidates", 1, 1)
    healthy, refused = _healthy(found, grid, chosen, progress)
    placed = [candidate for candidate in healthy if candidate.levels is not None]
    settled = _settled(placed, grid, chosen, provenance, finer, progress)
    signals, suppressed = _selected(placed, settled, chosen.rules, progress)
    opens = grid.times + grid.timeframe.milliseconds
    return BacktestRun(
        signals=signals,
        suppressed=suppressed,
        refused=refused,
        unplaced=len(healthy) - len(placed),
        turns=int(((opens >= to_ms(start)) & (opens < to_ms(end))).sum()),
    )


def _turns(candidates: Sequence[Candidate]) -> Iterator[tuple[datetime, list[Candidate]]]:
    for moment, group in groupby(candidates, key=lambda candidate: candidate.created_at):
        yield moment, list(group)


def _healthy(
    candidates: Sequence[Candidate], grid: CandleGrid, settings: BacktestSettings, progress: Progress
) -> tuple[list[Candidate], Counter[SuppressionReason]]:
    """Return the candidates of symbols that the live checks let through, and how many fell to which reason."""
    kept: list[Candidate] = []
    refused: Counter[SuppressionReason] = Counter()
    columns = {symbol: at for at, symbol in enumerate(grid.symbols)}
    present, step, grace = grid.present, grid.timeframe.milliseconds, settings.grace_seconds * 1000
    for moment, group in _turns(candidates):
        row = int((to_ms(moment) - step - grid.times[0]) // step)
        symbols = sorted({candidate.symbol for candidate in group})
        _, refusals = inspect(
            _window(grid, row, [columns[symbol] for symbol in symbols], settings.warm_up_candles),
            now_ms=to_ms(moment) + grace,
            grace_ms=grace,
            expected_last_open=int(grid.times[row]),
        )
        for candidate in group:
            confirmed = row + 1 < len(present) and present[row + 1, columns[candidate.symbol]]
            if not confirmed:
                refused[SuppressionReason.OPEN_CANDLE] += 1
            elif candidate.symbol in refusals:
                refused[refusals[candidate.symbol][0]] += 1
            else:
                kept.append(candidate)
        progress("checks of the data", len(kept) + refused.total(), len(candidates))
    return kept, refused


def _window(grid: CandleGrid, row: int, columns: Sequence[int], candles: int) -> CandleGrid:
    """Return the last `candles` rows up to `row` of some columns, with holes for what lies before the grid."""
    start = max(row + 1 - candles, 0)
    absent = candles - (row + 1 - start)
    step = grid.timeframe.milliseconds
    times = np.arange(grid.times[row] - (candles - 1) * step, grid.times[row] + 1, step, dtype=np.int64)
    holes = np.full((absent, len(columns)), np.nan)
    values = (np.concatenate([holes, getattr(grid, name)[start : row + 1, columns]]) for name in COLUMNS)
    symbols = tuple(grid.symbols[at] for at in columns)
    return CandleGrid(grid.exchange, grid.timeframe, symbols, times, *values)


def _settled(  # noqa: PLR0917 - private, and called once
    candidates: Sequence[Candidate],
    grid: CandleGrid,
    settings: BacktestSettings,
    provenance: Provenance,
    finer: FinerCandlesOf | None,
    progress: Progress,
) -> dict[SignalKey, Signal]:
    """Return every candidate as a signal with its ending, published one grace after its candle."""
    grace = timedelta(seconds=settings.grace_seconds)
    over = from_ms(grid.times[-1] + grid.timeframe.milliseconds)
    by_symbol: dict[str, list[Signal]] = defaultdict(list)
    for candidate in candidates:
        by_symbol[candidate.symbol].append(publish(candidate, candidate.created_at + grace, provenance))
    delisted = _delisted(grid)
    settled: dict[SignalKey, Signal] = {}
    for signals in by_symbol.values():
        ended = settle_many(signals, grid, now=over, finer=finer, delisted_at=delisted)
        settled.update((signal.key, signal) for signal in ended)
        progress("endings", len(settled), len(candidates))
    return settled


def _delisted(grid: CandleGrid) -> dict[str, datetime]:
    """Return when the symbols stopped trading whose candles end more than a day before the grid does."""
    ends = {}
    for at, symbol in enumerate(grid.symbols):
        rows = np.flatnonzero(grid.present[:, at])
        if len(rows) and grid.times[-1] - grid.times[rows[-1]] > _DAY:
            ends[symbol] = from_ms(grid.times[rows[-1]] + grid.timeframe.milliseconds)
    return ends


@dataclass(eq=False)
class _Recent:
    """One symbol's signals that the live service looks at: those of its reach, and any that has no ending."""

    signals: list[Signal] = field(default_factory=list)

    def at(self, moment: datetime, rules: SelectionRules) -> list[Signal]:
        """Return them as they stood at `moment`, which never goes back."""
        self.signals = [
            each
            for each in self.signals
            if each.ending is None or each.created_at >= moment - reach(each.timeframe, rules)
        ]
        return [as_it_stood(signal, moment) for signal in self.signals]


def _selected(
    candidates: Sequence[Candidate], settled: Mapping[SignalKey, Signal], rules: SelectionRules, progress: Progress
) -> tuple[list[Signal], list[tuple[SuppressionReason, Signal]]]:
    """Walk through the turns as the live service does, with what it would read of each symbol."""
    recent: dict[str, _Recent] = defaultdict(_Recent)
    signals: list[Signal] = []
    suppressed: list[tuple[SuppressionReason, Signal]] = []
    for moment, group in _turns(candidates):
        symbols = {candidate.symbol for candidate in group}
        known = [signal for symbol in symbols for signal in recent[symbol].at(moment, rules)]
        sent, lost = select(group, known, rules)
        for signal in sorted((settled[candidate.key] for candidate in sent), key=lambda one: one.key.sort_key):
            recent[signal.symbol].signals.append(signal)
            signals.append(signal)
        suppressed += [(item.reason, settled[item.candidate.key]) for item in lost]
        progress("selection", len(signals) + len(suppressed), len(candidates))
    return signals, suppressed
