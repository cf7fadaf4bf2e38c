"""What a run left behind, counted in the tables, the mailbox and the dead-letter queues."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from infra.local.demo_account import EMAIL
from infra.local.house import House
from signalbox.adapters.storage.signal_keys import without_space
from signalbox.domain.delivery.delivery import Channel

ROUTES = ("/health", "/signals/api/signals", "/signals/api/signals/{id}", "/signals/api/sentiment", "/signals/history")
_SENT = ("ACCEPTED", "DELIVERED")


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts over everything stored.

    `endings` counts by status. `mailed` are the deliveries by e-mail, and `mails` is what came of them. `newest_id` is
    the id of the newest signal.
    """

    signals: int
    endings: dict[str, int]
    deliveries: int
    mailed: int
    dead_letters: int
    mails: int
    newest_id: str | None


def count(house: House) -> Figures:
    """Count what is stored. It reads whole tables, which only a local run's end may do."""
    signals = list(_scan(house, "SignalsTable", ("status", "created_key")))
    statuses = Counter(signal["status"] for signal in signals)
    newest = max(signals, key=lambda signal: without_space(signal["created_key"]), default=None)
    deliveries = Counter(
        delivery["channel"]
        for delivery in _scan(house, "DeliveriesTable", ("state", "channel"))
        if delivery["state"] in _SENT
    )
    return Figures(
        signals=len(signals),
        endings={status: number for status, number in sorted(statuses.items()) if status != "OPEN"},
        deliveries=deliveries.total(),
        mailed=deliveries[Channel.EMAIL],
        dead_letters=sum(house.stepper.backlog.dead_letters().values()),
        mails=sum(EMAIL in mail["To"] for mail in house.cloud.mailbox()),
        newest_id=without_space(newest["created_key"]).partition("#")[2] if newest else None,
    )


def ask_api(house: House, newest_id: str | None) -> dict[str, int]:
    """Return the HTTP status of every route, asked with the demo account's key; 0 where there was no answer."""
    statuses: dict[str, int] = {}
    with httpx.Client(headers={"x-api-key": house.key}, timeout=30, trust_env=False) as client:
        for route in ROUTES:
            if "{id}" in route and newest_id is None:
                continue
            address = house.api_url + re.sub(r"\{id\}", newest_id or "", route)
            try:
                statuses[route] = client.get(address).status_code
            except httpx.HTTPError:
                statuses[route] = 0
    return statuses


def _scan(house: House, logical_id: str, attributes: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    pages = house.cloud.client("dynamodb").get_paginator("scan")
    names = {f"#{name}": name for name in attributes}
    for page in pages.paginate(
        TableName=house.deployment.resources[logical_id],
        ProjectionExpression=", ".join(names),
        ExpressionAttributeNames=names,
    ):
        for item in page["Items"]:
            yield {name: next(iter(value.values())) for name, value in item.items()}
