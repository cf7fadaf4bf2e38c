"""From candles to delivered mail and the API, on the real template with IAM evaluation on."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx
import psutil
import pytest

from infra.local.demo_account import EMAIL
from infra.local.errors import StationFailedError
from infra.local.fault_proxy import FaultProxy
from infra.local.faults import Fault, FaultRule
from infra.local.house import House
from infra.local.processes import session_members
from signalbox.domain.instants import to_iso, to_ms
from tests.e2e.conftest import Walk, items_of

Root = Callable[[str], Any]


@pytest.fixture(scope="session")
def lived(walk: Walk) -> Walk:
    """A house that lived through a day of turns: long enough for signals to end."""
    walk.step(24)
    return walk


def signals(cloud: House) -> dict[str, dict[str, Any]]:
    return {item["created_key"]["S"]: item for item in items_of(cloud, "SignalsTable")}


def mailings(cloud: House) -> list[dict[str, Any]]:
    """The demo account's deliveries by mail; other tests have accounts of their own."""
    found = items_of(cloud, "DeliveriesTable")
    return [item for item in found if (item["account_id"]["S"], item["channel"]["S"]) == ("demo", "email")]


def mails(cloud: House) -> list[dict[str, Any]]:
    return [mail for mail in cloud.cloud.mailbox() if EMAIL in mail["To"]]


def no_dead_letters(cloud: House) -> bool:
    return not cloud.stepper.backlog.dead_letters()


def test_every_station_does_its_part(lived: Walk, cloud: House, api: httpx.Client) -> None:
    stored = signals(cloud)
    assert len(stored) >= 10
    assert {item["status"]["S"] for item in stored.values()} - {"OPEN"}
    assert items_of(cloud, "CandlesTable")
    assert items_of(cloud, "PriceFramesTable")
    shown = api.get("/signals/history", params={"limit": 200}).json()["signals"]
    assert {signal["id"] for signal in shown} <= {key.partition("#")[2] for key in stored}
    assert shown
    assert no_dead_letters(cloud)


def test_every_delivery_is_one_mail_and_every_mail_one_delivery(lived: Walk, cloud: House) -> None:
    deliveries = mailings(cloud)
    accepted = [item for item in deliveries if item["state"]["S"] == "ACCEPTED"]
    assert len(accepted) == len(mails(cloud)) > 0
    assert {item["state"]["S"] for item in deliveries} <= {"ACCEPTED", "SUPPRESSED"}
    assert not [item for item in deliveries if "~null~" in item["signal_id"]["S"]]


def test_a_mail_tells_levels_reasons_and_that_it_is_no_advice(lived: Walk, cloud: House) -> None:
    mail = mails(cloud)[0]
    assert mail["Subject"].startswith("[simulated] ")
    for words in ("Entry", "Target", "Stop", "Because", "Not advice"):
        assert words in mail["BodyText"]
        assert words in mail["BodyHtml"]


def test_the_entry_of_a_signal_is_the_close_of_the_exchanges_own_candle(
    lived: Walk, api: httpx.Client, cloud: House
) -> None:
    signal = api.get("/signals/history", params={"limit": 1}).json()["signals"][0]
    opened = to_ms(datetime.fromisoformat(signal["created_at"])) - 3_600_000
    query = {"symbol": signal["symbol"].replace("/", ""), "interval": "1h", "startTime": opened, "limit": 1}
    base = cloud.market.endpoint
    candle = httpx.get(f"{base}/binance/api/v3/klines", params=query, trust_env=False).json()[0]
    assert Decimal(signal["entry_price"]) == Decimal(candle[4])


def test_ten_copies_of_a_message_leave_one_signal_each(lived: Walk, cloud: House, root: Root) -> None:
    before = signals(cloud)
    suppressions = len(items_of(cloud, "SuppressionsTable"))
    newest = max(key for key in before if not key.startswith("null#"))
    symbol = before[newest]["symbol"]["S"]
    body = shard_message([symbol], newest.partition("#")[0])
    for _ in range(10):
        root("sqs").send_message(QueueUrl=cloud.deployment.resources["GenerateQueue"], MessageBody=body)
    cloud.stepper.settle()
    assert signals(cloud).keys() == before.keys()
    assert len(items_of(cloud, "SuppressionsTable")) == suppressions
    assert no_dead_letters(cloud)


def test_a_worker_killed_in_the_middle_of_a_shard_loses_and_doubles_nothing(
    lived: Walk, cloud: House, root: Root
) -> None:
    before = signals(cloud)
    queue, control = cloud.deployment.resources["GenerateQueue"], f"{cloud.market.endpoint}/_control/fault"
    # A bucket of its own, so that candles must be fetched; the exchange's first answer hangs.
    body = shard_message(["BTC/USDT", "ETH/USDT"], to_iso(lived.at), bucket=7)
    hang = {"kind": "timeout", "exchange": "binance", "count": 1, "retry_after": 8}
    with visibility(root, queue, seconds=4):
        httpx.post(control, json=hang, trust_env=False).raise_for_status()
        root("sqs").send_message(QueueUrl=queue, MessageBody=body)
        time.sleep(1.5)
        killed = kill_workers(cloud, "generate_signals")
        httpx.delete(control, trust_env=False).raise_for_status()
        settle_after_failures(cloud)
    assert killed >= 1
    assert len(bucket_frames(cloud, 7)) > 280
    after = signals(cloud)
    assert after.keys() == before.keys()
    assert no_dead_letters(cloud)


