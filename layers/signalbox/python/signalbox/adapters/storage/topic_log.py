"""The topic log in DynamoDB: what was told to whom, numbered in each topic without a gap, kept for a day.

Item 0 of a topic counts its entries and outlives them. An entry is written together with the next count, on condition
that the count is still the one it was numbered by: numbers come in the order in which entries become visible, so that
one who has read up to a number has missed nothing before it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pynamodb.attributes import TTLAttribute, UnicodeAttribute
from pynamodb.transactions import TransactWrite

from signalbox.adapters.storage.attributes import CompactJSONAttribute, WholeAttribute
from signalbox.adapters.storage.dynamo import ConditionFailedError, RawItem, SharedConnection, Table, call
from signalbox.domain.errors import InvalidValueError, StorageUnavailableError
from signalbox.settings import settings

COUNT = 0
"""The number of the item that counts."""
MOST_TRIES = 50
"""How often a number is tried for that others were given first."""


class TopicLogItem(Table):
    """One entry of a topic; or, under number 0, how many there were."""

    class Meta:
        table_name = ""

    setting = "TOPIC_LOG_TABLE"
    topic = UnicodeAttribute(hash_key=True)
    sequence = WholeAttribute(range_key=True)
    record = CompactJSONAttribute(null=True)
    last = WholeAttribute(null=True)  # only of number 0
    ttl = TTLAttribute(null=True)


class DynamoTopicLog:
    """Implements `ports.TopicLog`."""

    def entry(self, topic: str, sequence: int) -> dict[str, Any] | None:
        """Return one entry, or None if there is none (any more)."""
        raw = _fetch(topic, sequence) if sequence > COUNT else None
        return None if raw is None else TopicLogItem.values(raw)["record"]

    def after(self, topic: str, sequence: int, limit: int) -> list[tuple[int, dict[str, Any]]]:
        """Return the first `limit` entries after `sequence` with their numbers, oldest first."""
        if limit < 1:
            raise InvalidValueError(f"limit must be at least 1, was {limit}")
        pages = TopicLogItem.query_raw(
            "#topic = :topic AND #sequence > :sequence",
            {":topic": {"S": topic}, ":sequence": {"N": str(max(sequence, COUNT))}},
            Limit=limit,
            ConsistentRead=True,
        )
        found: list[tuple[int, dict[str, Any]]] = []
        for page in pages:
            found += [(values["sequence"], values["record"]) for values in map(TopicLogItem.values, page)]
            if len(found) >= limit:
                break
        return found[:limit]

    def last(self, topic: str) -> int:
        """Return the number of the newest entry that the topic ever had, 0 before the first."""
        return last_number(topic)

    def append_once(self, topic: str, event_id: str, record: Mapping[str, Any], now: datetime) -> int:
        """Append what an event says, and return its number; an event that is there already keeps the number it has.

        Raises StorageUnavailableError if others were first too many times.
        """
        mark = f"{topic}@{event_id}"
        for _ in range(MOST_TRIES):
            if known := last_number(mark):
                return known
            last = last_number(topic)
            try:
                with TransactWrite(connection=SharedConnection()) as transaction:
                    append(transaction, topic, [record], last=last, now=now)
                    told = TopicLogItem(mark, COUNT, last=last + 1, ttl=_end(now))
                    transaction.save(told, TopicLogItem.topic.does_not_exist())
            except ConditionFailedError:
                continue
            return last + 1
        raise StorageUnavailableError(f"{topic} did not give {event_id} a number in {MOST_TRIES} tries")

    def forget(self, topic: str) -> None:
        """Remove a topic, known or not: its entries and its count."""
        pages = TopicLogItem.query_raw(
            "#topic = :topic AND #sequence >= :first",
            {":topic": {"S": topic}, ":first": {"N": str(COUNT)}},
            ProjectionExpression="#sequence",
        )
        with TopicLogItem.batch_write() as batch:
            for page in pages:
                for raw in page:
                    batch.delete(TopicLogItem(topic, int(raw["sequence"]["N"])))


def last_number(topic: str) -> int:
    """Return the number of the newest entry that a topic ever had, 0 before the first; read consistently."""
    raw = _fetch(topic, COUNT)
    return 0 if raw is None else int(raw["last"]["N"])


def append(
    transaction: TransactWrite, topic: str, records: Sequence[Mapping[str, Any]], *, last: int, now: datetime
) -> None:
    """Let `transaction` append `records` to a topic whose newest number is `last`, by the wall clock's `now`."""
    count = TopicLogItem(topic, COUNT, last=last + len(records))
    as_read = TopicLogItem.topic.does_not_exist() if last == 0 else TopicLogItem.last == last
    transaction.save(count, as_read)
    for number, record in enumerate(records, start=last + 1):
        transaction.save(TopicLogItem(topic, number, record=dict(record), ttl=_end(now)))


def _end(now: datetime) -> datetime:
    return now + timedelta(hours=settings().topics_kept_hours)


def _fetch(topic: str, sequence: int) -> RawItem | None:
    key = {"topic": {"S": topic}, "sequence": {"N": str(sequence)}}
    return call("GetItem", {"TableName": TopicLogItem.name(), "Key": key, "ConsistentRead": True}).get("Item")
