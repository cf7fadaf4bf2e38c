"""Connections that are torn down in the midst of a storm, and resume: each client has all that was sent, once."""

import pytest

from infra.local.demo_account import as_function, table_settings
from infra.local.house import House
from signalbox.domain.accounts.account import Tier
from tests.e2e import storm
from tests.e2e.listeners import Crowd, Listener
from tests.proof import cases

CONNECTIONS, SIGNALS, CUTS = cases(8, 50), cases(20, 200), cases(2, 5)


@pytest.mark.prove
def test_connections_torn_down_at_random_and_resumed_have_received_what_was_sent(storm_house: House) -> None:
    signals = storm.make_storm("torn", SIGNALS, ["TORN/USDT"])
    listeners = [
        Listener(f"{storm_house.websocket_url}?token={storm_house.key}", "signals") for _ in range(CONNECTIONS)
    ]
    with as_function(storm_house.cloud, table_settings(storm_house.deployment)), Crowd(listeners) as crowd:
        before = listeners[0].reached
        crowd.cut_at_random(CUTS, within=SIGNALS / 10, seed=20240105)
        storm.rain(storm_house, signals)
        found = storm.stored(storm_house)
        sent = {
            found[signal.signal_id, "published", f"feed:{Tier.PREMIUM}", "websocket"]["delivery_id"]["S"]
            for signal in signals
        }
        crowd.wait_until_reached(before + SIGNALS, 120)
    assert sum(each.losses for each in listeners) == CONNECTIONS * CUTS
    for each in listeners:
        assert sorted(each.has) == list(range(before + 1, before + SIGNALS + 1))
        assert set(each.has.values()) == sent
