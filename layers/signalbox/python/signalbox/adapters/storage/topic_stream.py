"""The streams of the signals table and of the topic log: what their records say happened."""

from collections.abc import Mapping, Sequence
from typing import Any

from signalbox.adapters.storage.stream import signal_events
from signalbox.adapters.storage.topic_log import TopicLogItem
from signalbox.domain.alerts.firing import TOPIC, Firing, FiringEvent
from signalbox.domain.signals.events import SignalEvent


def happenings(records: Sequence[Mapping[str, Any]]) -> list[SignalEvent] | list[FiringEvent]:
    """Return the events that the stream records of one table tell of, in their order."""
    if records and "topic" in records[0]["dynamodb"]["Keys"]:
        return firing_events(records)
    return signal_events(records)


def firing_events(records: Sequence[Mapping[str, Any]]) -> list[FiringEvent]:
    """Return the firings that records of the topic log tell of; other topics, and what went away, are none."""
    images = (record["dynamodb"]["NewImage"] for record in records if record["eventName"] == "INSERT")
    entries = (TopicLogItem.values(image) for image in images)
    return [
        FiringEvent(Firing.from_record(entry["record"]), entry["sequence"])
        for entry in entries
        if entry["topic"].startswith(f"{TOPIC}:") and entry["record"] is not None
    ]
