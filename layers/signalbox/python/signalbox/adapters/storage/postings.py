"""Postings: which signals a word is in, so that a search reads what it finds and not the history.

They are written just before the signal, or its change, that has the words, and by the same worker: a crash in between
leaves postings of words that are not there, which readers pass over, and the message that comes again writes them once
more. A worker behind the stream would cost a queue and a read per signal to keep the same promise later.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol

from pynamodb.attributes import UnicodeAttribute

from signalbox.adapters.storage.dynamo import RawItem, Table, call
from signalbox.domain.errors import StorageUnavailableError
from signalbox.domain.history.words import words_of
from signalbox.domain.signals.signal import NULL_STRATEGY, Signal

ROWS_AT_ONCE = 40
"""Postings that one query reads: as many as half a read unit holds."""
_BATCH = 25
"""Items that one BatchWriteItem may put."""


class Budget(Protocol):
    """What a reading may still cost."""

    def spend(self) -> None:
        """Count one more query, or raise if that would be too much."""
        ...


class PostingItem(Table):
    """One word of one signal: a key and nothing else. The null strategy's signals have none."""

    class Meta:
        table_name = ""

    setting = "POSTINGS_TABLE"

    word = UnicodeAttribute(hash_key=True)
    created_key = UnicodeAttribute(range_key=True)  # created_at#signal_id


def write_postings(after: Signal, before: Signal | None = None) -> None:
    """Store the words of a signal that `before` did not have; what is stored already is stored once more.

    Raises
    ------
    StorageUnavailableError
        If some were not taken: the caller's message comes again.
    """
    if after.strategy == NULL_STRATEGY:
        return
    words = sorted(words_of(after) - (words_of(before) if before else frozenset()))
    table = PostingItem.name()
    puts = [{"PutRequest": {"Item": _item(word, after.key.sort_key)}} for word in words]
    for start in range(0, len(puts), _BATCH):
        reply = call("BatchWriteItem", {"RequestItems": {table: puts[start : start + _BATCH]}})
        if reply.get("UnprocessedItems"):
            raise StorageUnavailableError(f"BatchWriteItem on {table} left some of {len(puts)} postings unwritten")


def _item(word: str, created_key: str) -> RawItem:
    return {"word": {"S": word}, "created_key": {"S": created_key}}


class Postings:
    """The postings of one word between two keys, read in order and skipped through.

    Parameters
    ----------
    word : str
        The word.
    bounds : tuple of (str, str)
        The lowest and the highest key, both included.
    descending : bool
        Which way to read.
    budget : Budget
        Told of each query before it is made.
    """

    def __init__(self, word: str, bounds: tuple[str, str], *, descending: bool, budget: Budget) -> None:
        self._word = word
        self._lower, self._upper = bounds
        self._descending = descending
        self._budget = budget
        self._rows: list[str] = []
        self._at = 0
        self._more = True

    def seek(self, target: str | None) -> str | None:
        """Return the first key that does not come before `target` (the very first if None), or None at the end."""
        while True:
            while self._at < len(self._rows):
                key = self._rows[self._at]
                if target is None or (key <= target if self._descending else key >= target):
                    return key
                self._at += 1
            if not self._more:
                return None
            self._read(target)

    def _read(self, target: str | None) -> None:
        start = target or (self._upper if self._descending else self._lower)
        lower, upper = (self._lower, start) if self._descending else (start, self._upper)
        if lower > upper:
            self._more = False
            return
        self._budget.spend()
        pages = PostingItem.query_raw(
            "#word = :word AND #created_key BETWEEN :lower AND :upper",
            {":word": {"S": self._word}, ":lower": {"S": lower}, ":upper": {"S": upper}},
            Limit=ROWS_AT_ONCE,
            ScanIndexForward=not self._descending,
        )
        found = next(pages)
        self._rows, self._at = [row["created_key"]["S"] for row in found], 0
        self._more = len(found) == ROWS_AT_ONCE


def intersected(lists: Iterable[Postings], *, descending: bool) -> Iterator[tuple[str, bool]]:
    """Yield each key that was settled, in order, and whether it is in every list.

    The list that is furthest says where the others may go on, so that a rare word is read whole and a frequent one is
    skipped through.
    """
    lists = list(lists)
    target: str | None = None
    while True:
        furthest = target
        for each in lists:
            key = each.seek(furthest)
            if key is None:
                return
            furthest = key
        if furthest is None:
            return
        agreed = all(each.seek(furthest) == furthest for each in lists)
        yield furthest, agreed
        target = _after(furthest, descending=descending) if agreed else furthest


def _after(key: str, *, descending: bool) -> str:
    """Return a text that lies directly behind `key`, on the way of reading, and is no key."""
    return key[:-1] + chr(ord(key[-1]) - 1) + "\uffff" if descending else f"{key} "
