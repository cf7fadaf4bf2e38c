"""Pages of signals in any order and by any condition, stable while signals are added.

`history_plan` says what to read, this reads it. A page's cursor is the place of its last signal in the order asked for,
so the next page begins behind that place whatever was added before it.
"""

import heapq
from collections.abc import Iterable, Iterator
from datetime import datetime

from signalbox.adapters.storage.cursors import Cursors
from signalbox.adapters.storage.dynamo import RawItem
from signalbox.adapters.storage.history_plan import Plan, Stream, plan_for
from signalbox.adapters.storage.postings import Postings, intersected
from signalbox.adapters.storage.signal_items import SignalItem, signal_of
from signalbox.adapters.storage.signal_keys import order_key, without_space
from signalbox.domain.signals.identity import decode
from signalbox.domain.signals.signal import Signal, Status
from signalbox.ports.signals import FeedQuery, Page

MOST_QUERIES = 64
"""Queries that one page may cost beyond the first of each of its partitions. A page that would cost more (years without
a signal) ends early, with a cursor."""
ROWS_PER_SIGNAL = 20
"""Signals that a page may read for each one it was asked for; then it ends early, with a cursor. Postings, of which
a read unit holds a hundred, count as queries only."""
FEWEST_ROWS = 20
"""Rows read at once at least where rows are filtered: small queries cost as many read units, and more time."""


class Feed:
    """Reads pages of signals.

    Parameters
    ----------
    cursors : Cursors
        Writes and reads the pages' cursors.
    """

    def __init__(self, cursors: Cursors) -> None:
        self._cursors = cursors

    def page(self, query: FeedQuery) -> Page:
        """Return the page that `query` asks for.

        It is full unless the signals end, or what it may read did not hold enough: then it is shorter, even empty, and
        still has a cursor. Raises InvalidValueError if the cursor is not one of this query.
        """
        scope = query.scope
        reading = _Reading(query, None if query.cursor is None else self._cursors.read(query.cursor, scope))
        found: list[Signal] = []
        last = ""
        for key, raw in reading.rows():
            signal = signal_of(raw)
            if hidden(signal, query.visible_at):
                reading.spare()
                continue
            if not reading.wants(signal):
                continue
            if len(found) == query.limit:
                return Page(found, self._cursors.write(last, scope))
            found.append(signal)
            last = key
        return Page(found, self._cursors.write(reading.stopped_at, scope) if reading.stopped_at else None)


def hidden(signal: Signal, visible_at: datetime) -> bool:
    """Return whether a reader who sees open signals only when published by `visible_at` must not see this one."""
    return signal.status is Status.OPEN and signal.published_at > visible_at


class _SpentError(Exception):
    """The page has read all that it may."""


class _Budget:
    """What a page may still read. It is never spent before something was settled, so that every page gets ahead."""

    def __init__(self, limit: int) -> None:
        self._rows = ROWS_PER_SIGNAL * limit
        self._queries = MOST_QUERIES
        self.settled: str | None = None
        """The order key up to which everything is known."""

    def require(self, rows: int = 0) -> None:
        """Raise _SpentError if another query, of so many rows, would be too much."""
        if self.settled is not None and (self._rows < rows or self._queries <= 0):
            raise _SpentError

    def spend(self, rows: int) -> None:
        """Count one query, and the rows it found."""
        self._queries -= 1
        self._rows -= rows

    def give_back(self) -> None:
        """Let one row have cost nothing."""
        self._rows += 1


