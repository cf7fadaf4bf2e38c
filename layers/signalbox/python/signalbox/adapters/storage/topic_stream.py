"""The streams of the signals table and of the topic log: what their records say happened."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from signalbox.adapters.storage.stream import signal_events
from signalbox.adapters.storage.topic_log import TopicLogItem
from signalbox.domain.alerts.firing import TOPIC, Firing, FiringEvent
from signalbox.domain.delivery.entries import TopicEntry
from signalbox.domain.delivery.topics import REGIMES
from signalbox.domain.signals.events import SignalEvent


def happenings(records: Sequence[Mapping[str, Any]]) -> list[SignalEvent] | list[FiringEvent]:
    """Return the events that the stream records of one table tell of, in their order."""
    if records and "topic" in records[0]["dynamodb"]["Keys"]:
        return firing_events(records)
    return signal_events(records)


def firing_events(records: Sequence[Mapping[str, Any]]) -> list[FiringEvent]:
    """Return the firings that records of the topic log tell of; other topics, and what went away, are none."""
    return [
        FiringEvent(Firing.from_record(entry["record"]), entry["sequence"])
        for entry in _told(records)
        if entry["topic"].startswith(f"{TOPIC}:")
    ]


def topic_entries(records: Sequence[Mapping[str, Any]]) -> list[TopicEntry]:
    """Return what stream records tell of that was written to the log and posted to nobody yet: changes of regime."""
    return [
        TopicEntry(entry["topic"], entry["sequence"], entry["record"])
        for entry in _told(records)
        if entry["topic"] == REGIMES
    ]


def _told(records: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the new entries that stream records show; counts and marks have no record, other tables no topic."""
    for record in records:
        if record["eventName"] == "INSERT" and "topic" in record["dynamodb"]["Keys"]:
            entry = TopicLogItem.values(record["dynamodb"]["NewImage"])
            if entry["record"] is not None:
                yield entry
