"""WebSocket connections: who is there, what they follow, and what they missed.

A client that lost its connection subscribes again and resumes each topic after the last number it has. What is told
meanwhile comes by both ways, under the same number: it keeps one. A number that it never saw is a gap: it resumes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from signalbox.domain.accounts.account import Caller, Tier
from signalbox.domain.alerts.firing import Firing
from signalbox.domain.delivery.requests import MOST_MESSAGES, MOST_TOPICS, Action, Request, read_request
from signalbox.domain.delivery.topics import ALERTS, price_group, public_name, scope_of, stored_topic, symbol_of
from signalbox.domain.errors import InvalidValueError, RecipientRejectedError, TransientError
from signalbox.ports.delivery import AccountRepository, ConnectionPoster
from signalbox.ports.topics import Connection, FollowerRepository, PriceTopics, TopicReader
from signalbox.services.topics import events_message

ENTRIES_TOGETHER = 20
"""Entries in one post: an entry weighs 1 to 2 KB, a frame 32 KB at most."""
MOST_RESUMED = 400
"""Entries that one request brings at most; the client asks again from where it is."""
MOST_PRICES_RESUMED = 60
"""Entries of a price topic that one request brings at most: each is read out of a frame of many symbols."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """What answering works with. `now` is the wall clock's, `system_now` the system clock's, by which delays run."""

    connections: FollowerRepository
    log: TopicReader
    prices: PriceTopics
    poster: ConnectionPoster
    now: datetime
    system_now: datetime

    def reader(self, topic: str) -> TopicReader:
        """Return what keeps the entries of a stored topic."""
        return self.prices if symbol_of(topic) else self.log


def connect(
    connection_id: str, caller: Caller, *, connections: FollowerRepository, accounts: AccountRepository, now: datetime
) -> bool:
    """Remember a connection and whose it is; return False if the account or the key has gone since it was looked up.

    What revokes a key, erases an account or changes a tier removes connections afterwards. So each is looked up again
    here after the connection is stored: whichever comes first, the other one sees it.
    """
    account_id, tier = caller.account.account_id, caller.account.tier
    while True:
        connections.add(Connection(connection_id, account_id, tier, caller.scopes, caller.key_hash), now)
        account = accounts.account(account_id)
        if account is None or not _is_good(caller.key_hash, accounts, now):
            connections.remove(connection_id)
            return False
        if account.tier is tier:
            return True
        tier = account.tier


def _is_good(key_hash: str, accounts: AccountRepository, now: datetime) -> bool:
    key = accounts.key(key_hash) if key_hash else None
    return not key_hash or (key is not None and key.is_good(now))


def disconnect(connection_id: str, *, connections: FollowerRepository) -> None:
    """Forget a connection and what it followed."""
    connections.remove(connection_id)


def receive(connection_id: str, body: str | None, conversation: Conversation) -> TransientError | None:
    """Answer one message. Every refusal has the shape `{"type": "error", "code": ..., "detail": ...}`.

    A fault of ours that may pass is answered `try_again`, and returned. It is raised only where that cannot be told
    either: then the gateway tells the client, in a shape of its own without a `type`.
    """
    fault: TransientError | None = None
    try:
        try:
            connection = conversation.connections.count_message(connection_id, conversation.now)
            for answer in _answers(connection, body, conversation):
                conversation.poster.post(connection_id, answer)
        except TransientError as e:
            fault = e
            conversation.poster.post(connection_id, _error("try_again", "a fault of ours that may pass: ask again"))
    except RecipientRejectedError:
        conversation.connections.remove(connection_id)
    return fault


def _answers(
    connection: Connection | None, body: str | None, conversation: Conversation
) -> Iterable[Mapping[str, Any]]:
    if connection is None:
        return [_error("unknown_connection", "this connection is not known any more: connect again")]
    if connection.messages > MOST_MESSAGES:
        return [_error("too_many_messages", f"a connection may send {MOST_MESSAGES} messages in ten seconds")]
    try:
        request = read_request(body)
        if request.action is Action.PING:
            return [{"type": "pong"}]
        topic = stored_topic(request.topic, connection.account_id, connection.tier)
        scope = scope_of(request.topic)
        if scope not in connection.scopes:
            return [_error("forbidden", f"{request.topic} needs a key or token with the scope {scope}")]
        answer = {Action.SUBSCRIBE: _subscribe, Action.UNSUBSCRIBE: _unsubscribe, Action.RESUME: _resume}
        return answer[request.action](connection, topic, request, conversation)
    except InvalidValueError as e:
        return [_error("invalid_request", str(e))]


def _subscribe(
    connection: Connection, topic: str, _request: Request, conversation: Conversation
) -> Iterable[Mapping[str, Any]]:
    """Follow first, then read the number: what comes in between is then told, and not missed."""
    group = _group(topic, conversation)
    if not conversation.connections.follow(connection.connection_id, topic, MOST_TOPICS, conversation.now, group):
        return [_error("too_many_topics", f"a connection may follow {MOST_TOPICS} topics")]
    sequence = _last(topic, connection.tier, conversation)
    return [{"type": "subscribed", "topic": public_name(topic), "sequence": sequence}]


def _last(topic: str, tier: Tier, conversation: Conversation) -> int:
    """Return the number of the newest entry of a topic that this tier may know of."""
    last = conversation.reader(topic).last(topic)
    if not topic.startswith(f"{ALERTS}:") or not tier.delay:
        return last
    newest = conversation.log.after(topic, max(last - MOST_RESUMED, 0), MOST_RESUMED)
    return last - len(newest) + len(_visible(newest, topic, tier, conversation.system_now))


def _group(topic: str, conversation: Conversation) -> str | None:
    """Return what a topic is told together with; raise InvalidValueError for the prices of what is not watched."""
    symbol = symbol_of(topic)
    bucket = conversation.prices.bucket(symbol) if symbol else None
    if symbol and bucket is None:
        raise InvalidValueError(f"symbol must be one that is watched, was {symbol[:60]!r}")
    return None if bucket is None else price_group(bucket)


def _unsubscribe(
    connection: Connection, topic: str, _request: Request, conversation: Conversation
) -> Iterable[Mapping[str, Any]]:
    conversation.connections.unfollow(connection.connection_id, topic)
    return [{"type": "unsubscribed", "topic": public_name(topic)}]


def _resume(
    connection: Connection, topic: str, request: Request, conversation: Conversation
) -> Iterable[Mapping[str, Any]]:
    """Yield what came after the client's number, then how far that reached.

    `lost` says that the oldest of it is not kept any more; `more`, that there is more to ask for.
    """
    most = MOST_PRICES_RESUMED if symbol_of(topic) else MOST_RESUMED
    found = conversation.reader(topic).after(topic, request.after, most + 1)
    entries = _visible(found[:most], topic, connection.tier, conversation.system_now)
    for start in range(0, len(entries), ENTRIES_TOGETHER):
        yield events_message(topic, entries[start : start + ENTRIES_TOGETHER])
    yield {
        "type": "resumed",
        "topic": public_name(topic),
        "sequence": entries[-1][0] if entries else request.after,
        "lost": _is_lost(topic, request.after, found, conversation),
        "more": len(found) > len(entries) == most,
    }


def _is_lost(topic: str, after: int, found: list[tuple[int, dict[str, Any]]], conversation: Conversation) -> bool:
    """Return whether something that came after the client's number is not kept any more."""
    if symbol_of(topic):
        return after + 1 < conversation.prices.oldest(topic)
    last = conversation.log.last(topic)
    first = found[0][0] if found else last + 1
    return after < last and first > after + 1


def _visible(
    entries: list[tuple[int, dict[str, Any]]], topic: str, tier: Tier, now: datetime
) -> list[tuple[int, dict[str, Any]]]:
    """Return the entries up to the first that tells of a signal which this tier may not know of yet.

    Only an account's own alerts can hold one, from when its tier was a higher one: alerts fire, and the topics of
    signals are written, when the tier may know.
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
