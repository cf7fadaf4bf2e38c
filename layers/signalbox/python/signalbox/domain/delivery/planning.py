"""When one event is told to one subscriber: now, with a digest, after quiet hours, or if the day's budget allows it.

A plan is a pure function of the event and the subscription: an event routed twice is planned alike. `as_of`, the moment
the event happened by the system clock, is what counts, not the moment of routing.

A daily budget is how many messages a local day may bring by each channel, digests of e-mail apart. Rivals wait for
each other: some minutes, and for the end of quiet hours. Then the best by quality take the slots that the day has left.
E-mail beyond them waits for the next digest. A push beyond them is SUPPRESSED(budget): a subscription that has e-mail,
too, tells of its event there.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zlib import crc32

from signalbox.domain.accounts.channel import Channel
from signalbox.domain.delivery.delivery import Delivery, Subscription
from signalbox.domain.delivery.timing import Digest, after_quiet, next_digest, next_multiple
from signalbox.domain.signals.events import EventKind, SignalEvent

DUE_PARTITIONS = 8
"""Among how many partitions of the `due` index accounts are spread."""
BUDGET_WINDOW = timedelta(minutes=5)
"""How long messages that a budget limits wait for each other: the best of them are kept."""
BEYOND_BUDGET = "budget"
"""Why what a daily budget leaves over is not told by a channel that has no digest."""


class Wait(StrEnum):
    """What a delivery waits for."""

    DIGEST = "digest"
    QUIET = "quiet"
    BUDGET = "budget"


@dataclass(frozen=True, slots=True)
class Plan:
    """When to tell. `at` is None for at once (tier delay apart, which the queue keeps)."""

    at: datetime | None = None
    wait: Wait | None = None


AT_ONCE = Plan()


def plan_delivery(event: SignalEvent, subscription: Subscription, channel: Channel) -> Plan:
    """Return when `event` is told by `channel`. What is told is never younger than the tier's delay.

    A WebSocket is told at once: somebody is looking. E-mail goes with the digest where one is wanted; the rest waits,
    under a daily budget, a few minutes for its rivals, and in any case for the end of quiet hours.
    """
    if channel is Channel.WEBSOCKET:
        return AT_ONCE
    ready = ready_at(event, subscription)
    if channel is Channel.EMAIL and subscription.digest is not Digest.IMMEDIATE:
        return Plan(digest_after(ready, subscription, subscription.digest), Wait.DIGEST)
    if subscription.daily_budget is not None:
        return Plan(_undisturbed(next_multiple(ready, BUDGET_WINDOW), subscription), Wait.BUDGET)
    undisturbed = _undisturbed(ready, subscription)
    return AT_ONCE if undisturbed == ready else Plan(undisturbed, Wait.QUIET)


def ready_at(event: SignalEvent, subscription: Subscription) -> datetime:
    """Return the first moment at which the subscriber's tier may know of the event."""
    return event.as_of + subscription.tier.delay if event.kind is EventKind.PUBLISHED else event.as_of


def digest_after(moment: datetime, subscription: Subscription, digest: Digest) -> datetime:
    """Return when the digest after `moment` is sent: at its time, or when the quiet hours it falls into are over."""
    return _undisturbed(next_digest(moment, digest, subscription.time_zone), subscription)


def needs_slot(delivery: Delivery) -> bool:
    """Return whether a delivery that is due takes a slot of a daily budget: all but what a digest of e-mail gathers."""
    return delivery.channel is not Channel.EMAIL or delivery.wait != Wait.DIGEST


def overflow_digest(subscription: Subscription) -> Digest:
    """Return the digest that takes what a daily budget leaves over."""
    return Digest.DAILY if subscription.digest is Digest.IMMEDIATE else subscription.digest


def due_partition(account_id: str) -> str:
    """Return the partition of the `due` index that holds what waits for an account: all of it in one."""
    return str(crc32(account_id.encode()) % DUE_PARTITIONS)


def _undisturbed(moment: datetime, subscription: Subscription) -> datetime:
    return after_quiet(moment, subscription.quiet, subscription.time_zone)
