"""Signals in DynamoDB."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain

from signalbox.adapters.storage.cursors import Cursors
from signalbox.adapters.storage.dynamo import ConditionFailedError, RawItem
from signalbox.adapters.storage.feed import Feed
from signalbox.adapters.storage.postings import write_postings
from signalbox.adapters.storage.publication import require_update
from signalbox.adapters.storage.signal_items import SignalItem, item_of, open_bucket, signal_of, still, update_actions
from signalbox.adapters.storage.signal_keys import NULL_SPACE, created_key, key_bound
from signalbox.adapters.storage.stored_signals import DynamoStoredSignals
from signalbox.domain.signals.signal import Signal
from signalbox.ports.signals import FeedQuery, Page


class DynamoSignalRepository:
    """Implements `ports.SignalRepository`.

    Parameters
    ----------
    cursor_secret : bytes, optional
        Signs the feed's cursors; see `Cursors`.
    """

    def __init__(self, cursor_secret: bytes | None = None) -> None:
        self._feed = Feed(Cursors(cursor_secret))

    def add(self, signal: Signal) -> bool:
        """Store a new signal; return False, changing nothing, if its id is there already."""
        item = item_of(signal)
        item.serialize()  # what cannot be stored is refused before anything is
        write_postings(signal)
        return item.put_new()

    def get(self, signal_id: str) -> Signal | None:
        """Return the signal as it is now (a consistent read), or None; raise InvalidValueError for no signal id."""
        return DynamoStoredSignals().get(signal_id)

    def of_symbol(self, symbol: str, since: datetime, until: datetime) -> list[Signal]:
        """Return the signals of a symbol that were created in [since, until), newest first: a query of the table for
        the null strategy's and one for all others, which read nothing else."""
        found = [signal_of(raw) for space in ("", NULL_SPACE) for raw in _created_in(symbol, space, since, until)]
        return sorted(found, key=lambda signal: signal.key.sort_key, reverse=True)

    def open_of(self, symbols: Iterable[str]) -> list[Signal]:
        """Return every open signal of `symbols`, by symbol and then oldest first.

        One query per bucket asked for, at most 64 however many symbols. The index is eventually consistent: an ended
        signal may still be among them for a moment, and a new one not yet.
        """
        wanted = defaultdict(set)
        for symbol in symbols:
            wanted[open_bucket(symbol)].add(symbol)
        found = [signal_of(raw) for bucket, names in wanted.items() for raw in _open_in(bucket, names)]
        return sorted(found, key=lambda signal: (signal.symbol, signal.key.sort_key))

    def update(self, before: Signal, after: Signal) -> bool:
        """Replace `before` by `after`; return False, changing nothing, if it is no longer as `before`.

        Only the attributes that follow the signal's life are written, so what was published cannot change. Raises
        InvalidValueError if the published parts differ or `before` has ended.
        """
        require_update(before, after)
        write_postings(after, before)
        try:
            SignalItem(before.symbol, created_key(before.key)).update(update_actions(after), still(before))
        except ConditionFailedError:
            return False
        return True

    def feed(self, query: FeedQuery) -> Page:
        """Return one page of signals in the query's order; see `Feed.page`."""
        return self._feed.page(query)


def _open_in(bucket: int, symbols: set[str]) -> Iterator[RawItem]:
    first, last = f"{min(symbols)}#", f"{max(symbols)}$"  # "$" follows "#"
    pages = SignalItem.query_raw(
        "#open_bucket = :bucket AND #open_key BETWEEN :first AND :last",
        {":bucket": {"N": str(bucket)}, ":first": {"S": first}, ":last": {"S": last}},
        IndexName="open-by-symbol",
    )
    return (raw for page in pages for raw in page if raw["symbol"]["S"] in symbols)


def _created_in(symbol: str, space: str, since: datetime, until: datetime) -> Iterator[RawItem]:
    first, last = f"{space}{key_bound(since)}", f"{space}{key_bound(until)}"  # no key ends where its moment does
    pages = SignalItem.query_raw(
        "#symbol = :symbol AND #created_key BETWEEN :first AND :last",
        {":symbol": {"S": symbol}, ":first": {"S": first}, ":last": {"S": last}},
    )
    return chain.from_iterable(pages)
