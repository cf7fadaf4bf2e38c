"""Subscriptions in DynamoDB: under every topic they name, so that an event finds them in two queries.

A topic is a symbol, or `*` for all. Beside these a subscription has one item under `@<account_id>`, which the account's
own pages read, and which lists its topics, so that replacing it finds those it no longer names. That item is written
before the topics and after them: a `put` that dies half way leaves nothing that repeating it does not mend, and a
`remove` takes it away last.
"""

from collections.abc import Iterable
from datetime import time
from typing import Any

from pynamodb.attributes import UnicodeAttribute

from signalbox.adapters.storage.attributes import CompactJSONAttribute, WordsAttribute
from signalbox.adapters.storage.dynamo import RawItem, Table
from signalbox.domain.accounts.account import Tier
from signalbox.domain.delivery.delivery import Channel, Subscription
from signalbox.domain.delivery.timing import Digest, QuietHours

ALL_SYMBOLS = "*"
_SETS = ("symbols", "strategies", "timeframes", "signal_types")
_AS_IS = (
    "account_id",
    "email",
    "minimum_quality",
    "endings",
    "minimum_confidence",
    "confirmed",
    "time_zone",
    "daily_budget",
    "name",
)


class SubscriptionItem(Table):
    """One subscription under one of its topics, or under its account."""

    class Meta:
        table_name = ""

    setting = "SUBSCRIPTIONS_TABLE"
    topic = UnicodeAttribute(hash_key=True)  # a symbol, "*", or "@<account_id>"
    subscription_id = UnicodeAttribute(range_key=True)
    subscription = CompactJSONAttribute(null=True)
    topics = WordsAttribute(null=True)  # only under "@"


class DynamoSubscriptionRepository:
    """Implements `ports.SubscriptionRepository`."""

    def matching(self, symbol: str) -> list[Subscription]:
        """Return the subscriptions that name `symbol` or all symbols, in order of their ids."""
        found = {each.subscription_id: each for topic in (symbol, ALL_SYMBOLS) for each in _under(topic)}
        return [found[subscription_id] for subscription_id in sorted(found)]

    def of_account(self, account_id: str) -> list[Subscription]:
        """Return the subscriptions of an account, in order of their ids."""
        return _under(f"@{account_id}")

    def one(self, account_id: str, subscription_id: str) -> Subscription | None:
        """Return this subscription if this account has it; read consistently."""
        key = {"topic": f"@{account_id}", "subscription_id": subscription_id}
        raw = SubscriptionItem.fetch_raw(key)
        return None if raw is None else _subscription_of(raw)

    def put(self, subscription: Subscription) -> None:
        """Store or replace a subscription."""
        subscription_id = subscription.subscription_id
        before = _topics_of(subscription.account_id, subscription_id)
        topics = set(subscription.symbols) or {ALL_SYMBOLS}
        _store_own(subscription, before | topics)
        for topic in topics:
            SubscriptionItem(topic, subscription_id, subscription=_record_of(subscription)).save()
        for topic in before - topics:
            SubscriptionItem(topic, subscription_id).delete()
        if before - topics:
            _store_own(subscription, topics)

    def remove(self, account_id: str, subscription_id: str) -> bool:
        """Remove this subscription; return False if this account does not have it."""
        topics = _topics_of(account_id, subscription_id)
        for topic in topics:
            SubscriptionItem(topic, subscription_id).delete()
        if topics:
            SubscriptionItem(f"@{account_id}", subscription_id).delete()
        return bool(topics)


def _under(topic: str) -> list[Subscription]:
    pages = SubscriptionItem.query_raw("#topic = :topic", {":topic": {"S": topic}}, ConsistentRead=topic[0] == "@")
    return [_subscription_of(raw) for page in pages for raw in page]


def _topics_of(account_id: str, subscription_id: str) -> set[str]:
    listed = SubscriptionItem.fetch(topic=f"@{account_id}", subscription_id=subscription_id)
    return set(listed["topics"]) if listed else set()


def _store_own(subscription: Subscription, topics: Iterable[str]) -> None:
    SubscriptionItem(
        f"@{subscription.account_id}",
        subscription.subscription_id,
        subscription=_record_of(subscription),
        topics=sorted(topics),
    ).save()


def _record_of(subscription: Subscription) -> dict[str, Any]:
    quiet = subscription.quiet
    return {
        "tier": subscription.tier,
        "channels": sorted(subscription.channels),
        "digest": subscription.digest,
        "quiet": quiet and [quiet.start.isoformat("minutes"), quiet.end.isoformat("minutes")],
        **{name: getattr(subscription, name) for name in _AS_IS},
        **{name: sorted(getattr(subscription, name)) for name in _SETS},
    }


def _subscription_of(raw: RawItem) -> Subscription:
    """Return the subscription of an item; what is younger than the item has its default."""
    values = SubscriptionItem.values(raw)
    record = values["subscription"]
    quiet = record.get("quiet")
    read: dict[str, Any] = {
        "tier": Tier(record["tier"]),
        "channels": frozenset(map(Channel, record["channels"])),
        "digest": Digest(record.get("digest", Digest.IMMEDIATE)),
        "quiet": QuietHours(*map(time.fromisoformat, quiet)) if quiet else None,
        **{name: record[name] for name in _AS_IS if name in record},
        **{name: frozenset(record[name]) for name in _SETS},
    }
    return Subscription(subscription_id=values["subscription_id"], **read)
