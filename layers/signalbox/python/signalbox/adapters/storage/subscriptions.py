"""Subscriptions in DynamoDB: under every topic they name, so that an event finds them in two queries.

A topic is a symbol, or `*` for all. Beside these a subscription has one item under `=<subscription_id>` that lists its
topics, so that replacing it finds those it no longer names. It is written before the topics and after them: a
`put` that dies half way leaves nothing that repeating it does not mend.
"""

from collections.abc import Iterable
from typing import Any

from pynamodb.attributes import UnicodeAttribute

from signalbox.adapters.storage.attributes import CompactJSONAttribute, WordsAttribute
from signalbox.adapters.storage.dynamo import RawItem, Table
from signalbox.domain.accounts.account import Tier
from signalbox.domain.delivery.delivery import Channel, Subscription

ALL_SYMBOLS = "*"
_SETS = ("symbols", "strategies", "timeframes", "signal_types")


class SubscriptionItem(Table):
    """One subscription under one of its topics, or the list of its topics."""

    class Meta:
        table_name = ""

    setting = "SUBSCRIPTIONS_TABLE"
    topic = UnicodeAttribute(hash_key=True)  # a symbol, "*", or "=<subscription_id>"
    subscription_id = UnicodeAttribute(range_key=True)
    subscription = CompactJSONAttribute(null=True)
    topics = WordsAttribute(null=True)  # only under "="


class DynamoSubscriptionRepository:
    """Implements `ports.SubscriptionRepository`."""

    def matching(self, symbol: str) -> list[Subscription]:
        """Return the subscriptions that name `symbol` or all symbols, in order of their ids."""
        found = {each.subscription_id: each for topic in (symbol, ALL_SYMBOLS) for each in _under(topic)}
        return [found[subscription_id] for subscription_id in sorted(found)]

    def put(self, subscription: Subscription) -> None:
        """Store or replace a subscription."""
        subscription_id = subscription.subscription_id
        listed = SubscriptionItem.fetch(topic=f"={subscription_id}", subscription_id=subscription_id)
        before = set(listed["topics"]) if listed else set()
        topics = set(subscription.symbols) or {ALL_SYMBOLS}
        _list_topics(subscription_id, before | topics)
        for topic in topics:
            SubscriptionItem(topic, subscription_id, subscription=_record_of(subscription)).save()
        for topic in before - topics:
            SubscriptionItem(topic, subscription_id).delete()
        if before - topics:
            _list_topics(subscription_id, topics)


def _under(topic: str) -> list[Subscription]:
    pages = SubscriptionItem.query_raw("#topic = :topic", {":topic": {"S": topic}})
    return [_subscription_of(raw) for page in pages for raw in page]


def _list_topics(subscription_id: str, topics: Iterable[str]) -> None:
    SubscriptionItem(f"={subscription_id}", subscription_id, topics=sorted(topics)).save()


def _record_of(subscription: Subscription) -> dict[str, Any]:
    return {
        "account_id": subscription.account_id,
        "tier": subscription.tier,
        "channels": sorted(subscription.channels),
        "email": subscription.email,
        "minimum_quality": subscription.minimum_quality,
        "endings": subscription.endings,
        **{name: sorted(getattr(subscription, name)) for name in _SETS},
    }


def _subscription_of(raw: RawItem) -> Subscription:
    values = SubscriptionItem.values(raw)
    record = values["subscription"]
    return Subscription(
        subscription_id=values["subscription_id"],
        **record
        | {name: frozenset(record[name]) for name in _SETS}
        | {"tier": Tier(record["tier"]), "channels": frozenset(map(Channel, record["channels"]))},
    )
