"""WebSocket connections: who is there, what they follow, and what they missed.

A client that lost its connection subscribes again and resumes each topic after the last number it has. What is told
meanwhile comes by both ways, under the same number: it keeps one. A number that it never saw is a gap: it resumes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from signalbox.domain.accounts.account import Tier
from signalbox.domain.alerts.firing import Firing
from signalbox.domain.delivery.requests import MOST_MESSAGES, MOST_TOPICS, Action, Request, read_request
from signalbox.domain.delivery.topics import ALERTS, public_name, stored_topic
from signalbox.domain.errors import InvalidValueError, RecipientRejectedError
from signalbox.ports.delivery import ConnectionPoster
from signalbox.ports.topics import Connection, FollowerRepository, TopicWriter
from signalbox.services.topics import events_message

ENTRIES_TOGETHER = 20
"""Entries in one post: an entry weighs 1 to 2 KB, a frame 32 KB at most."""
MOST_RESUMED = 400
"""Entries that one request brings at most; the client asks again from where it is."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What answering works with. `now` is the wall clock's, `system_now` the system clock's, by which delays run."""

    connections: FollowerRepository
    log: TopicWriter
    poster: ConnectionPoster
    now: datetime
    system_now: datetime


def connect(connection_id: str, account_id: str, tier: Tier, *, connections: FollowerRepository, now: datetime) -> None:
    """Remember a connection and whose it is."""
    connections.add(connection_id, account_id, tier, now)


def disconnect(connection_id: str, *, connections: FollowerRepository) -> None:
    """Forget a connection and what it followed."""
    connections.remove(connection_id)


def receive(connection_id: str, body: str | None, exchange: Exchange) -> None:
    """Answer one message. Every refusal has the shape `{"type": "error", "code": ..., "detail": ...}`."""
    connection = exchange.connections.count_message(connection_id, exchange.now)
    try:
        for answer in _answers(connection, body, exchange):
            exchange.poster.post(connection_id, answer)
    except RecipientRejectedError:
        exchange.connections.remove(connection_id)


def _answers(connection: Connection | None, body: str | None, exchange: Exchange) -> Iterable[Mapping[str, Any]]:
    if connection is None:
        return [_error("unknown_connection", "this connection is not known any more: connect again")]
    if connection.messages > MOST_MESSAGES:
        return [_error("too_many_messages", f"a connection may send {MOST_MESSAGES} messages in ten seconds")]
    try:
        request = read_request(body)
        if request.action is Action.PING:
            return [{"type": "pong"}]
        topic = stored_topic(request.topic, connection.account_id, connection.tier)
    except InvalidValueError as e:
        return [_error("invalid_request", str(e))]
    answer = {Action.SUBSCRIBE: _subscribe, Action.UNSUBSCRIBE: _unsubscribe, Action.RESUME: _resume}[request.action]
    return answer(connection, topic, request, exchange)


def _subscribe(
    connection: Connection, topic: str, _request: Request, exchange: Exchange
) -> Iterable[Mapping[str, Any]]:
    """Follow first, then read the number: what comes in between is then told, and not missed."""
    if not exchange.connections.follow(connection.connection_id, topic, MOST_TOPICS, exchange.now):
        return [_error("too_many_topics", f"a connection may follow {MOST_TOPICS} topics")]
    return [{"type": "subscribed", "topic": public_name(topic), "sequence": exchange.log.last(topic)}]


def _unsubscribe(
    connection: Connection, topic: str, _request: Request, exchange: Exchange
) -> Iterable[Mapping[str, Any]]:
    exchange.connections.unfollow(connection.connection_id, topic)
    return [{"type": "unsubscribed", "topic": public_name(topic)}]


def _resume(connection: Connection, topic: str, request: Request, exchange: Exchange) -> Iterable[Mapping[str, Any]]:
    """Yield what came after the client's number, then how far that reached.

    `lost` says that the oldest of it is not kept any more; `more`, that there is more to ask for.
    """
    found = exchange.log.after(topic, request.after, MOST_RESUMED + 1)
    entries = _visible(found[:MOST_RESUMED], topic, connection.tier, exchange.system_now)
    for start in range(0, len(entries), ENTRIES_TOGETHER):
        yield events_message(topic, entries[start : start + ENTRIES_TOGETHER])
    last = exchange.log.last(topic)
    reached = entries[-1][0] if entries else request.after
    first = found[0][0] if found else last + 1
    yield {
        "type": "resumed",
        "topic": public_name(topic),
        "sequence": reached,
        "lost": request.after < last and first > request.after + 1,
        "more": len(found) > len(entries) == MOST_RESUMED,
    }


def _visible(
    entries: list[tuple[int, dict[str, Any]]], topic: str, tier: Tier, now: datetime
) -> list[tuple[int, dict[str, Any]]]:
    """Return the entries up to the first that tells of a signal which this tier may not know of yet.

    Only an account's own alerts can hold one: the topics of signals are written when the tier may read them.
    """
    if not topic.startswith(f"{ALERTS}:"):
        return entries
    shown = []
    for number, record in entries:
        if Firing.from_record(record).held_back(tier.delay, now):
            break
        shown.append((number, record))
    return shown


def _error(code: str, detail: str) -> dict[str, str]:
    return {"type": "error", "code": code, "detail": detail}
