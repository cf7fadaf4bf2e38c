"""Send on what waited: digests, what quiet hours held back, and the best of what a daily budget allows.

Everything is queued before it is released, and a claim lets each be sent once: a run that dies anywhere, or overlaps
another, leaves what one run leaves.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from signalbox.domain.accounts.account import Tier
from signalbox.domain.delivery.delivery import Channel, Delivery, DeliveryState
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
from signalbox.ports.signals import SignalRepository
from signalbox.ports.work import Queue
from signalbox.services.delivery_task import digest_message
from signalbox.services.due_owners import Owners, Wanted
from signalbox.services.route_deliveries import messages_of

MOST_AT_ONCE = 1_000
"""How many deliveries of one partition a run takes; the next run takes the rest."""
MOST_IN_ONE_MAIL = 200
"""How many items one digest lists; more than that come in a second one."""
SLOTS_KEPT = timedelta(days=2)
"""How long a day's budget is remembered: longer than any day lasts anywhere."""


@dataclass(frozen=True, slots=True)
class ReleaseReport:
    """What became of what was due.

    `released` went to a queue, in `digests` mails or alone. `deferred` waits on: for a digest, as it was beyond a
    budget, or as another subscription of its account wants it later. `suppressed` was beyond a budget, by a channel
    without digests; `cancelled` nobody wants any more.
    """

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
    signals: SignalRepository
    quotas: QuotaRepository
    queues: Mapping[Tier, Queue]
    now: datetime
    wall_now: datetime


def release_due(desk: Desk) -> ReleaseReport:
    """Release everything that is due, higher tiers first, best first within a mail or a budget."""
    report = ReleaseReport()
    owners = Owners(desk.subscriptions, desk.signals, desk.now)
    for partition in range(DUE_PARTITIONS):
        due = desk.deliveries.due(str(partition), desk.now, MOST_AT_ONCE)
        wanted, settled = _as_wanted_now(due, owners, desk)
        report += settled
        for group in sorted(_groups(wanted), key=lambda group: -group[0].delivery.tier.terms.priority):
            report += _release_group(group, desk)
    return report


def _as_wanted_now(due: Sequence[Delivery], owners: Owners, desk: Desk) -> tuple[list[Wanted], ReleaseReport]:
    """Return what of `due` is still wanted now, and what became of the rest."""
    wanted: list[Wanted] = []
    report = ReleaseReport()
    for delivery in due:
        found = owners.wanted(delivery)
        if found is None:
            report += ReleaseReport(cancelled=_suppress(delivery, "unsubscribed", desk))
        elif found.delivery == delivery:
            wanted.append(found)
        elif _replan(delivery, found.delivery, desk):
            later = found.delivery.due_at is not None and found.delivery.due_at > desk.now
            report += ReleaseReport(deferred=int(later))
            wanted += [] if later else [found]
    return wanted, report


def _groups(wanted: Sequence[Wanted]) -> list[list[Wanted]]:
    """Return what is wanted by subscriber, channel and address."""
    groups: dict[tuple[str, Channel, Tier, str], list[Wanted]] = defaultdict(list)
    for each in wanted:
        delivery = each.delivery
        groups[delivery.account_id, delivery.channel, delivery.tier, delivery.recipient].append(each)
    return list(groups.values())


def _release_group(group: list[Wanted], desk: Desk) -> ReleaseReport:
    released: list[Delivery] = []
    report = ReleaseReport()
    for each in sorted(group, key=_best_first):
        if needs_slot(each.delivery) and not _within_budget(each, desk):
            report += _leave_over(each, desk)
        else:
            released.append(each.delivery)
    return report + _send(released, desk)


def _best_first(wanted: Wanted) -> tuple[float, str]:
    """Order by falling quality; equals by their ids, so that the order never varies."""
    return -wanted.delivery.quality_score, wanted.delivery.delivery_id


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


def _within_budget(wanted: Wanted, desk: Desk) -> bool:
    """Take one of the day's slots for this delivery; one that took it before a crash has it still."""
    delivery, subscription = wanted.delivery, wanted.subscription
    if subscription.daily_budget is None:
        return True
    day = local_day(desk.now, subscription.time_zone)
    holder = f"budget#{subscription.subscription_id}#{delivery.channel}#{day}"
    return desk.quotas.take_slot(
        holder, delivery.delivery_id, limit=subscription.daily_budget, until=desk.wall_now + SLOTS_KEPT
    )


def _leave_over(wanted: Wanted, desk: Desk) -> ReleaseReport:
    """Leave what is beyond a budget for the digest, where its channel has one."""
    delivery, subscription = wanted.delivery, wanted.subscription
    if delivery.channel is not Channel.EMAIL:
        return ReleaseReport(suppressed=_suppress(delivery, BEYOND_BUDGET, desk))
    until = digest_after(desk.now, subscription, overflow_digest(subscription))
    return ReleaseReport(deferred=int(_replan(delivery, replace(delivery, due_at=until, wait=Wait.DIGEST), desk)))


def _replan(delivery: Delivery, planned: Delivery, desk: Desk) -> bool:
    """Plan it anew; what an earlier run queued before it died is being sent as it was, and waits no more."""
    if desk.deliveries.replan(delivery, planned):
        return True
    desk.deliveries.release(delivery)
    return False


def _suppress(delivery: Delivery, why: str, desk: Desk) -> int:
    """Record that it is not told, and let it wait no more; return how many that was so for."""
    claimed = desk.deliveries.claim(delivery.signal_id, delivery.delivery_id, desk.wall_now)
    if claimed is not None:
        desk.deliveries.finish(claimed, DeliveryState.SUPPRESSED, desk.wall_now, reason=why)
    desk.deliveries.release(delivery)
    return int(claimed is not None)
