"""Signals, suppressions and their history in memory."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from signalbox.adapters.storage.cursors import Cursors
from signalbox.adapters.storage.feed import hidden, in_order
from signalbox.adapters.storage.publication import require_update
from signalbox.domain.signals.identity import decode
from signalbox.domain.signals.signal import Ending, Signal, Status
from signalbox.domain.signals.suppression import Suppression
from signalbox.ports.signals import FeedQuery, Page
from tests.fakes.storing import add_once, require_json, require_limit


class InMemorySignals:
    """`ports.SignalRepository`."""

    def __init__(self, cursor_secret: bytes | None = None) -> None:
        self.stored: dict[str, Signal] = {}
        self._cursors = Cursors(cursor_secret)

    def add(self, signal: Signal) -> bool:
        return add_once(self.stored, signal.signal_id, signal)

    def get(self, signal_id: str) -> Signal | None:
        return self.stored.get(decode(signal_id).signal_id)

    def of_symbol(self, symbol: str, since: datetime, until: datetime) -> list[Signal]:
        newest_first = sorted(self.stored.values(), key=lambda signal: signal.key.sort_key, reverse=True)
        return [each for each in newest_first if each.symbol == symbol and since <= each.created_at < until]

    def open_of(self, symbols: Iterable[str]) -> list[Signal]:
        wanted = set(symbols)
        found = [each for each in self.stored.values() if each.symbol in wanted and each.status is Status.OPEN]
        return sorted(found, key=lambda signal: (signal.symbol, signal.key.sort_key))

    def update(self, before: Signal, after: Signal) -> bool:
        require_update(before, after)
        stored = self.stored.get(before.signal_id)
        if stored is None or _moves(stored) != _moves(before):
            return False
        self.stored[before.signal_id] = after
        return True

    def feed(self, query: FeedQuery) -> Page:
        position = None if query.cursor is None else self._cursors.read(query.cursor, query.scope)
        found = [
            (key, signal)
            for key, signal in in_order(self.stored.values(), query)
            if (position is None or (key < position if query.descending else key > position))
            and not hidden(signal, query.visible_at)
        ]
        page = found[: query.limit]
        more = len(found) > query.limit
        return Page([signal for _, signal in page], self._cursors.write(page[-1][0], query.scope) if more else None)


def _moves(signal: Signal) -> tuple[Any, ...]:
    return signal.status, signal.revision, signal.checked_until


class InMemorySuppressions:
    """`ports.SuppressionRepository`."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, str], Suppression] = {}

    def add(self, suppression: Suppression) -> bool:
        return add_once(self.stored, (suppression.key.sort_key, str(suppression.reason)), suppression)

    def of_symbol(self, symbol: str, limit: int) -> list[Suppression]:
        require_limit(limit)
        newest_first = [self.stored[key] for key in sorted(self.stored, reverse=True)]
        return [each for each in newest_first if each.symbol == symbol][:limit]

    def due(self, symbol: str, until: datetime, limit: int) -> list[Suppression]:
        require_limit(limit)
        over = [
            (each.expires_at, key)
            for key, each in self.stored.items()
            if each.symbol == symbol and each.is_candidate and each.ending is None
            if each.expires_at is not None and each.expires_at < until
        ]
        return [self.stored[key] for _, key in sorted(over)][:limit]

    def resolve(self, suppression: Suppression, ending: Ending) -> bool:
        key = (suppression.key.sort_key, str(suppression.reason))
        stored = self.stored.get(key)
        if stored is None or stored.ending is not None:
            return False
        self.stored[key] = replace(stored, ending=ending)
        return True


class InMemoryPriceHistory:
    """`ports.PriceHistory`."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, int], str] = {}

    def append(self, signal_id: str, revision: int, record: Mapping[str, Any]) -> bool:
        return add_once(self.stored, (signal_id, revision), require_json(record))

    def of_signal(self, signal_id: str) -> list[dict[str, Any]]:
        return [json.loads(self.stored[key]) for key in sorted(self.stored) if key[0] == signal_id]


class InMemorySignalChanges:
    """`ports.SignalChanges` over the two fakes that it changes together."""

    def __init__(self, signals: InMemorySignals | None = None, history: InMemoryPriceHistory | None = None) -> None:
        self.signals = signals or InMemorySignals()
        self.history = history or InMemoryPriceHistory()

    def apply(self, before: Signal, after: Signal, record: Mapping[str, Any] | None = None) -> bool:
        if record is not None and (before.signal_id, after.revision) in self.history.stored:
            require_update(before, after)
            return False
        if record is not None:
            require_json(record)
        if not self.signals.update(before, after):
            return False
        return record is None or self.history.append(before.signal_id, after.revision, record)