@contextmanager
def visibility(root: Root, queue: str, seconds: int) -> Iterator[None]:
    """Give messages of `queue` that fail back after `seconds` instead of minutes."""
    kept = root("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["VisibilityTimeout"])["Attributes"]
    root("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": str(seconds)})
    try:
        yield
    finally:
        root("sqs").set_queue_attributes(QueueUrl=queue, Attributes=kept)


def settle_after_failures(cloud: House) -> None:
    """Wait for the end of all work, messages that come back included."""
    strict = cloud.stepper.pace
    cloud.stepper.pace = replace(strict, tolerant=True)
    try:
        cloud.stepper.settle()
    finally:
        cloud.stepper.pace = strict


def shard_message(symbols: list[str], as_of: str, bucket: int = 0) -> str:
    return json.dumps(
        {
            "job": "generate_signals",
            "number": 0,
            "count": 1,
            "exchange": "binance",
            "bucket": bucket,
            "timeframe": "1h",
            "symbols": symbols,
            "as_of": as_of,
        }
    )


def bucket_frames(cloud: House, bucket: int) -> list[dict[str, Any]]:
    found = items_of(cloud, "CandlesTable")
    return [item for item in found if item["frame_series"]["S"] == f"binance#1h#{bucket}"]


def kill_workers(cloud: House, function: str) -> int:
    """Kill this cloud's workers of a function and return how many there were; other clouds may run beside it."""
    killed = 0
    for process in session_members(cloud.cloud.session):
        try:
            if process.environ().get("AWS_LAMBDA_FUNCTION_NAME", "").endswith(function):
                process.kill()
                killed += 1
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return killed


def test_throttles_lost_replies_and_doubled_requests_lose_and_double_nothing(
    lived: Walk, cloud: House, root: Root, proxy: FaultProxy
) -> None:
    faults = {
        "dynamodb:PutItem": Fault.THROTTLE,
        "dynamodb:UpdateItem": Fault.LOST_REPLY,
        "dynamodb:TransactWriteItems": Fault.ERROR,
        "sqs:*": Fault.DUPLICATE,
    }
    for seed, (target, fault) in enumerate(faults.items()):
        proxy.rules.add(FaultRule(target=target, fault=fault, probability=0.1, seed=seed))
    try:
        lived.step(4)
    finally:
        applied = proxy.rules.applied()
        proxy.rules.clear()
    assert sum(applied.values()) > 5
    accepted = [item for item in mailings(cloud) if item["state"]["S"] == "ACCEPTED"]
    assert len(accepted) == len(mails(cloud))
    assert no_dead_letters(cloud)
    before = signals(cloud)
    symbols = sorted({item["symbol"]["S"] for item in before.values()})
    message = shard_message(symbols, to_iso(lived.at))
    root("sqs").send_message(QueueUrl=cloud.deployment.resources["GenerateQueue"], MessageBody=message)
    cloud.stepper.settle()
    assert signals(cloud).keys() == before.keys()


def test_a_permission_taken_away_fails_the_turn_and_is_named(lived: Walk, cloud: House, root: Root) -> None:
    iam, role = root("iam"), cloud.deployment.resources["RepriceSignalsRole"]
    name = iam.list_role_policies(RoleName=role)["PolicyNames"][0]
    document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    frames = cloud.deployment.resources["PriceFramesTable"]
    kept = [statement for statement in document["Statement"] if not str(statement["Resource"]).endswith(frames)]
    assert len(kept) == len(document["Statement"]) - 1
    with visibility(root, cloud.deployment.resources["RepriceQueue"], seconds=5):
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps({**document, "Statement": kept}))
        try:
            with pytest.raises(StationFailedError, match=r"^reprice_signals may not dynamodb:\w+ .*AccessDenied"):
                lived.step(1)
        finally:
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))
        # With the permission back, the message that was given back is handled, and nothing was lost.
        settle_after_failures(cloud)
    assert no_dead_letters(cloud)


@pytest.mark.last
def test_the_scheduler_itself_wakes_a_turn(lived: Walk, cloud: House, root: Root) -> None:
    scheduler = root("scheduler")
    name = cloud.deployment.resources["RepriceSchedule"].split("/")[-1].split("|")[-1]
    schedule = scheduler.get_schedule(Name=name)
    wanted = {key: schedule[key] for key in ("Name", "ScheduleExpression", "FlexibleTimeWindow", "Target")}
    before = {turn.job: turn.planned_at for turn in cloud.latest_turns()}
    scheduler.update_schedule(**wanted, State="ENABLED")
    try:
        deadline = time.monotonic() + 150
        while time.monotonic() < deadline:
            found = {turn.job: turn.planned_at for turn in cloud.latest_turns()}
            if found["reprice_signals"] > before["reprice_signals"]:
                break
            time.sleep(1)
        assert found["reprice_signals"] > before["reprice_signals"]
    finally:
        scheduler.update_schedule(**wanted, State="DISABLED")
        settle_after_failures(cloud)
