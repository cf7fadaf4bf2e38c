"""What an account was told: its deliveries, and a receipt to check one's own notes against."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import islice

from signalbox.domain.accounts.account import Tier
from signalbox.domain.delivery.delivery import Channel, Delivery, DeliveryState
from signalbox.domain.delivery.topics import feed_account, public_name
from signalbox.domain.signals.events import EventKind
from signalbox.ports.topics import AccountDeliveries

MOST_IN_A_RECEIPT = 5_000
"""Deliveries that one receipt covers at most; a longer span is asked for in parts."""
_TAKEN = frozenset({DeliveryState.ACCEPTED, DeliveryState.DELIVERED})


@dataclass(frozen=True, slots=True)
class NumberRange:
    """The numbers of a topic that one should have: how many, the first and the last."""

    first: int
    last: int
    count: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """Everything an account should have got of what was queued in a span.

    `states` counts deliveries by channel and state. `numbers` are those of topics. `checksum` is the SHA-256, in hex,
    of the sorted ids of what was taken, joined by line breaks. `complete` is False if the span held more.
    """

    count: int
    states: dict[Channel, dict[DeliveryState, int]]
    numbers: dict[str, NumberRange]
    checksum: str
    complete: bool


def tell_deliveries(
    account_id: str,
    delay: timedelta,
    *,
    deliveries: AccountDeliveries,
    since: datetime,
    until: datetime,
    limit: int,
    now: datetime,
    signal_id: str | None = None,
) -> list[Delivery]:
    """Return the newest `limit` deliveries of an account, newest first, but none of an open signal that its tier may
    not know of yet: one that waits in its queue for that, or was never to be sent, would tell of it, and so would the
    place it took. What is read more for it was queued within `delay`. `now` is the wall clock.
    """
    return list(islice(_told(deliveries.of_account(account_id, since, until, signal_id), delay, now), limit))


def make_receipt(
    account_id: str, tier: Tier, *, deliveries: AccountDeliveries, since: datetime, until: datetime, now: datetime
) -> Receipt:
    """Return the receipt for [since, until): the account's own deliveries, and the numbers of the topic of all signals
    that its tier may follow."""
    most = MOST_IN_A_RECEIPT + 1
    found, feed = (
        list(islice(_told(deliveries.of_account(name, since, until), tier.delay, now), most))
        for name in (account_id, feed_account(tier))
    )
    counted = found[:MOST_IN_A_RECEIPT]
    by_channel = {channel: [each for each in counted if each.channel is channel] for channel in Channel}
    taken = sorted(each.delivery_id for each in counted if each.state in _TAKEN)
    return Receipt(
        count=len(taken),
        states={channel: dict(Counter(each.state for each in group)) for channel, group in by_channel.items() if group},
        numbers=_numbers([*counted, *feed[:MOST_IN_A_RECEIPT]]),
        checksum=sha256("\n".join(taken).encode()).hexdigest(),
        complete=max(len(found), len(feed)) < most,
    )


def _told(deliveries: Iterable[Delivery], delay: timedelta, now: datetime) -> Iterator[Delivery]:
    return (each for each in deliveries if not _is_hidden(each, delay, now))


def _is_hidden(delivery: Delivery, delay: timedelta, now: datetime) -> bool:
    return delivery.state not in _TAKEN and delivery.kind is not EventKind.ENDED and now < delivery.queued_at + delay


def _numbers(deliveries: Sequence[Delivery]) -> dict[str, NumberRange]:
    by_topic: dict[str, list[int]] = {}
    for delivery in deliveries:
        if delivery.channel is Channel.WEBSOCKET and delivery.state in _TAKEN and delivery.service_id:
            topic, _, number = delivery.service_id.rpartition("!")
            by_topic.setdefault(public_name(topic), []).append(int(number))
    return {topic: NumberRange(min(found), max(found), len(found)) for topic, found in by_topic.items()}
