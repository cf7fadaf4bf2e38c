"""A backlog in every tier's queue: those who pay more are served sooner, and those who pay nothing are served too.

Each tier has its own queue and its own concurrency (the template's), so the local cloud's workers show it for real. A
call of SES takes a while here, as it does anywhere, so that it is concurrency that counts and not this machine.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from math import ceil
from typing import Any

import pytest

from infra.local.demo_account import as_function, table_settings
from infra.local.fault_proxy import FaultProxy
from infra.local.faults import Fault, FaultRule
from infra.local.house import House
from signalbox.domain.accounts.account import Tier
from tests.e2e import storm
from tests.proof import cases

SIGNALS = cases(40, 300)
SYMBOL = "BACKLOG/USDT"


def asking(tier: Tier) -> dict[str, Any]:
    """Somebody who wants all of it by mail."""
    (each,) = storm.make_asked(f"backlog-{tier}", 1, [SYMBOL])[:1]
    wants = {"channels": ["email"], "confirmed": True, "symbols": [SYMBOL], "minimum_quality": 0.0}
    anything = {"strategies": [], "signal_types": [], "timeframes": [], "minimum_confidence": None}
    return {**each, **wants, **anything, "tier": tier}


@contextmanager
def nobody_at_work(house: House) -> Iterator[None]:
    """Keep `deliver_signals` from its queues while the block runs, as an outage would."""
    client = house.cloud.client("lambda")
    function = house.deployment.resources["DeliverSignalsFunction"]
    sources = client.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
    assert len(sources) == len(Tier)
    for each in sources:
        client.update_event_source_mapping(UUID=each["UUID"], Enabled=False)
    try:
        yield
    finally:
        for each in sources:
            client.update_event_source_mapping(UUID=each["UUID"], Enabled=True)


def p95(values: list[float]) -> float:
    return sorted(values)[ceil(0.95 * len(values)) - 1]


def moment(item: dict[str, Any], name: str) -> float:
    return datetime.fromisoformat(item[name]["S"]).timestamp()


@pytest.mark.prove
def test_under_a_backlog_higher_tiers_are_told_sooner_and_the_lowest_still_moves(
    storm_house: House, storm_proxy: FaultProxy
) -> None:
    asked = [asking(tier) for tier in Tier]
    signals = storm.make_storm("backlog", SIGNALS, [SYMBOL])
    told = storm.expected(asked, signals)
    with as_function(storm_house.cloud, table_settings(storm_house.deployment)):
        storm.subscribe(asked)
        with nobody_at_work(storm_house):
            storm.publish(signals)
            deadline = time.monotonic() + 30 + SIGNALS
            while not told <= storm.stored(storm_house).keys():
                assert time.monotonic() < deadline, "routing took too long"
                time.sleep(0.2)
            storm_proxy.rules.add(FaultRule(target="ses:*", fault=Fault.LATE_REPLY, seconds=0.15))
        storm.wait_for_quiet(storm_house, 0, 600)
        storm_proxy.rules.clear()
        storm.unsubscribe(asked)
    found = storm.stored(storm_house)
    mails = {tier: [found[each] for each in told if found[each]["tier"]["S"] == tier] for tier in Tier}
    assert {tier: len(items) for tier, items in mails.items()} == dict.fromkeys(Tier, SIGNALS)
    waited = {tier: p95([moment(i, "accepted_at") - moment(i, "queued_at") for i in mails[tier]]) for tier in Tier}
    assert waited[Tier.PREMIUM] < waited[Tier.PRO] < waited[Tier.FREE], waited
    first_free = min(moment(item, "accepted_at") for item in mails[Tier.FREE])
    assert first_free < max(moment(item, "accepted_at") for item in mails[Tier.PREMIUM])
