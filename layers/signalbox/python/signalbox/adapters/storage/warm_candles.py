"""A warm worker's candles: what it has read once and can no longer change is read again from memory.

A candle that was stored stays as it is (an exchange's later change is a data revision beside it), and a genuine gap
stays a gap. So a row in which every symbol has the one or the other needs no second reading, whoever wrote it. Rows
with a hole are read again, as another worker may have filled it, and so are the newest two, which may just be in
writing. Only what was read counts, never what this worker wrote; and another set of symbols is another window.
"""

from collections import OrderedDict
from collections.abc import Sequence
from copy import deepcopy

import numpy as np

from signalbox.domain.market.candles import COLUMNS, CandleGrid
from signalbox.domain.market.data_revision import DataRevision
from signalbox.domain.market.gaps import Gap, StoredCandles
from signalbox.domain.market.timeframe import Timeframe
from signalbox.ports.market import CandleStore

ALWAYS_READ = 2
"""The newest stored rows that are read every time."""

MOST_WINDOWS = 16
"""Windows kept, of 2 MB each for 100 symbols and 500 candles; the one not used for longest goes first."""

WindowKey = tuple[str, Timeframe, int, tuple[str, ...]]


class WarmCandleStore:
    """Implements `ports.CandleStore` on another one, which it asks only for what may have changed.

    Parameters
    ----------
    store : CandleStore
        Where candles are.
    most_windows : int
        Windows kept in memory.
    """

    def __init__(self, store: CandleStore, most_windows: int = MOST_WINDOWS) -> None:
        self._store = store
        self._most = most_windows
        self._windows: OrderedDict[WindowKey, StoredCandles] = OrderedDict()

    def load(  # noqa: PLR0913, PLR0917 - the port's own
        self, exchange: str, timeframe: Timeframe, bucket: int, symbols: Sequence[str], first_open: int, last_open: int
    ) -> CandleGrid:
        """Return the candles of `read`."""
        return self.read(exchange, timeframe, bucket, symbols, first_open, last_open).grid

    def read(  # noqa: PLR0913, PLR0917 - the port's own
        self, exchange: str, timeframe: Timeframe, bucket: int, symbols: Sequence[str], first_open: int, last_open: int
    ) -> StoredCandles:
        """Return what the store holds of the span, reading from it only the rows that are not settled in memory."""
        key = (exchange, timeframe, bucket, tuple(symbols))
        kept = self._windows.get(key)
        since = first_open
        if kept is not None and kept.grid.times[0] <= first_open <= kept.grid.times[-1]:
            since = int(min(kept.grid.times[-1], last_open - ALWAYS_READ * timeframe.milliseconds))
            since = max(since + timeframe.milliseconds, first_open)
        found = self._store.read(exchange, timeframe, bucket, symbols, since, last_open)
        if kept is not None and since > first_open:
            found = _joined(kept, found, first_open, since)
        self._keep(key, found)
        return found

    def save(self, grid: CandleGrid, bucket: int) -> CandleGrid:
        """Store the grid, and return it as it is stored; it is remembered once it is read."""
        return self._store.save(grid, bucket)

    def note_gaps(self, exchange: str, timeframe: Timeframe, bucket: int, gaps: Sequence[Gap]) -> None:
        """Count one more attempt for each gap."""
        self._store.note_gaps(exchange, timeframe, bucket, gaps)

    def add_revisions(self, exchange: str, timeframe: Timeframe, revisions: Sequence[DataRevision]) -> int:
        """Store revisions; return how many were not stored before."""
        return self._store.add_revisions(exchange, timeframe, revisions)

    def revisions_of(self, exchange: str, timeframe: Timeframe, symbol: str) -> list[DataRevision]:
        """Return a symbol's revisions."""
        return self._store.revisions_of(exchange, timeframe, symbol)

    def _keep(self, key: WindowKey, found: StoredCandles) -> None:
        open_rows = np.flatnonzero(~found.settled.all(axis=1))
        settled = int(open_rows[0]) if open_rows.size else len(found.grid.times)
        rows = min(settled, len(found.grid.times) - ALWAYS_READ)
        self._windows.pop(key, None)
        if rows > 0:
            # A copy: what was read is the caller's to change.
            self._windows[key] = StoredCandles(deepcopy(found.grid.rows(0, rows)), found.gaps)
            while len(self._windows) > self._most:
                self._windows.popitem(last=False)


def _joined(kept: StoredCandles, tail: StoredCandles, first_open: int, since: int) -> StoredCandles:
    """Return the candles of `kept` from `first_open` on and before `since`, then those of `tail`."""
    old = kept.grid.since(first_open).upto(since - 1)
    columns = (np.concatenate([getattr(old, name), getattr(tail.grid, name)]) for name in ("times", *COLUMNS))
    grid = CandleGrid(old.exchange, old.timeframe, old.symbols, *columns)
    gaps = [gap for gap in kept.gaps if gap.genuine and gap.first_open < since and gap.last_open >= first_open]
    return StoredCandles(grid, (*gaps, *tail.gaps))
