"""WebSocket connections in DynamoDB: one item for who is there, and one for each topic they follow.

The items of a connection lie together, so that its end removes them all. The followers of a topic are found by an index
that only the second kind is in: telling a topic costs what its followers cost, however many others are connected.
"""

from datetime import datetime, timedelta

from pynamodb.attributes import UnicodeAttribute
from pynamodb.expressions.update import Action
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from signalbox.adapters.storage.attributes import MomentAttribute, WholeAttribute, WordAttribute
from signalbox.adapters.storage.dynamo import ConditionFailedError, Table
from signalbox.domain.accounts.account import Tier
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
    """One connection and whose it is, or one topic that it follows."""

    class Meta:
        table_name = ""

    setting = "CONNECTIONS_TABLE"
    by_topic = ByTopicIndex()

    connection_id = UnicodeAttribute(hash_key=True)
    topic = UnicodeAttribute(range_key=True)
    followed = UnicodeAttribute(null=True)  # the topic again, where it is one, or the group that it is told with
    account_id = UnicodeAttribute(null=True)  # only of the connection itself, like what follows
    tier = WordAttribute(Tier, null=True)
    connected_at = MomentAttribute(null=True)
    window = WholeAttribute(null=True)
    messages = WholeAttribute(null=True)
    ttl = WholeAttribute()


class DynamoConnectionRepository:
    """Implements `ports.FollowerRepository`."""

    def add(self, connection_id: str, account_id: str, tier: Tier, now: datetime) -> None:
        """Remember a connection and whose it is."""
        ConnectionItem(
            connection_id,
            SELF,
            account_id=account_id,
            tier=tier,
            connected_at=now,
            window=0,
            messages=0,
            ttl=_end(now),
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
            return Connection(connection_id, item.account_id, item.tier, item.messages)
        return None

    def follow(self, connection_id: str, topic: str, most: int, now: datetime, group: str | None = None) -> bool:
        """Let a connection follow a topic; return False, changing nothing, if it would be more than `most`.

        The followers of the topics of one `group` lie together: one query finds them, however many topics it has.
        """
        followed = set(_topics(connection_id)) - {SELF}
        if topic not in followed and len(followed) >= most:
            return False
        ConnectionItem(
            connection_id,
            topic,
            followed=group or topic,
            ttl=_end(now),
        ).save()
        return True

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
        """Forget a connection and what it followed, known or not."""
        with ConnectionItem.batch_write() as batch:
            for topic in _topics(connection_id):
                batch.delete(ConnectionItem(connection_id, topic))


def _topics(connection_id: str) -> list[str]:
    pages = ConnectionItem.query_raw("#connection_id = :id", {":id": {"S": connection_id}}, ConsistentRead=True)
    return [raw["topic"]["S"] for page in pages for raw in page]


def _end(now: datetime) -> int:
    return int((now + LIFE).timestamp())