class _Reading:
    """The rows of one page, and how far they were read when the budget was spent."""

    def __init__(self, query: FeedQuery, position: str | None) -> None:
        self._query = query
        self._position = position
        self._plan: Plan = plan_for(query, position)
        self._budget = _Budget(query.limit)
        self.stopped_at: str | None = None

    def wants(self, signal: Signal) -> bool:
        """Return whether a row that may be seen belongs on the page."""
        return _fits(signal, self._query)

    def spare(self) -> None:
        """Let a row that must not be seen cost nothing: pages that end early would tell how many there are."""
        self._budget.give_back()

    def rows(self) -> Iterator[tuple[str, RawItem]]:
        """Yield order keys and rows, in order, until they or the budget end."""
        if self._plan.lower > self._plan.upper:
            return
        try:
            yield from self._found() if self._plan.words else self._merged()
        except _SpentError:
            self.stopped_at = self._budget.settled

    def _merged(self) -> Iterator[tuple[str, RawItem]]:
        descending = self._plan.descending
        for streams in self._plan.steps:
            read = (self._stream(stream, self._rows_at_once(len(streams))) for stream in streams)
            for key, raw in heapq.merge(*read, key=lambda row: row[0], reverse=descending):
                self._budget.settled = key
                yield key, raw
            if len(self._plan.steps) > 1:
                month = streams[0].partition.partition("#")[0]
                self._budget.settled = month if descending else f"{month}~"  # before, or behind, all keys of a month

    def _stream(self, stream: Stream, rows_at_once: int) -> Iterator[tuple[str, RawItem]]:
        plan = self._plan
        pages = SignalItem.query_raw(
            f"#{plan.hash_name} = :partition AND #{plan.range_name} BETWEEN :lower AND :upper",
            {
                ":partition": {"S": stream.partition},
                ":lower": {"S": stream.space + plan.lower},
                ":upper": {"S": stream.space + plan.upper},
            },
            Limit=rows_at_once,
            ScanIndexForward=not plan.descending,
            **({} if plan.index is None else {"IndexName": plan.index}),
        )
        while True:
            self._budget.require(rows_at_once)
            page = next(pages, None)
            if page is None:
                return
            self._budget.spend(len(page))
            for raw in page:
                key = without_space(str(raw[plan.range_name]["S"]))
                if key != self._position:  # BETWEEN includes the position itself
                    yield key, raw

    def _rows_at_once(self, streams: int) -> int:
        page = (
            self._query.limit + 1 + (self._position is not None)
        )  # one says whether there is more, one is the position
        if streams > 1:
            return max(-(-2 * page // streams), 2)
        return max(page, FEWEST_ROWS) if self._plan.residual else page

    def _found(self) -> Iterator[tuple[str, RawItem]]:
        plan = self._plan
        lists = [
            Postings(word, (plan.lower, plan.upper), descending=plan.descending, budget=self._budget)
            for word in plan.words
        ]
        waiting: list[str] = []
        try:
            for key, agreed in intersected(lists, descending=plan.descending):
                if agreed and key != self._position:
                    waiting.append(key)
                    if len(waiting) == self._query.limit + 1:
                        yield from self._fetched(waiting)
                        waiting = []
                self._budget.settled = key
        except _SpentError:
            yield from self._fetched(waiting)
            raise
        yield from self._fetched(waiting)

    def _fetched(self, keys: list[str]) -> Iterator[tuple[str, RawItem]]:
        wanted = [{"symbol": decode(key.partition("#")[2]).symbol, "created_key": key} for key in keys]
        found = {str(raw["created_key"]["S"]): raw for raw in SignalItem.fetch_many_raw(wanted)}
        self._budget.spend(len(found))
        return ((key, found[key]) for key in keys if key in found)


def in_order(signals: Iterable[Signal], query: FeedQuery) -> list[tuple[str, Signal]]:
    """Return those of `signals` that `query` asks for, with their order keys: what all its pages together must be."""
    keyed = ((order_key(signal, query.sort), signal) for signal in signals if _fits(signal, query))
    return sorted(
        ((key, signal) for key, signal in keyed if key is not None),
        key=lambda row: row[0],
        reverse=query.descending,
    )


def _fits(signal: Signal, query: FeedQuery) -> bool:
    return query.since <= signal.created_at < query.until and query.where.matches(signal)
