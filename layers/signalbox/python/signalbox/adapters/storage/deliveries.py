"""Deliveries in DynamoDB: each stored once, claimed by one worker at a time, finished by the one who holds it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Any

from pynamodb.attributes import TTLAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex

from signalbox.adapters.clocks import WallClock
from signalbox.adapters.storage.attributes import (
    FloatAttribute,
    MomentAttribute,
    WholeAttribute,
    WordAttribute,
    sortable_iso,
)
from signalbox.adapters.storage.dynamo import ConditionFailedError, RawItem, Table
from signalbox.domain.accounts.account import Tier
from signalbox.domain.delivery.delivery import LEASE, NO_RECIPIENT, Channel, Delivery, DeliveryState
from signalbox.domain.delivery.planning import due_partition
from signalbox.domain.instants import MILLISECOND
from signalbox.ports.delivery import require_outcome, require_settlement
from signalbox.ports.work import Clock
from signalbox.settings import settings

_PLAN = ("subscription_id", "recipient", "due_at", "wait")


class ByRecipientIndex(GlobalSecondaryIndex["DeliveryItem"]):  # type: ignore[no-untyped-call] # PynamoDB leaves it untyped
    """What was this account sent, in order of queueing?"""

    class Meta:
        index_name = "by-recipient"
        projection = AllProjection()

    account_id = UnicodeAttribute(hash_key=True)
    queued_key = UnicodeAttribute(range_key=True)


class DueIndex(GlobalSecondaryIndex["DeliveryItem"]):  # type: ignore[no-untyped-call] # see above
    """What waits for a later moment? Sparse: being released removes the key."""

    class Meta:
        index_name = "due"
        projection = AllProjection()

    due_partition = UnicodeAttribute(hash_key=True)
    due_at = MomentAttribute(range_key=True)


class ByServiceIndex(GlobalSecondaryIndex["DeliveryItem"]):  # type: ignore[no-untyped-call] # see above
    """Which deliveries went with this mail? Sparse: only what a service took is in it."""

    class Meta:
        index_name = "by-service"
        projection = AllProjection()

    service_id = UnicodeAttribute(hash_key=True)


class DeliveryItem(Table):
    """One delivery, beside the others of its signal."""

    class Meta:
        table_name = ""

    setting = "DELIVERIES_TABLE"
    by_recipient = ByRecipientIndex()
    due = DueIndex()
    by_service = ByServiceIndex()

    signal_id = UnicodeAttribute(hash_key=True)
    delivery_id = UnicodeAttribute(range_key=True)
    queued_key = UnicodeAttribute()  # queued_at#delivery_id
    due_partition = UnicodeAttribute(null=True)  # only while it waits, like due_at
    due_at = MomentAttribute(null=True)
    ttl = TTLAttribute()

    event_id = UnicodeAttribute()
    account_id = UnicodeAttribute()
    channel = WordAttribute(Channel)
    tier = WordAttribute(Tier)
    recipient = UnicodeAttribute()
    queued_at = MomentAttribute()
    state = WordAttribute(DeliveryState)
    reason = UnicodeAttribute(null=True)
    attempts = WholeAttribute()
    lease_until = MomentAttribute(null=True)
    accepted_at = MomentAttribute(null=True)
    service_id = UnicodeAttribute(null=True)
    subscription_id = UnicodeAttribute(null=True)
    quality_score = FloatAttribute(default=0.0)
    wait = UnicodeAttribute(null=True)
    interrupted = WholeAttribute(default=0)
    published_at = MomentAttribute(null=True)


_NOT_IN_DELIVERY = ("delivery_id", "queued_key", "due_partition", "ttl")
_STORED_AS_IS = tuple(name for name in DeliveryItem.get_attributes() if name not in _NOT_IN_DELIVERY)


class DynamoDeliveryRepository:
    """Implements `ports.DeliveryRepository`.

    Parameters
    ----------
    clock : Clock, optional
        What deliveries expire by: the wall clock, also in stepped runs.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or WallClock()

    def add(self, delivery: Delivery) -> bool:
        """Store a new delivery; return False, changing nothing, if it is there already."""
        return DeliveryItem(
            delivery_id=delivery.delivery_id,
            queued_key=f"{sortable_iso(delivery.queued_at)}#{delivery.delivery_id}",
            due_partition=due_partition(delivery.account_id) if delivery.due_at else None,
            ttl=self._clock.now() + timedelta(days=settings().deliveries_kept_days),
            **{name: getattr(delivery, name) for name in _STORED_AS_IS},
        ).put_new()

    def claim(self, signal_id: str, delivery_id: str, now: datetime) -> Delivery | None:
        """Take the delivery for `LEASE` and count the attempt, and the interruption where the claim before lapsed; None
        if it is not there, is finished, or another worker holds it."""
        waiting = DeliveryItem.state == DeliveryState.QUEUED
        lapsed = (DeliveryItem.state == DeliveryState.CLAIMED) & (DeliveryItem.lease_until <= now)
        claimed: list[Action] = [
            DeliveryItem.state.set(DeliveryState.CLAIMED),
            DeliveryItem.lease_until.set(now + LEASE),
            DeliveryItem.attempts.add(1),
        ]
        item = DeliveryItem(signal_id, delivery_id)
        for condition, actions in ((waiting, claimed), (lapsed, [*claimed, DeliveryItem.interrupted.add(1)])):
            try:
                item.update(actions, condition)
            except ConditionFailedError:
                continue
            return Delivery(**{name: getattr(item, name) for name in _STORED_AS_IS})
        return None

    def finish(self, delivery: Delivery, state: DeliveryState, now: datetime, **changes: Any) -> bool:
        """Record the outcome of a claimed delivery, with `reason` or `service_id` where there is one; QUEUED gives the
        claim back. A reason stays only as long as it is the newest outcome's.

        Returns False, changing nothing, unless the claim is still the one that `delivery` was given by. Raises
        InvalidValueError for other changes, or for CLAIMED, which is no outcome.
        """
        require_outcome(state, changes)
        actions: list[Action] = [DeliveryItem.state.set(state), DeliveryItem.lease_until.remove()]
        if state is DeliveryState.ACCEPTED:
            actions.append(DeliveryItem.accepted_at.set(now))
        for name, value in ({"reason": None} | changes).items():
            attribute = DeliveryItem.get_attributes()[name]
            actions.append(attribute.remove() if value is None else attribute.set(value))
        held = (DeliveryItem.state == DeliveryState.CLAIMED) & (DeliveryItem.attempts == delivery.attempts)
        try:
            DeliveryItem(delivery.signal_id, delivery.delivery_id).update(actions, held)
        except ConditionFailedError:
            return False
        return True

    def of_signal(self, signal_id: str) -> list[Delivery]:
        """Return the deliveries of a signal, in order of their ids."""
        pages = DeliveryItem.query_raw("#signal_id = :id", {":id": {"S": signal_id}}, ConsistentRead=True)
        return [_delivery_of(raw) for page in pages for raw in page]

    def one(self, signal_id: str, delivery_id: str) -> Delivery | None:
        """Return this delivery, or None; read consistently."""
        raw = DeliveryItem.fetch_raw({"signal_id": signal_id, "delivery_id": delivery_id})
        return None if raw is None else _delivery_of(raw)

    def due(self, partition: str, now: datetime, limit: int) -> list[Delivery]:
        """Return at most `limit` deliveries that waited until `now` (`planning.due_partition`), longest first."""
        pages = DeliveryItem.query_raw(
            "#due_partition = :partition AND #due_at <= :now",
            {":partition": {"S": partition}, ":now": {"S": sortable_iso(now)}},
            IndexName="due",
            Limit=limit,
        )
        return [_delivery_of(raw) for raw in islice(chain.from_iterable(pages), limit)]

    def release(self, delivery: Delivery) -> bool:
        """Let the delivery wait no more; return False, changing nothing, if it waits for another moment or for none."""
        gone: list[Action] = [DeliveryItem.due_partition.remove(), DeliveryItem.due_at.remove()]
        return _while_waiting(delivery, gone)

    def replan(self, delivery: Delivery, planned: Delivery) -> bool:
        """Give a delivery that is due the subscription, recipient, moment and wait of `planned`; return False, changing
        nothing, if it is queued no more, waits no more, or was planned anew."""
        plan: list[Action] = [DeliveryItem.get_attributes()[name].set(getattr(planned, name)) for name in _PLAN]
        return _while_waiting(delivery, plan, DeliveryItem.state == DeliveryState.QUEUED)

    def of_service(self, service_id: str) -> list[Delivery]:
        """Return the deliveries that a service took under this id, in no order; eventually consistent."""
        pages = DeliveryItem.query_raw("#service_id = :id", {":id": {"S": service_id}}, IndexName="by-service")
        return [_delivery_of(raw) for page in pages for raw in page]

    def settle(self, delivery: Delivery, state: DeliveryState, reason: str | None = None) -> bool:
        """Record what became of an accepted delivery: DELIVERED, or FAILED even after that; False if that is known."""
        require_settlement(state)
        actions: list[Action] = [DeliveryItem.state.set(state)]
        actions.append(DeliveryItem.reason.set(reason) if reason else DeliveryItem.reason.remove())
        open_still = DeliveryItem.state == DeliveryState.ACCEPTED
        if state is DeliveryState.FAILED:
            open_still |= DeliveryItem.state == DeliveryState.DELIVERED
        try:
            DeliveryItem(delivery.signal_id, delivery.delivery_id).update(actions, open_still)
        except ConditionFailedError:
            return False
        return True

    def of_account(
        self, account_id: str, since: datetime, until: datetime, signal_id: str | None = None
    ) -> Iterator[Delivery]:
        """Yield the deliveries queued in [since, until), newest first; of one signal, if named. As far as they are
        asked for, so far they are read."""
        if since >= until:
            return  # DynamoDB refuses a range that ends before it begins
        values = {
            ":account": {"S": account_id},
            ":since": {"S": sortable_iso(since)},
            ":until": {"S": sortable_iso(until - MILLISECOND) + "$"},  # sorts after every `#<id>` of that moment
        }
        only: dict[str, Any] = {}
        if signal_id is not None:
            values[":signal"] = {"S": signal_id}
            only = {"FilterExpression": "signal_id = :signal"}
        pages = DeliveryItem.query_raw(
            "#account_id = :account AND #queued_key BETWEEN :since AND :until",
            values,
            IndexName="by-recipient",
            ScanIndexForward=False,
            **only,
        )
        yield from map(_delivery_of, chain.from_iterable(pages))

    def forget_recipient(self, account_id: str, limit: int) -> int:
        """Erase where the account's deliveries went and what was said of it, `limit` of them at most, and keep those
        that are still queued from being sent; return how many were erased now."""
        pages = DeliveryItem.query_raw(
            "#account_id = :account",
            {":account": {"S": account_id}, ":nobody": {"S": NO_RECIPIENT}},
            IndexName="by-recipient",
            FilterExpression="recipient <> :nobody",
        )
        found = [DeliveryItem.values(raw) for raw in islice(chain.from_iterable(pages), limit)]
        for values in found:
            _forget(DeliveryItem(values["signal_id"], values["delivery_id"]))
        return len(found)


def _while_waiting(delivery: Delivery, actions: list[Action], also: Condition | None = None) -> bool:
    if delivery.due_at is None:
        return False
    waiting = DeliveryItem.due_at == delivery.due_at
    try:
        item = DeliveryItem(delivery.signal_id, delivery.delivery_id)
        item.update(actions, waiting if also is None else waiting & also)
    except ConditionFailedError:
        return False
    return True


def _forget(item: DeliveryItem) -> None:
    erased: list[Action] = [DeliveryItem.recipient.set(NO_RECIPIENT)]
    stopped = [
        *erased,
        DeliveryItem.state.set(DeliveryState.SUPPRESSED),
        DeliveryItem.reason.set("erased"),
        DeliveryItem.due_partition.remove(),
        DeliveryItem.due_at.remove(),
    ]
    try:
        item.update(stopped, DeliveryItem.state == DeliveryState.QUEUED)
    except ConditionFailedError:
        item.update([*erased, DeliveryItem.reason.remove()])


def _delivery_of(raw: RawItem) -> Delivery:
    values = DeliveryItem.values(raw)
    return Delivery(**{name: values[name] for name in _STORED_AS_IS if name in values})
