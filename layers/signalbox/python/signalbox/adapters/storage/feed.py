"""The feed: pages of signals over all symbols or one, newest first, stable while signals are added.

A page's cursor is the key of its last signal, so the next page begins below that key whatever was added above it. Over
all symbols the keys lie in partitions of a month each, read from the newest down; a month spread over several
buckets is merged by key.
"""

import heapq
from collections.abc import Iterator
from datetime import datetime, timedelta

from signalbox.adapters.storage.cursors import Cursors
from signalbox.adapters.storage.dynamo import RawItem
from signalbox.adapters.storage.signal_items import SignalItem, feed_buckets, signal_of
from signalbox.domain.instants import EPOCH, to_iso
from signalbox.domain.signals.signal import Signal, Status
from signalbox.ports.signals import FeedQuery, Page

MOST_QUERIES = 64
"""Queries that one page may cost. A page that would cost more (a rare status, years without a signal) ends early, with
a cursor."""
FILTERED_ROWS = 200
"""Rows read at once when a status is asked for and most rows may be passed over."""


class Feed:
    """Reads pages of the feed.

    Parameters
    ----------
    cursors : Cursors
        Writes and reads the pages' cursors.
    """

    def __init__(self, cursors: Cursors) -> None:
        self._cursors = cursors

    def page(self, query: FeedQuery) -> Page:
        """Return the page that `query` asks for.

        It is full unless the signals end, or `MOST_QUERIES` did not find enough: then it is shorter and still has a
        cursor. Raises InvalidValueError if the cursor is not one of this query (symbol and status).
        """
        scope = f"{query.symbol or ''}|{query.status or ''}"
        reading = _Reading(query, None if query.cursor is None else self._cursors.read(query.cursor, scope))
        found: list[Signal] = []
        for raw in reading.rows():
            if query.status is not None and raw["status"]["S"] != query.status:
                continue
            signal = signal_of(raw)
            if hidden(signal, query.visible_at):
                continue
            if len(found) == query.limit:
                return Page(found, self._cursors.write(found[-1].key.sort_key, scope))
            found.append(signal)
        return Page(found, self._cursors.write(reading.stopped_at, scope) if reading.stopped_at else None)


def hidden(signal: Signal, visible_at: datetime) -> bool:
    """Return whether a reader who sees open signals only when published by `visible_at` must not see this one."""
    return signal.status is Status.OPEN and signal.published_at > visible_at


def key_bound(moment: datetime) -> str:
    """Return the text that keys of signals created at or after `moment` are not below.

    Signals are created at whole seconds, so a fraction rounds up.
    """
    seconds = -((EPOCH - moment) // timedelta(seconds=1))
    return to_iso(EPOCH + timedelta(seconds=seconds))


def months_down(upper: str, lower: str) -> Iterator[str]:
    """Yield the months ("2024-01") of keys below `upper` and not below `lower`, the newest first."""
    year, month = int(upper[:4]), int(upper[5:7])
    while (name := f"{year:04d}-{month:02d}") >= lower[:7]:
        if name < upper:
            yield name
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)


class _Reading:
    """The rows of one page, and how far they were read when the queries ran out."""

    def __init__(self, query: FeedQuery, position: str | None) -> None:
        self._query = query
        self._lower = key_bound(query.since)
        self._upper = min(filter(None, (key_bound(query.until), position)))
        self._rows_at_once = query.limit + 1 if query.status is None else max(FILTERED_ROWS, query.limit + 1)
        self._queries = 0
        self.stopped_at: str | None = None

    def rows(self) -> Iterator[RawItem]:
        """Yield the rows of the span, newest first, until they or the queries end."""
        if self._lower >= self._upper:
            return
        if self._query.symbol is not None:
            yield from self._counted(self._below("symbol", self._query.symbol, None))
            return
        for month in months_down(self._upper, self._lower):
            buckets = (
                self._below("feed_partition", f"{month}#{bucket}", "feed-by-time")
                for bucket in range(feed_buckets(month))
            )
            yield from self._counted(heapq.merge(*buckets, key=_created_key, reverse=True))
            if self.stopped_at is None and self._queries >= MOST_QUERIES:
                self.stopped_at = month
            if self.stopped_at is not None:
                return

    def _counted(self, rows: Iterator[RawItem]) -> Iterator[RawItem]:
        for raw in rows:
            yield raw
            if self._queries > MOST_QUERIES:
                self.stopped_at = _created_key(raw)
                return

    def _below(self, hash_name: str, hash_value: str, index: str | None) -> Iterator[RawItem]:
        pages = SignalItem.query_raw(
            f"#{hash_name} = :partition AND #created_key BETWEEN :lower AND :upper",
            {":partition": {"S": hash_value}, ":lower": {"S": self._lower}, ":upper": {"S": self._upper}},
            Limit=self._rows_at_once,
            ScanIndexForward=False,
            **({} if index is None else {"IndexName": index}),
        )
        for page in pages:
            self._queries += 1
            yield from (raw for raw in page if _created_key(raw) < self._upper)  # BETWEEN includes the position itself


def _created_key(raw: RawItem) -> str:
    return str(raw["created_key"]["S"])
