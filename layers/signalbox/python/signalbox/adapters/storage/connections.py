"""WebSocket connections in DynamoDB."""

from datetime import datetime, timedelta

from pynamodb.attributes import UnicodeAttribute

from signalbox.adapters.storage.attributes import MomentAttribute, WholeAttribute, WordAttribute
from signalbox.adapters.storage.dynamo import Table
from signalbox.domain.accounts.account import Tier

LIFE = timedelta(hours=3)
"""API Gateway ends a connection after two hours; what its end leaves behind goes an hour later."""


class ConnectionItem(Table):
    """One connection and whose it is."""

    class Meta:
        table_name = ""

    setting = "CONNECTIONS_TABLE"

    connection_id = UnicodeAttribute(hash_key=True)
    account_id = UnicodeAttribute()
    tier = WordAttribute(Tier)
    connected_at = MomentAttribute()
    ttl = WholeAttribute()


class DynamoConnectionRepository:
    """Implements `ports.ConnectionRepository`."""

    def add(self, connection_id: str, account_id: str, tier: Tier, now: datetime) -> None:
        """Remember a connection and whose it is."""
        ConnectionItem(
            connection_id=connection_id,
            account_id=account_id,
            tier=tier,
            connected_at=now,
            ttl=int((now + LIFE).timestamp()),
        ).save()

    def remove(self, connection_id: str) -> None:
        """Forget a connection, known or not."""
        ConnectionItem(connection_id).delete()
