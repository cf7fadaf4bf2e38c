"""A storm while much goes wrong: nothing is lost; what comes twice was interrupted, comes twice at most, is counted."""

import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.local.demo_account import as_function, table_settings
from infra.local.fault_proxy import FaultProxy
from infra.local.faults import Fault, FaultRule
from infra.local.house import House
from signalbox.domain.accounts.account import Scope, Tier
from signalbox.domain.delivery.delivery import LEASE
from signalbox.domain.delivery.topics import feed_topic
from signalbox.ports.topics import Connection
from tests.e2e import storm
from tests.e2e.conftest import items_of
from tests.e2e.listeners import Crowd, Listener
from tests.e2e.storm import Told
from tests.proof import PROVING, cases

pytestmark = pytest.mark.prove
ACCOUNTS, SIGNALS, CONNECTIONS = cases(50, 1_000), cases(10, 200), cases(6, 30)
SYMBOLS = [f"ROUGH{number}/USDT" for number in range(cases(8, 24))]
KILLS = cases(0, 6)
"""A killed worker's messages come back after their visibility timeout, which outlasts the lease: too long for a small
form. On fakes and on the handler the same is tested in `make test`."""
REFUSALS = cases(60, 600)
"""SES recovers in the end: were it to refuse two mails of three for ever, some would be refused eight times running,
which is a failed delivery and a dead letter, as it should be."""
RULES = [
    FaultRule(target="sqs:SendMessageBatch", fault=Fault.ERROR, times=6),
    FaultRule(target="sqs:SendMessageBatch", fault=Fault.LOST_REPLY, probability=0.05, seed=1),
    FaultRule(target="sqs:SendMessageBatch", fault=Fault.DUPLICATE, probability=0.3, seed=2),
    *([FaultRule(target="ses:*", fault=Fault.KILL, times=KILLS)] if KILLS else []),
    FaultRule(target="ses:*", fault=Fault.THROTTLE, times=REFUSALS, probability=0.4, seed=3),
    FaultRule(target="ses:*", fault=Fault.ERROR, times=REFUSALS, probability=0.4, seed=4),
]


@dataclass(frozen=True)
class Aftermath:
    """Who must have been told and who must not, every delivery there is, the listeners, and who is connected still,
    and how many deliveries were reported as perhaps sent twice."""

    told: set[Told]
    silent: set[Told]
    stored: dict[Told, dict[str, Any]]
    listeners: list[Listener]
    still_followed_by: set[str]
    applied: dict[str, int]
    repeated: int


