"""The sample events are what AWS sends, with bodies that our own code reads."""

import json
from hashlib import md5

import pytest

from infra.assemble import ROOT
from signalbox.adapters.schedules import scheduled_moment
from signalbox.adapters.storage.stream import signal_events
from signalbox.api.policies import caller, presented_key
from signalbox.domain.accounts.account import Tier
from signalbox.domain.instants import EPOCH, from_iso
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.events import EventKind, SignalEvent
from signalbox.domain.universe.shards import Shard

SQS = ("generate_signals", "reprice_signals", "route_deliveries", "deliver_signals", "export_history", "warm_cache",
    "post_topics",
)  # fmt: skip


def event_of(function: str):
    return json.loads((ROOT / "events" / f"{function}.json").read_text())


def body_of(function: str):
    return json.loads(event_of(function)["Records"][0]["body"])


@pytest.mark.parametrize("function", SQS)
def test_a_queues_record_has_every_key_that_sqs_sends_and_its_own_checksum(function):
    (record,) = event_of(function)["Records"]
    assert set(record) == {
        "messageId", "receiptHandle", "body", "attributes", "messageAttributes", "md5OfBody", "eventSource",
        "eventSourceARN", "awsRegion",
    }  # fmt: skip
    assert {"ApproximateReceiveCount", "SentTimestamp", "SenderId", "ApproximateFirstReceiveTimestamp"} <= set(
        record["attributes"]
    )
    assert record["eventSource"] == "aws:sqs"
    assert record["md5OfBody"] == md5(record["body"].encode(), usedforsecurity=False).hexdigest()


@pytest.mark.parametrize("job", ["generate_signals", "reprice_signals"])
def test_the_message_of_a_shard_is_one_of_its_job(job):
    shard = Shard.from_message(body_of(job))
    assert shard.job == job
    assert shard.to_message() == body_of(job)


def test_the_schedules_event_is_what_the_template_sends_with_the_time_filled_in(template):
    event = event_of("plan_shards")
    sent = json.loads(template["Resources"]["Generate1hSchedule"]["Properties"]["Target"]["Input"])
    assert {**event, "scheduled_time": sent["scheduled_time"]} == sent
    assert scheduled_moment(event, EPOCH) == from_iso("2024-01-05T13:00:00Z")
    assert Timeframe.of(event["timeframe"]) is Timeframe.H1


def test_the_event_of_the_news_is_what_their_schedule_sends(template):
    event = event_of("score_sentiment")
    sent = json.loads(template["Resources"]["SentimentSchedule"]["Properties"]["Target"]["Input"])
    assert {**event, "scheduled_time": sent["scheduled_time"]} == sent
    assert scheduled_moment(event, EPOCH) == from_iso("2024-01-05T13:00:00Z")


def test_the_streams_record_tells_of_one_published_signal():
    (record,) = event_of("relay_events")["Records"]
    assert record["eventName"] == "INSERT"
    assert set(record["dynamodb"]["Keys"]) == {"symbol", "created_key"}
    assert record["dynamodb"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    (event,) = signal_events([record])
    assert event.kind is EventKind.PUBLISHED


def test_one_signal_runs_through_the_events_of_relay_route_and_deliver():
    (published,) = signal_events(event_of("relay_events")["Records"])
    assert SignalEvent.from_message(body_of("route_deliveries")) == published
    delivery = body_of("deliver_signals")
    assert delivery["signal_id"] == published.signal_id
    assert EventKind(delivery["kind"]) is published.kind


def test_both_gateways_events_bring_the_key_or_who_it_belongs_to():
    assert presented_key(event_of("authorize")) == "sb_0123456789abcdefghijklmnopqrstuv"
    assert event_of("authorize")["methodArn"].endswith("/live/GET/signals/api/signals")
    for function in ("api", "websocket"):
        account = caller(event_of(function)["requestContext"])
        assert (account.account_id, account.tier) == ("acc_7f3d2c1b", Tier.PREMIUM)


def test_the_rest_event_has_every_key_that_the_router_reads(template):
    event = event_of("api")
    assert {
        "resource", "path", "httpMethod", "headers", "multiValueHeaders", "queryStringParameters",
        "multiValueQueryStringParameters", "pathParameters", "stageVariables", "requestContext", "body",
        "isBase64Encoded",
    } == set(event)  # fmt: skip
    paths = template["Resources"]["RestApi"]["Properties"]["DefinitionBody"]["paths"]
    assert event["requestContext"]["resourcePath"] in paths
    assert event["requestContext"]["httpMethod"] == event["httpMethod"]


def test_the_websocket_event_is_a_connection_being_opened():
    event = event_of("websocket")
    assert event["requestContext"]["routeKey"] == "$connect"
    assert event["requestContext"]["eventType"] == "CONNECT"
    assert event["requestContext"]["connectionId"]
