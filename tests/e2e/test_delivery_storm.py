"""A storm of signals over all channels and tiers: who must be told is told once, and nobody else."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from infra.local.demo_account import as_function, table_settings
from infra.local.house import House
from signalbox.domain.signals.signal import Signal
from tests.e2e import storm
from tests.e2e.storm import Told
from tests.proof import cases

pytestmark = pytest.mark.prove
ACCOUNTS, SIGNALS = cases(125, 1_000), cases(20, 200)
SYMBOLS = [f"CALM{number}/USDT" for number in range(cases(2, 24))]


@dataclass(frozen=True)
class Storm:
    """What was asked, what was published, who must have been told, who must not, and every delivery there is."""

    asked: list[dict[str, Any]]
    signals: list[Signal]
    told: set[Told]
    silent: set[Told]
    stored: dict[Told, dict[str, Any]]


@pytest.fixture(scope="module")
def followed(storm_house: House) -> Iterator[dict[str, str]]:
    """A queue behind each topic of SNS, by tier."""
    queues = {tier: storm.follow_topic(storm_house, tier) for tier in ("pro", "premium")}
    yield queues
    for queue in queues.values():
        storm_house.cloud.client("sqs").delete_queue(QueueUrl=queue)


@pytest.fixture(scope="module")
def after(storm_house: House, followed: dict[str, str]) -> Storm:
    """After the storm: everything was published, every tenth signal ended, and nothing is left to do."""
    asked = storm.make_asked("calm", ACCOUNTS, SYMBOLS)
    signals = storm.make_storm("calm", SIGNALS, SYMBOLS)
    with as_function(storm_house.cloud, table_settings(storm_house.deployment)):
        storm.subscribe(asked)
        storm.rain(storm_house, signals)
        relayed = storm.events_relayed(storm_house)
        over = storm.end(signals[::10])
        storm.wait_for_quiet(storm_house, relayed + len(over), 300)
        storm.unsubscribe(asked)
    told = storm.expected(asked, signals) | storm.fed(signals)
    told |= storm.expected(asked, over, "ended") | storm.fed(over, "ended")
    silent = storm.unconfirmed(asked, signals) | storm.unconfirmed(asked, over, "ended")
    return Storm(asked, signals, told, silent, storm.stored(storm_house))


def test_every_expected_delivery_is_there_once_and_accepted_and_no_other(after: Storm, storm_house: House) -> None:
    ours = {signal.signal_id for signal in after.signals}
    found = {told: item["state"]["S"] for told, item in after.stored.items() if told[0] in ours}
    assert len(after.told) > 40 * SIGNALS
    assert after.silent
    assert found == dict.fromkeys(after.told, "ACCEPTED") | dict.fromkeys(after.silent, "SUPPRESSED")
    assert not storm_house.stepper.backlog.dead_letters()
    assert not [str(failure) for failure in storm_house.stepper.journal.failures if failure.hopeless]


def test_ses_took_one_mail_for_each_expected_mail_and_no_other(after: Storm, storm_house: House) -> None:
    ours = {signal.signal_id for signal in after.signals}
    mails = {told: count for told, count in storm.mailed(storm_house).items() if told[0] in ours}
    assert mails == {told: 1 for told in after.told if told[3] == "email"}


def test_each_topic_of_sns_was_told_once_of_each_event(
    after: Storm, storm_house: House, followed: dict[str, str]
) -> None:
    for tier, queue in followed.items():
        heard = Counter(
            (fact["signal_id"], fact["kind"], f"feed:{tier}", "push")
            for fact in map(json.loads, storm.take_all(storm_house, queue))
        )
        assert heard == {told: 1 for told in after.told if told[2:] == (f"feed:{tier}", "push")}


def test_each_websocket_topic_tells_once_of_each_delivery_and_of_no_other(after: Storm, storm_house: House) -> None:
    wanted = {
        (after.stored[told]["recipient"]["S"], after.stored[told]["delivery_id"]["S"])
        for told in after.told
        if told[3] == "websocket"
    }
    topics, ours = {topic for topic, _ in wanted}, {signal.signal_id for signal in after.signals}
    others = {item["delivery_id"]["S"] for told, item in after.stored.items() if told[0] not in ours}
    logged = storm.logged(storm_house).items()
    assert {each: n for each, n in logged if each[0] in topics and each[1] not in others} == dict.fromkeys(wanted, 1)
