"""`/signals/api/deliveries`: what the caller was told, by which channel, and what became of it."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from chalice.app import Blueprint

from signalbox import bootstrap
from signalbox.api.delivery_inputs import (
    DeliveriesAnswer,
    DeliveriesQuery,
    ReceiptAnswer,
    ReceiptQuery,
    SignalDeliveriesAnswer,
)
from signalbox.api.endpoint import Endpoints
from signalbox.api.pages import one
from signalbox.domain.accounts.account import Account, Scope
from signalbox.domain.delivery.delivery import Delivery
from signalbox.domain.instants import to_iso
from signalbox.services.track_deliveries import make_receipt, tell_deliveries

RECENT = timedelta(days=7)
"""How far back the list reaches where `from` is not given."""

endpoints = Endpoints(Blueprint(__name__))


@endpoints.add("GET", "/signals/api/deliveries", DeliveriesAnswer, query=DeliveriesQuery, scope=Scope.SUBSCRIBE)
def list_deliveries(account: Account, query: DeliveriesQuery) -> dict[str, Any]:
    """Return the caller's newest deliveries; of seven days, where no beginning is given."""
    now = bootstrap.wall_clock().now()
    since, until = query.span(RECENT, now)
    found = _told(account, since, until, limit=query.limit, now=now)
    return {"deliveries": [represent_delivery(each) for each in found]}


@endpoints.add(
    "GET",
    "/signals/api/signals/{signal_id}/deliveries",
    SignalDeliveriesAnswer,
    scope=Scope.SUBSCRIBE,
    refusals=(HTTPStatus.NOT_FOUND,),
)
def deliveries_of_signal(account: Account, signal_id: str) -> dict[str, Any]:
    """Return how the caller was told of one signal."""
    signal = one(signal_id, account, signals=bootstrap.signal_repository(), now=bootstrap.clock().now())
    now = bootstrap.wall_clock().now()
    # Deliveries are queued by the wall clock, signals published by the system clock: they differ in stepped runs.
    since = min(signal.published_at, now - timedelta(days=90))
    found = _told(account, since, now + timedelta(seconds=1), limit=100, now=now, signal_id=signal.signal_id)
    return {"signal_id": signal.signal_id, "deliveries": [represent_delivery(each) for each in found]}


@endpoints.add("GET", "/signals/api/deliveries/receipt", ReceiptAnswer, query=ReceiptQuery, scope=Scope.SUBSCRIBE)
def receipt(account: Account, query: ReceiptQuery) -> dict[str, Any]:
    """Return what the caller should have got of everything that was queued in a span; in one day, where no beginning is
    given. `topics` are the numbers that must be among those received, which `resume` brings where they are not, of
    `signals` those that the caller's tier may follow;
    `checksum` is the SHA-256 of the sorted delivery ids that were taken, joined by line breaks."""
    now = bootstrap.wall_clock().now()
    since, until = query.span(timedelta(days=1), now)
    made = make_receipt(
        account.account_id,
        account.tier,
        deliveries=bootstrap.account_deliveries(),
        since=since,
        until=until,
        now=now,
    )
    return {
        "from": to_iso(since),
        "to": to_iso(until),
        "count": made.count,
        "states": {str(channel): {str(s): n for s, n in states.items()} for channel, states in made.states.items()},
        "topics": {
            topic: {"first": numbers.first, "last": numbers.last, "count": numbers.count}
            for topic, numbers in made.numbers.items()
        },
        "checksum": made.checksum,
        "complete": made.complete,
    }


def represent_delivery(delivery: Delivery) -> dict[str, Any]:
    """Return the JSON document of a delivery, as its subscriber may see it."""
    accepted = delivery.accepted_at
    return {
        "delivery_id": delivery.delivery_id,
        "signal_id": delivery.signal_id,
        "event": str(delivery.kind),
        "channel": str(delivery.channel),
        "state": str(delivery.state),
        "reason": delivery.reason,
        "attempts": delivery.attempts,
        "queued_at": to_iso(delivery.queued_at),
        "due_at": None if delivery.due_at is None else to_iso(delivery.due_at),
        "accepted_at": None if accepted is None else to_iso(accepted),
        "latency_seconds": None if accepted is None else delivery.latency(accepted).total_seconds(),
    }


def _told(
    account: Account, since: datetime, until: datetime, *, limit: int, now: datetime, signal_id: str | None = None
) -> list[Delivery]:
    return tell_deliveries(
        account.account_id,
        account.tier.delay,
        deliveries=bootstrap.account_deliveries(),
        since=since,
        until=until,
        limit=limit,
        now=now,
        signal_id=signal_id,
    )
