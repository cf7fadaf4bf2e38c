"""Send on what waited: digests, what quiet hours held back, and the best of what a daily budget allows.

Everything is queued before it is released, and a claim lets each be sent once: a run that dies anywhere, or overlaps
another, leaves what one run leaves.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from signalbox.domain.accounts.account import Tier
from signalbox.domain.delivery.delivery import Channel, Delivery, DeliveryState, Subscription
from signalbox.domain.delivery.planning import (
    BEYOND_BUDGET,
    DUE_PARTITIONS,
    Wait,
    digest_after,
    needs_slot,
    overflow_digest,
)
from signalbox.domain.delivery.timing import local_day
from signalbox.domain.instants import to_iso
from signalbox.ports.access import QuotaRepository
from signalbox.ports.delivery import DeliveryRepository, SubscriptionRepository
from signalbox.ports.work import Queue
from signalbox.services.delivery_task import digest_message
from signalbox.services.route_deliveries import messages_of, recipient_of

MOST_AT_ONCE = 1_000
"""How many deliveries of one partition a run takes; the next run takes the rest."""
MOST_IN_ONE_MAIL = 200
"""How many items one digest lists; more than that come in a second one."""
SLOTS_KEPT = timedelta(days=2)
"""How long a day's budget is remembered: longer than any day lasts anywhere."""


@dataclass(frozen=True, slots=True)
class ReleaseReport:
    """What became of what was due. `released` went to a queue, in `digests` mails or alone; `deferred` was beyond a
    budget and waits for a digest; `suppressed` was beyond it, by a channel without one; `cancelled` had lost its
    subscription."""

    released: int = 0
    digests: int = 0
    deferred: int = 0
    suppressed: int = 0
    cancelled: int = 0

    def __add__(self, other: "ReleaseReport") -> "ReleaseReport":
        """Return both together."""
        return ReleaseReport(
            self.released + other.released,
            self.digests + other.digests,
            self.deferred + other.deferred,
            self.suppressed + other.suppressed,
            self.cancelled + other.cancelled,
        )


@dataclass(frozen=True, slots=True)
class Desk:
    """What releasing works with. `now` is the system clock, `wall_now` the wall clock, by which leases and budgets'
    memory run."""

    deliveries: DeliveryRepository
    subscriptions: SubscriptionRepository
    quotas: QuotaRepository
    queues: Mapping[Tier, Queue]
    now: datetime
    wall_now: datetime


def release_due(desk: Desk) -> ReleaseReport:
    """Release everything that is due, higher tiers first, best first within a mail or a budget."""
    report = ReleaseReport()
    for partition in range(DUE_PARTITIONS):
        due = desk.deliveries.due(str(partition), desk.now, MOST_AT_ONCE)
        for group in sorted(_groups(due), key=lambda group: -group[0].tier.terms.priority):
            report += _release_group(group, desk)
    return report


def best_first(deliveries: Iterable[Delivery]) -> list[Delivery]:
    """Return deliveries by falling quality; equals in order of their ids, so that the order never varies."""
    return sorted(deliveries, key=lambda each: (-each.quality_score, each.delivery_id))


def _groups(due: Sequence[Delivery]) -> list[list[Delivery]]:
    """Return what is due by subscriber, channel and address."""
    groups: dict[tuple[str, Channel, Tier, str], list[Delivery]] = defaultdict(list)
    for delivery in due:
        groups[delivery.account_id, delivery.channel, delivery.tier, delivery.recipient].append(delivery)
    return list(groups.values())


def _release_group(group: list[Delivery], desk: Desk) -> ReleaseReport:
    wanted: list[Delivery] = []
    report = ReleaseReport()
    subscriptions: dict[str | None, Subscription | None] = {}
    for delivery in best_first(group):
        name = delivery.subscription_id
        if name not in subscriptions:
            subscriptions[name] = desk.subscriptions.one(delivery.account_id, name) if name else None
        subscription = subscriptions[name]
        if subscription is None or not _still_wanted(delivery, subscription):
            report += ReleaseReport(cancelled=_suppress(delivery, "unsubscribed", desk))
        elif needs_slot(delivery) and not _within_budget(delivery, subscription, desk):
            report += _leave_over(delivery, subscription, desk)
        else:
            wanted.append(delivery)
    return report + _send(wanted, desk)


def _still_wanted(delivery: Delivery, subscription: Subscription) -> bool:
    if delivery.channel is Channel.EMAIL:
        return recipient_of(subscription, Channel.EMAIL) == delivery.recipient
    return delivery.channel in subscription.channels


def _send(wanted: list[Delivery], desk: Desk) -> ReleaseReport:
    if not wanted:
        return ReleaseReport()
    queue = desk.queues[wanted[0].tier]
    gathered = [each for each in wanted if each.wait != Wait.BUDGET and each.channel is Channel.EMAIL]
    mails = [batch for batch in _batches(gathered) if len(batch) > 1]
    in_mails = {each.delivery_id for batch in mails for each in batch}
    bodies: list[Mapping[str, Any]] = [digest_message(batch) | {"as_of": to_iso(desk.now)} for batch in mails]
    for delivery in wanted:
        if delivery.delivery_id not in in_mails:
            bodies += messages_of([delivery], delivery.kind, desk.now)
    queue.send(bodies)
    for delivery in wanted:
        desk.deliveries.release(delivery)
    return ReleaseReport(released=len(wanted), digests=len(mails))


def _batches(deliveries: list[Delivery]) -> Iterator[list[Delivery]]:
    for start in range(0, len(deliveries), MOST_IN_ONE_MAIL):
        yield deliveries[start : start + MOST_IN_ONE_MAIL]


def _within_budget(delivery: Delivery, subscription: Subscription, desk: Desk) -> bool:
    """Take one of the day's slots for this delivery; one that took it before a crash has it still."""
    if subscription.daily_budget is None:
        return True
    day = local_day(desk.now, subscription.time_zone)
    holder = f"budget#{subscription.subscription_id}#{delivery.channel}#{day}"
    return desk.quotas.take_slot(
        holder, delivery.delivery_id, limit=subscription.daily_budget, until=desk.wall_now + SLOTS_KEPT
    )


def _leave_over(delivery: Delivery, subscription: Subscription, desk: Desk) -> ReleaseReport:
    """Leave what is beyond a budget for the digest, where its channel has one."""
    if delivery.channel is not Channel.EMAIL:
        return ReleaseReport(suppressed=_suppress(delivery, BEYOND_BUDGET, desk))
    until = digest_after(desk.now, subscription, overflow_digest(subscription))
    return ReleaseReport(deferred=int(desk.deliveries.defer(delivery, until, str(Wait.DIGEST))))


def _suppress(delivery: Delivery, why: str, desk: Desk) -> int:
    """Record that it is not told, and let it wait no more; return how many that was so for."""
    claimed = desk.deliveries.claim(delivery.signal_id, delivery.delivery_id, desk.wall_now)
    if claimed is not None:
        desk.deliveries.finish(claimed, DeliveryState.SUPPRESSED, desk.wall_now, reason=why)
    desk.deliveries.release(delivery)
    return int(claimed is not None)
