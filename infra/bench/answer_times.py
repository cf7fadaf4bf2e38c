"""What the API's own work on a page takes, by how it is answered: real code on DynamoDB's real replies, no network.

The client is botocore's, which writes and signs each request and decodes each reply; only what would be sent is
answered at once, with the bytes that DynamoDB would answer with.
"""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.session import get_session

from infra.bench.history_house import END
from infra.bench.timing import in_order
from signalbox.adapters import aws
from signalbox.adapters.caching.answers import AnswerCache
from signalbox.adapters.storage.cache import DynamoAnswers, DynamoCacheReader
from signalbox.adapters.storage.signal_items import item_of
from signalbox.adapters.storage.signals import DynamoSignalRepository
from signalbox.api.conditional import weak_tag
from signalbox.api.page_texts import kept_page, read_page
from signalbox.domain.signals.signal import Signal
from signalbox.ports.signals import FeedQuery

STRETCH = 600
"""Answers of the day that are timed."""
BLOCK = 60
"""Answers in a row with the cache; after them a tenth as many without."""
DAY = timedelta(days=1)
CORE = 0.58
"""The share of a core that the API has: its 1,024 MB of the 1,769 that make one."""
BEFORE, NEAR, SHARED, RECOMPUTED = "read from the tables", "kept in the worker", "kept in the table", "read anew"
WAYS = {NEAR: "near_hits", SHARED: "shared_hits", RECOMPUTED: "recomputed"}
"""How an answer comes about while nobody waits for anybody, and what `CacheFigures` counts it under."""


@dataclass
class Replies:
    """Answers a client's requests by their operation, and remembers what was put into the cache."""

    page: bytes
    kept: dict[str, Any] = field(default_factory=dict)

    def __call__(self, request: Any, **_: Any) -> AWSResponse:
        operation = request.headers["X-Amz-Target"].decode().rpartition(".")[2]
        return AWSResponse(request.url, 200, {}, _Body(self._reply(operation, json.loads(request.body))))  # type: ignore[arg-type]

    def _reply(self, operation: str, asked: dict[str, Any]) -> bytes:
        if operation == "Query":
            return self.page
        if operation == "PutItem":
            self.kept[asked["Item"]["entry"]["S"]] = asked["Item"]
        if operation != "BatchGetItem":
            return b"{}"
        ((table, keys),) = asked["RequestItems"].items()
        entries = [key["entry"]["S"] for key in keys["Keys"]]
        found = [self.kept.get(entry) or _counter(entry) for entry in entries]
        return json.dumps({"Responses": {table: [each for each in found if each]}, "UnprocessedKeys": {}}).encode()


@dataclass(frozen=True, slots=True)
class _Body:
    data: bytes

    def stream(self) -> Iterator[bytes]:
        yield self.data


def milliseconds(signals: Sequence[Signal], ways: Sequence[str]) -> dict[str, float]:
    """Return what a page of `signals` takes on the API's share of a core, by how it is answered: the median.

    `ways` are how one worker came by its day's answers, one after the other (`WAYS`); they are timed just so.
    """
    replies = Replies(_page(signals))
    query = FeedQuery(since=END - 20 * DAY, until=END, visible_at=END, limit=len(signals))
    with _answered_by(replies):
        times = in_order(_cases(replies, query), _in_blocks(ways[:STRETCH]))
    return {name: 1000 * seconds / CORE for name, seconds in times.items()}


def _in_blocks(order: Sequence[str]) -> Iterator[str]:
    """Yield what to time: both sides share the machine's moods, and each follows its own kind, as it does in life."""
    for start in range(0, len(order), BLOCK):
        yield from order[start : start + BLOCK]
        yield from [BEFORE] * (BLOCK // 10)


def _cases(replies: Replies, query: FeedQuery) -> dict[str, Callable[[], object]]:
    signals = DynamoSignalRepository(b"cursors of a measurement")

    def now() -> datetime:
        return datetime.now(UTC)

    def cache() -> AnswerCache:
        return AnswerCache(DynamoCacheReader(), DynamoAnswers(), now)

    def ask(through: AnswerCache) -> str:
        return weak_tag(kept_page(query, cache=through, signals=signals, now=END).text)

    def recompute() -> str:
        for entry in [each for each in replies.kept if each.startswith("answer")]:
            del replies.kept[entry]
        return ask(cache())

    near = cache()
    recompute()
    ask(near)
    return {
        BEFORE: lambda: weak_tag(read_page(query, signals, END).text),
        NEAR: lambda: ask(near),
        SHARED: lambda: ask(cache()),
        RECOMPUTED: recompute,
    }


@contextmanager
def _answered_by(replies: Replies) -> Iterator[None]:
    """Let every client of DynamoDB be answered by `replies`."""
    session = get_session()
    session.set_credentials("none", "none")
    client = session.create_client("dynamodb", region_name="eu-central-1", config=aws.config("dynamodb"))
    client.meta.events.register("before-send.dynamodb", replies)  # type: ignore[arg-type] # may return the reply
    real = aws.client
    aws.client = lambda *_, **__: client  # type: ignore[assignment] # a client that nothing leaves
    try:
        yield
    finally:
        aws.client = real


def _page(signals: Sequence[Signal]) -> bytes:
    items = [item_of(signal).serialize() for signal in signals]
    return json.dumps({"Items": items, "Count": len(items), "ScannedCount": len(items)}, default=_text).encode()


def _text(value: bytes) -> str:
    return b64encode(value).decode()


def _counter(entry: str) -> dict[str, Any] | None:
    if not entry.startswith("version"):
        return None
    return {"entry": {"S": entry}, "number": {"N": "7"}, "changed_at": {"N": "1700000000000"}}