@pytest.fixture(scope="module")
def after(storm_house: House, storm_proxy: FaultProxy) -> Aftermath:
    """After the storm, when everything that was to be tried again has been."""
    asked = storm.make_asked("rough", ACCOUNTS, SYMBOLS)
    signals = storm.make_storm("rough", SIGNALS, SYMBOLS)
    address = f"{storm_house.websocket_url}?token={storm_house.key}"
    listeners = [Listener(address, "signals") for _ in range(2 * CONNECTIONS // 3)]
    with as_function(storm_house.cloud, table_settings(storm_house.deployment)), Crowd(listeners) as crowd:
        first, repeated = listeners[0].reached, _repeated(storm_house)
        _follow_from_nowhere(CONNECTIONS // 3)
        storm.subscribe(asked)
        _come_back_soon(storm_house)
        for rule in RULES:
            storm_proxy.rules.add(rule)
        storm.rain(storm_house, signals)
        _tell_again_in_disorder(storm_house)
        storm.wait_for_quiet(storm_house, 0, 600)
        applied = storm_proxy.rules.applied()
        storm_proxy.rules.clear()
        crowd.wait_until_reached(first + SIGNALS, 60)
        storm.unsubscribe(asked)
        connections = items_of(storm_house, "ConnectionsTable")
    ids = {signal.signal_id for signal in signals}
    found = {told: item for told, item in storm.stored(storm_house).items() if told[0] in ids}
    followed_by = {item["connection_id"]["S"] for item in connections}
    told, silent = storm.expected(asked, signals) | storm.fed(signals), storm.unconfirmed(asked, signals)
    repeated = _repeated(storm_house) - repeated
    return Aftermath(told, silent, found, listeners, followed_by, applied, repeated)


def _repeated(house: House) -> int:
    """How many deliveries `deliver_signals` has reported as perhaps sent twice, so far."""
    house.stepper.journal.read()
    return house.stepper.journal.reports["DeliveryReport.repeated"]


def _follow_from_nowhere(count: int) -> None:
    """Connections that were lost without a word: nobody has noticed yet."""
    from signalbox.adapters.storage.connections import DynamoConnectionRepository

    now = datetime.now(UTC)
    for number in range(count):
        DynamoConnectionRepository().add(Connection(f"gone-{number}", "demo", Tier.PREMIUM, frozenset(Scope)), now)
        DynamoConnectionRepository().follow(f"gone-{number}", feed_topic(Tier.PREMIUM), 1, now)


def _come_back_soon(house: House) -> None:
    """Let what a dead worker held come back as soon as its lease is over, not after four minutes."""
    for tier in Tier:
        url = house.deployment.resources[f"Deliver{tier.capitalize()}Queue"]
        seconds = {"VisibilityTimeout": str(int(LEASE.total_seconds()) + 5)}
        house.cloud.client("sqs").set_queue_attributes(QueueUrl=url, Attributes=seconds)


def _tell_again_in_disorder(house: House) -> None:
    """Hand `relay_events` the records of the signals' stream once more, shuffled."""
    streams = house.cloud.client("dynamodbstreams")
    table = house.deployment.resources["SignalsTable"]
    arn = streams.list_streams(TableName=table)["Streams"][0]["StreamArn"]
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    records = streams.get_records(ShardIterator=iterator["ShardIterator"], Limit=1000)["Records"]
    again = [{**each, "eventSourceARN": arn, "eventSource": "aws:dynamodb"} for each in records if "ROUGH" in str(each)]
    assert again
    random.Random(7).shuffle(again)
    for start in range(0, len(again), 10):
        reply = house.cloud.client("lambda").invoke(
            FunctionName=house.deployment.resources["RelayEventsFunction"],
            Payload=json.dumps({"Records": again[start : start + 10]}, default=_plain).encode(),
        )
        assert "FunctionError" not in reply, reply["Payload"].read()


def _plain(value: Any) -> Any:
    return value.timestamp() if isinstance(value, datetime) else str(value)


def test_the_faults_did_happen(after: Aftermath) -> None:
    assert all(after.applied.get(f"{rule.fault} {rule.target}", 0) > 0 for rule in RULES), after.applied


def test_every_expected_delivery_was_accepted_and_nothing_is_lost_or_more(after: Aftermath, storm_house: House) -> None:
    found = {told: item["state"]["S"] for told, item in after.stored.items()}
    assert found == dict.fromkeys(after.told, "ACCEPTED") | dict.fromkeys(after.silent, "SUPPRESSED")
    assert not storm_house.stepper.backlog.dead_letters()


def test_a_mail_came_twice_only_where_its_sending_was_interrupted_and_that_is_counted(
    after: Aftermath, storm_house: House
) -> None:
    mails = {told: count for told, count in storm.mailed(storm_house).items() if told in after.stored}
    assert mails.keys() == {told for told in after.told if told[3] == "email"}
    interrupted = {told for told, item in after.stored.items() if int(item.get("interrupted", {}).get("N", 0)) > 0}
    assert {told for told, count in mails.items() if count > 1} <= interrupted
    assert max(mails.values()) <= 2
    assert bool(interrupted) == PROVING
    assert after.repeated == len(interrupted)


def test_each_websocket_topic_tells_once_of_each_delivery(after: Aftermath, storm_house: House) -> None:
    wanted = {
        (after.stored[told]["recipient"]["S"], after.stored[told]["delivery_id"]["S"])
        for told in after.told
        if told[3] == "websocket"
    }
    found = {each: count for each, count in storm.logged(storm_house).items() if each in wanted}
    assert found == dict.fromkeys(wanted, 1)


def test_those_who_stayed_got_everything_and_those_who_are_gone_are_forgotten(after: Aftermath) -> None:
    sent = {
        item["delivery_id"]["S"] for told, item in after.stored.items() if told[2:] == ("feed:premium", "websocket")
    }
    assert all(set(each.has.values()) == sent for each in after.listeners)
    assert not {each for each in after.still_followed_by if each.startswith("gone-")}
