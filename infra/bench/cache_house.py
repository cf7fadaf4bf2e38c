"""What the cache's trace is replayed against: a record in memory that counts what reading it would cost."""

from bisect import insort
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from zlib import compress

from infra.bench.dynamo_units import READ_UNIT, item_size
from signalbox.adapters.storage.cache import DEFLATION
from signalbox.adapters.storage.feed import hidden
from signalbox.adapters.storage.signal_items import item_of
from signalbox.domain.caching.versions import Moves, Version, Waiting, forgotten
from signalbox.domain.signals.signal import Signal
from signalbox.ports.caching import KeptAnswer
from signalbox.ports.signals import FeedQuery, Page


class Record:
    """Signals by time. An index that answers a page reads what it shows and no more: half a unit for every 4 KB.

    Parameters
    ----------
    signals : iterable of Signal
        What is there at first.
    """

    def __init__(self, signals: Iterable[Signal]) -> None:
        self._signals = {signal.signal_id: signal for signal in signals}
        self._order = sorted(signal.key.sort_key for signal in self._signals.values())
        self._sizes: dict[str, int] = {}
        self.units = 0.0
        self.bytes = 0
        self.pages = 0
        self.signals = 0

    def write(self, signal: Signal) -> None:
        """Store a signal, or what it has become."""
        if signal.signal_id not in self._signals:
            insort(self._order, signal.key.sort_key)
        self._signals[signal.signal_id] = signal

    def feed(self, query: FeedQuery) -> Page:
        """Return one page by time, and count what it costs."""
        page = self.look(query)
        size = sum(self._size(signal) for signal in page.signals)
        self.pages += 1
        self.signals += len(page.signals)
        self.bytes += size
        self.units += max(-(-size // READ_UNIT), 1) / 2
        return page

    def look(self, query: FeedQuery) -> Page:
        """Return the same page for nothing."""
        found: list[Signal] = []
        for key in reversed(self._order) if query.descending else self._order:
            signal = self._signals[key.partition("#")[2]]
            if query.since <= signal.created_at < query.until and query.where.matches(signal):
                if hidden(signal, query.visible_at):
                    continue
                if len(found) == query.limit:
                    return Page(found, "more")
                found.append(signal)
        return Page(found, None)

    def _size(self, signal: Signal) -> int:
        name = f"{signal.signal_id}{signal.revision}"
        if name not in self._sizes:
            self._sizes[name] = item_size(item_of(signal).serialize())
        return self._sizes[name]


class Versions:
    """Implements `ports.VersionRepository`."""

    def __init__(self) -> None:
        self.stored: dict[str, Version] = {}

    def move(self, moves: Mapping[str, Moves], now: datetime) -> None:
        """Move every counter named."""
        for name, each in moves.items():
            before = self.stored.get(name, Version())
            known = dict(before.publications)
            for moment in each.publications:
                known[moment] = Waiting(known[moment].moves + 1 if moment in known else 1, now)
            old = forgotten(known, now)
            kept = {moment: waiting for moment, waiting in known.items() if moment not in old}
            self.stored[name] = Version(before.count + each.times, kept, before.changed_at if each.wait else now)


class Answers:
    """Implements `ports.AnswerStore` for readers that come one after another; leases end by time or with the answer."""

    def __init__(self) -> None:
        self._leases: dict[str, datetime] = {}
        self._stored: dict[str, KeptAnswer] = {}

    def get(self, key: str) -> KeptAnswer | None:
        """Return the answer kept under `key`."""
        return self._stored.get(key)

    def put(self, key: str, answer: KeptAnswer) -> None:
        """Keep an answer, as large as it is in the table."""
        self.release(key)
        self._stored[key] = KeptAnswer(
            answer.stamp, answer.reading, len(compress(answer.reading.text.encode(), DEFLATION))
        )

    def claim(self, key: str, now: datetime, until: datetime) -> bool:
        """Take the lease of `key`; return False if somebody has it."""
        if key in self._leases and self._leases[key] > now:
            return False
        self._leases[key] = until
        return True

    def release(self, key: str) -> None:
        """Give the lease back."""
        self._leases.pop(key, None)


class Reader:
    """Implements `ports.CacheReader` for one worker, and counts what it asks."""

    def __init__(self, versions: Versions, answers: Answers) -> None:
        self._versions = versions
        self._answers = answers
        self.calls = 0

    def current(self, names: Sequence[str]) -> Mapping[str, Version]:
        """Return the counters as they are."""
        self.calls += 1
        return {name: self._versions.stored.get(name, Version()) for name in names}

    def look(self, names: Sequence[str], key: str) -> tuple[Mapping[str, Version], KeptAnswer | None]:
        """Return the counters, and what is kept."""
        return self.current(names), self._answers.get(key)
