"""Topics, followers and channels in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Lock
from typing import Any

from signalbox.adapters.storage.connections import WINDOW
from signalbox.domain.delivery.message import Envelope, Outcome
from signalbox.domain.errors import RecipientRejectedError
from signalbox.ports.topics import Connection


class InMemoryTopics:
    """`ports.TopicWriter` and `ports.TopicLog`."""

    def __init__(self) -> None:
        self.topics: dict[str, list[tuple[str, dict[str, Any]]]] = {}
        self._lock = Lock()

    def append_once(self, topic: str, event_id: str, record: Mapping[str, Any], now: datetime) -> int:  # noqa: ARG002 - kept for ever here
        with self._lock:
            entries = self.topics.setdefault(topic, [])
            known = [number for number, (name, _) in enumerate(entries, start=1) if name == event_id]
            if known:
                return known[0]
            entries.append((event_id, dict(record)))
            return len(entries)

    def forget(self, topic: str) -> None:
        self.topics.pop(topic, None)

    def last(self, topic: str) -> int:
        return len(self.topics.get(topic, []))

    def entry(self, topic: str, sequence: int) -> dict[str, Any] | None:
        found = self.after(topic, sequence - 1, 1)
        return found[0][1] if found and found[0][0] == sequence else None

    def after(self, topic: str, sequence: int, limit: int) -> list[tuple[int, dict[str, Any]]]:
        entries = [(number, record) for number, (_, record) in enumerate(self.topics.get(topic, []), start=1)]
        return entries[sequence : sequence + limit]


class InMemoryFollowers:
    """`ports.FollowerRepository`."""

    def __init__(self) -> None:
        self.connections: dict[str, Connection] = {}
        self.followed: set[tuple[str, str]] = set()
        self.groups: dict[str, str] = {}
        self.counted: dict[tuple[str, int], int] = {}

    def add(self, connection: Connection, now: datetime) -> None:  # noqa: ARG002 - kept for ever here
        self.connections[connection.connection_id] = connection

    def count_message(self, connection_id: str, now: datetime) -> Connection | None:
        if connection_id not in self.connections:
            return None
        window = (connection_id, int(now.timestamp() // WINDOW.total_seconds()))
        self.counted[window] = self.counted.get(window, 0) + 1
        return replace(self.connections[connection_id], messages=self.counted[window])

    def follow(self, connection_id: str, topic: str, most: int, now: datetime, group: str | None = None) -> bool:  # noqa: ARG002 - see above
        mine = {followed for followed, by in self.followed if by == connection_id}
        if connection_id not in self.connections or len(mine | {topic}) > most:
            return False
        self.followed.add((topic, connection_id))
        self.groups[topic] = group or topic
        return True

    def unfollow(self, connection_id: str, topic: str) -> None:
        self.followed.discard((topic, connection_id))

    def followers(self, topic: str) -> list[str]:
        return [connection_id for _, connection_id in self.following(topic)]

    def following(self, group: str) -> list[tuple[str, str]]:
        return sorted(each for each in self.followed if self.groups.get(each[0], each[0]) == group)

    def remove(self, connection_id: str) -> None:
        self.connections.pop(connection_id, None)
        self.followed = {each for each in self.followed if each[1] != connection_id}

    def remove_of(self, account_id: str, key_hash: str | None = None) -> None:
        for each in list(self.connections.values()):
            if each.account_id == account_id and key_hash in (None, each.key_hash):
                self.remove(each.connection_id)


@dataclass
class Switchboard:
    """`ports.ConnectionPoster` over connections that are open or gone; `received` is what each client got."""

    gone: set[str] = field(default_factory=set)
    received: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def post(self, connection_id: str, message: Mapping[str, Any]) -> None:
        if connection_id in self.gone:
            raise RecipientRejectedError(f"connection {connection_id} must be open, is gone")
        self.received.setdefault(connection_id, []).append(dict(message))

    def last(self, connection_id: str) -> dict[str, Any]:
        return self.received[connection_id][-1]


@dataclass
class RecordingBatchSender:
    """`ports.BatchSender`: keeps what was sent, and gives the next of `outcomes` instead where there is one."""

    outcomes: list[Exception | None] = field(default_factory=list)
    sent: list[Envelope] = field(default_factory=list)
    calls: int = 0

    def send_all(self, envelopes: Sequence[Envelope]) -> list[Outcome]:
        self.calls += 1
        return [self._send(envelope) for envelope in envelopes]

    def _send(self, envelope: Envelope) -> Any:
        error = self.outcomes.pop(0) if self.outcomes else None
        if error is not None:
            return error
        self.sent.append(envelope)
        return f"service-{len(self.sent)}"
