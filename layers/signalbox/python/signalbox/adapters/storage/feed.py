"""Pages of signals in any order and by any condition, stable while signals are added.

`history_plan` says what to read, this reads it. A page's cursor is the place of its last signal in the order asked for,
so the next page begins behind that place whatever was added before it.
"""

import heapq
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from math import inf

from signalbox.adapters.storage.cursors import Cursors
from signalbox.adapters.storage.dynamo import RawItem
from signalbox.adapters.storage.history_plan import Plan, Stream, plan_for
from signalbox.adapters.storage.postings import Postings, intersected
from signalbox.adapters.storage.signal_items import SignalItem, signal_of
from signalbox.adapters.storage.signal_keys import key_bound, order_key, without_space
from signalbox.domain.signals.identity import decode
from signalbox.domain.signals.signal import Signal, Status
from signalbox.ports.signals import FeedQuery, Page

LOOKED_AT_PER_SIGNAL = 16
"""Signals that a page may look at for each one it was asked for; then it ends early, with a cursor."""
AHEAD_PER_SIGNAL = 4
"""Signals that the partitions which a page merges may hold ready at most, for each one it was asked for. Postings, of
which a read unit holds a hundred, count as queries only."""
MOST_STEPS = 64
"""Months that a page may reach over: one that comes through years without a signal ends early, with a cursor."""
MOST_POSTING_QUERIES = 64
"""Queries over postings that a page may cost."""
FEWEST_ROWS = 20
"""Rows read at once at least where rows are filtered: small queries cost nearly as much, and more time."""
FEWEST_MERGED = 5
"""Rows read at once at least of a partition among several, but for a look of two: as many as two steps of 4 KB hold,
by which reads are paid."""
HIDDEN_AGE = timedelta(days=1)
"""How long before its reader's `visible_at` a hidden signal was created at most: it is published within seconds, unless
its message was held up."""


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

        It is full unless the signals end, or what it may look at did not hold enough: then it is shorter, even empty,
        and still has a cursor. Raises InvalidValueError if the cursor is not one of this query.
        """
        scope = query.scope
        reading = _Reading(query, None if query.cursor is None else self._cursors.read(query.cursor, scope))
        found: list[Signal] = []
        last = ""
        for key, signal in reading.signals():
            if len(found) == query.limit:
                return Page(found, self._cursors.write(last, scope))
            found.append(signal)
            last = key
        return Page(found, self._cursors.write(reading.stopped_at, scope) if reading.stopped_at else None)


def hidden(signal: Signal, visible_at: datetime) -> bool:
    """Return whether a reader who sees open signals only when published by `visible_at` must not see this one."""
    return signal.status is Status.OPEN and signal.published_at > visible_at


class _SpentError(Exception):
    """The page has read all the postings that it may."""


class _PostingQueries:
    """The queries over postings that a page may still make, and the key up to which it knows everything by them. They
    never run out before there is one, so that every page gets ahead."""

    def __init__(self, most: float, settled: str | None) -> None:
        self._left = most
        self.settled = settled

    def spend(self) -> None:
        """Count one more query; raise _SpentError if that is one too many."""
        if self._left <= 0 and self.settled is not None:
            raise _SpentError
        self._left -= 1


class _Reading:
    """The signals of one page, and where it stopped if that was before their end.

    Where a page stops depends on nothing but signals that its reader may see, or it would tell how many others there
    are. So what is bounded are the signals looked at, months, and postings older than anything hidden. Hidden signals
    come on top, and they are few: open ones of the last minutes.
    """

    def __init__(self, query: FeedQuery, position: str | None) -> None:
        self._query = query
        self._position = position
        self._plan: Plan = plan_for(query, position)
        self._found = 0
        self.stopped_at: str | None = None

    def signals(self) -> Iterator[tuple[str, Signal]]:
        """Yield order keys and signals, in order, until they end or as many as may be were looked at."""
        if self._plan.lower > self._plan.upper:
            return
        left = LOOKED_AT_PER_SIGNAL * self._query.limit
        for key, raw in self._by_words() if self._plan.words else self._merged():
            signal = signal_of(raw)
            if hidden(signal, self._query.visible_at):
                continue
            if _fits(signal, self._query):
                self._found += 1
                yield key, signal
            left -= 1
            if left == 0:
                self.stopped_at = key
                return

    @property
    def _wanted(self) -> int:
        """How many rows would complete the page: one more than it shows says whether there is another page."""
        return self._query.limit + 1 - self._found

    def _merged(self) -> Iterator[tuple[str, RawItem]]:
        descending = self._plan.descending
        for number, streams in enumerate(self._plan.steps, start=1):
            read = [self._stream(stream, len(streams)) for stream in streams]
            yield from heapq.merge(*read, key=lambda row: row[0], reverse=descending)
            if number == MOST_STEPS < len(self._plan.steps):
                month = streams[0].partition.partition("#")[0]
                self.stopped_at = month if descending else f"{month}~"  # before, or behind, all keys of a month
                return

    def _stream(self, stream: Stream, streams: int) -> Iterator[tuple[str, RawItem]]:
        plan = self._plan
        given = 0
        pages = SignalItem.query_raw(
            f"#{plan.hash_name} = :partition AND #{plan.range_name} BETWEEN :lower AND :upper",
            {
                ":partition": {"S": stream.partition},
                ":lower": {"S": stream.space + plan.lower},
                ":upper": {"S": stream.space + plan.upper},
            },
            rows=lambda: self._rows_next(given, streams) if given else self._rows_first(streams),
            ScanIndexForward=not plan.descending,
            **({} if plan.index is None else {"IndexName": plan.index}),
        )
        for page in pages:
            given += len(page)
            for raw in page:
                key = without_space(str(raw[plan.range_name]["S"]))
                if key != self._position:  # BETWEEN includes the position itself
                    yield key, raw

    def _rows_first(self, streams: int) -> int:
        """Return how many rows to read of a partition at first: of one among several half of its share, since what
        turns out to lie behind the page was read in vain."""
        wanted = self._wanted + (self._position is not None)
        if streams > 1:
            half = -(-wanted // (2 * streams))
            return half if half >= FEWEST_MERGED else 2
        return max(wanted, FEWEST_ROWS) if self._plan.residual else wanted

    def _rows_next(self, given: int, streams: int) -> int:
        """Return how many rows to read of a partition that has given so many: what the page still lacks, at the rate
        at which they filled it until now; of one among several a third of that."""
        lacking = -(-self._wanted * given // max(self._found, 1))
        ahead = max(AHEAD_PER_SIGNAL * self._query.limit, FEWEST_ROWS) // streams
        if streams > 1:
            return max(min(max(lacking // 3, FEWEST_MERGED), ahead), 2)
        return max(min(lacking, ahead), FEWEST_ROWS)

    def _by_words(self) -> Iterator[tuple[str, RawItem]]:
        plan = self._plan
        for lower, upper, queries in self._posting_ranges():
            lists = [Postings(word, (lower, upper), descending=plan.descending, budget=queries) for word in plan.words]
            waiting: list[str] = []
            try:
                for key, agreed in intersected(lists, descending=plan.descending):
                    if agreed and key != self._position:
                        waiting.append(key)
                        if len(waiting) == self._query.limit + 1:
                            yield from self._fetched(waiting)
                            waiting = []
                    queries.settled = key
            except _SpentError:
                yield from self._fetched(waiting)
                self.stopped_at = queries.settled
                return
            yield from self._fetched(waiting)

    def _posting_ranges(self) -> Iterator[tuple[str, str, _PostingQueries]]:
        """Yield the ranges of keys, in order, and what reading each may cost: only where nothing is hidden is that
        bounded by a count."""
        plan = self._plan
        border = key_bound(self._query.visible_at - HIDDEN_AGE)
        ranges = [
            (plan.lower, min(plan.upper, border), MOST_POSTING_QUERIES),
            (max(plan.lower, border), plan.upper, inf),
        ]
        ranges = [each for each in ranges if each[0] < each[1]]
        settled = None
        for lower, upper, most in reversed(ranges) if plan.descending else ranges:
            yield lower, upper, _PostingQueries(most, settled)
            settled = border

    @staticmethod
    def _fetched(keys: list[str]) -> Iterator[tuple[str, RawItem]]:
        wanted = [{"symbol": decode(key.partition("#")[2]).symbol, "created_key": key} for key in keys]
        found = {str(raw["created_key"]["S"]): raw for raw in SignalItem.fetch_many_raw(wanted)}
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
