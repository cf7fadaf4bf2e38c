"""The stream of the signals table: what its records say happened."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from signalbox.adapters.storage.signal_items import signal_of
from signalbox.domain.instants import from_ms
from signalbox.domain.signals.events import EventKind, SignalEvent, event_of
from signalbox.domain.signals.signal import Signal, Status


def signal_events(records: Iterable[Mapping[str, Any]]) -> list[SignalEvent]:
    """Return the events that stream records (with new and old images) tell of, in their order.

    A record that changes neither status, revision nor fill (a note) is no event, nor is a removal.
    """
    return list(_events(records))


def _events(records: Iterable[Mapping[str, Any]]) -> Iterator[SignalEvent]:
    for record in records:
        images = record["dynamodb"]
        if "NewImage" not in images:
            continue
        after = signal_of(images["NewImage"])
        before = signal_of(images["OldImage"]) if "OldImage" in images else None
        kind = _kind(before, after)
        if kind is not None:
            yield event_of(kind, after, _stored_at(images))


def _kind(before: Signal | None, after: Signal) -> EventKind | None:
    if before is None:
        return EventKind.PUBLISHED
    if before.status is Status.OPEN and after.status is not Status.OPEN:
        return EventKind.ENDED
    if before.revision != after.revision:
        return EventKind.REVISED
    return EventKind.FILLED if before.filled_price != after.filled_price else None


def _stored_at(images: Mapping[str, Any]) -> datetime | None:
    """Return when a record came to be, in the stream's words: seconds since 1970, or a moment."""
    told = images.get("ApproximateCreationDateTime")
    if told is None or isinstance(told, datetime):
        return told
    return from_ms(round(float(told) * 1000))
