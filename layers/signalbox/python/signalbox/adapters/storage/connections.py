"""WebSocket connections in DynamoDB: one item for who is there, and one for each topic they follow.

The items of a connection lie together, so that its end removes them all; one more, under `account#<id>`, finds it for
its account. The followers of a topic are found by an index that only the second kind is in: telling a topic costs what
its followers cost, however many others are connected.
"""

from datetime import datetime, timedelta

from pynamodb.attributes import UnicodeAttribute
from pynamodb.expressions.update import Action
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from signalbox.adapters.storage.attributes import MomentAttribute, WholeAttribute, WordAttribute, WordsAttribute
from signalbox.adapters.storage.dynamo import ConditionFailedError, RawItem, Table
from signalbox.domain.accounts.account import Scope, Tier
from signalbox.ports.topics import Connection

LIFE = timedelta(hours=3)
"""API Gateway ends a connection after two hours; what its end leaves behind goes an hour later."""
WINDOW = timedelta(seconds=10)
"""Over how long the messages of a connection are counted."""
SELF = "-"
"""What stands for a topic in the item of the connection itself."""


class ByTopicIndex(GlobalSecondaryIndex["ConnectionItem"]):  # type: ignore[no-untyped-call] # PynamoDB leaves it untyped
    """Who follows this topic? Sparse: the items of the connections themselves are not in it."""

    class Meta:
        index_name = "by-topic"
        projection = KeysOnlyProjection()

    followed = UnicodeAttribute(hash_key=True)
    connection_id = UnicodeAttribute(range_key=True)


class ConnectionItem(Table):
    """One connection and whose it is, one topic that it follows, or that an account has a connection."""

    class Meta:
        table_name = ""

    setting = "CONNECTIONS_TABLE"
    by_topic = ByTopicIndex()

    connection_id = UnicodeAttribute(hash_key=True)  # or "account#<id>"
    topic = UnicodeAttribute(range_key=True)  # or "-", or an account's connection
    followed = UnicodeAttribute(null=True)  # the topic again, where it is one, or the group that it is told with
    account_id = UnicodeAttribute(null=True)  # only of the connection itself, like what follows
    tier = WordAttribute(Tier, null=True)
    scopes = WordsAttribute(null=True)
    key_hash = UnicodeAttribute(null=True)  # also of an account's connection; absent for a session
    connected_at = MomentAttribute(null=True)
    window = WholeAttribute(null=True)
    messages = WholeAttribute(null=True)
    ttl = WholeAttribute()


class DynamoConnectionRepository:
    """Implements `ports.FollowerRepository`."""

    def add(self, connection: Connection, now: datetime) -> None:
        """Remember a connection or replace it; first that its account has it, so that there is none to be missed."""
        name, key_hash, end = connection.connection_id, connection.key_hash or None, _end(now)
        ConnectionItem(_owner(connection.account_id), name, key_hash=key_hash, ttl=end).save()
        ConnectionItem(
            name,
            SELF,
            account_id=connection.account_id,
            tier=connection.tier,
            scopes=sorted(connection.scopes),
            key_hash=key_hash,
            connected_at=now,
            window=0,
            messages=0,
            ttl=end,
        ).save()

    def count_message(self, connection_id: str, now: datetime) -> Connection | None:
        """Count one message of a connection in its window of `WINDOW`, and return it; None if it is not known."""
        window = int(now.timestamp() // WINDOW.total_seconds())
        item = ConnectionItem(connection_id, SELF)
        known = ConnectionItem.account_id.exists()
        same: list[Action] = [ConnectionItem.messages.add(1)]
        fresh: list[Action] = [ConnectionItem.window.set(window), ConnectionItem.messages.set(1)]
        for actions, condition in (
            (same, known & (ConnectionItem.window == window)),
            (fresh, known & (ConnectionItem.window != window)),
        ):
            try:
                item.update(actions, condition)
            except ConditionFailedError:
                continue
            scopes = frozenset(map(Scope, item.scopes or ()))
            return Connection(connection_id, item.account_id, item.tier, scopes, item.key_hash or "", item.messages)
        return None

    def follow(self, connection_id: str, topic: str, most: int, now: datetime, group: str | None = None) -> bool:
        """Let a connection follow a topic; return False, changing nothing, if it would be more than `most`, or if the
        connection is not known any more.

        The followers of the topics of one `group` lie together: one query finds them, however many topics it has. What
        there is is looked at after writing, as what removes a connection removes itself first: one sees the other.
        """
        item = ConnectionItem(connection_id, topic, followed=group or topic, ttl=_end(now))
        item.save()
        there = {raw["topic"]["S"] for raw in _items(connection_id)}
        if SELF in there and len(there - {SELF}) <= most:
            return True
        item.delete()
        return False

    def unfollow(self, connection_id: str, topic: str) -> None:
        """Let a connection follow a topic no more, followed or not."""
        ConnectionItem(connection_id, topic).delete()

    def followers(self, topic: str) -> list[str]:
        """Return the connections that follow a topic; one that began to a moment ago may be missing."""
        return [connection_id for _, connection_id in self.following(topic)]

    def following(self, group: str) -> list[tuple[str, str]]:
        """Return who follows a topic of a group: pairs of topic and connection; as late as `followers`."""
        pages = ConnectionItem.query_raw("#followed = :group", {":group": {"S": group}}, IndexName="by-topic")
        return [(raw["topic"]["S"], raw["connection_id"]["S"]) for page in pages for raw in page]

    def remove(self, connection_id: str) -> None:
        """Forget a connection and what it followed, known or not; itself first, so that it follows no more."""
        owners = [raw["account_id"]["S"] for raw in _items(connection_id) if "account_id" in raw]
        with ConnectionItem.batch_write() as batch:
            batch.delete(ConnectionItem(connection_id, SELF))
        with ConnectionItem.batch_write() as batch:
            for raw in _items(connection_id):
                batch.delete(ConnectionItem(connection_id, raw["topic"]["S"]))
            for account_id in owners:
                batch.delete(ConnectionItem(_owner(account_id), connection_id))

    def remove_of(self, account_id: str, key_hash: str | None = None) -> None:
        """Forget the connections of an account, or only those that came with this key, and what they followed."""
        for raw in _items(_owner(account_id)):
            if key_hash is None or raw.get("key_hash", {}).get("S") == key_hash:
                self.remove(raw["topic"]["S"])
                with ConnectionItem.batch_write() as batch:  # also where only this was left of it
                    batch.delete(ConnectionItem(_owner(account_id), raw["topic"]["S"]))


def _owner(account_id: str) -> str:
    return f"account#{account_id}"


def _items(connection_id: str) -> list[RawItem]:
    pages = ConnectionItem.query_raw("#connection_id = :id", {":id": {"S": connection_id}}, ConsistentRead=True)
    return [raw for page in pages for raw in page]


def _end(now: datetime) -> int:
    return int((now + LIFE).timestamp())
