"""What holds for every table, queue, function and topic: nothing is lost, unencrypted, or kept for ever by accident."""

import json

import pytest

from infra.conventions import functions

AGE_BY = {"PriceFramesTable": "ttl", "DeliveriesTable": "ttl", "ConnectionsTable": "ttl", "NewsTable": "ttl",
    "AlertsTable": "ttl", "TopicLogTable": "ttl", "TokensTable": "ttl", "QuotasTable": "ttl",
    "StatisticsTable": "ttl", "ExportsTable": "ttl", "CacheTable": "ttl",
}  # fmt: skip
"""Tables whose items go away by themselves. The record (signals, suppressions, history, candles) never does; turns are
replaced; accounts, keys, subscriptions and the universe are removed by whoever made them."""

REBUILT = {"TokensTable", "QuotasTable", "ExchangeBudgetsTable", "PriceFramesTable", "TurnsTable", "ConnectionsTable",
    "ExportsTable", "CacheTable",
}  # fmt: skip
"""Tables that fill themselves again within a day: the only ones that are neither protected nor backed up."""

STARTED_BY_TIME = {"PlanShardsFunction": "PlanDeadLetters", "ScoreSentimentFunction": "SentimentDeadLetters",
    "ReleaseDueFunction": "ReleaseDeadLetters", "CompactCandlesFunction": "CompactDeadLetters",
    "WarmCacheFunction": "WarmCacheDeadLetters",
}  # fmt: skip
"""What schedules start, and where its failures are seen."""

JOBS = {"RepriceSchedule": "reprice_signals", "SentimentSchedule": "score_sentiment", "ReleaseSchedule": "release_due",
    "CompactSchedule": "compact_candles", "WarmSchedule": "warm_cache",
}  # fmt: skip
"""What a schedule that does not generate asks for."""

KEYS = {
    "SignalsTable": ("symbol", "created_key"),
    "PostingsTable": ("word", "created_key"),
    "SuppressionsTable": ("symbol", "created_key"),
    "CandlesTable": ("frame_series", "time"),
    "PriceFramesTable": ("bucket", "minute"),
    "PriceHistoryTable": ("signal_id", "sequence"),
    "UniverseTable": ("kind", "since"),
    "TurnsTable": ("job",),
    "ExchangeBudgetsTable": ("exchange",),
    "AccountsTable": ("account_id",),
    "KeysTable": ("key_hash",),
    "TokensTable": ("token_hash",),
    "QuotasTable": ("quota",),
    "SubscriptionsTable": ("topic", "subscription_id"),
    "DeliveriesTable": ("signal_id", "delivery_id"),
    "DevicesTable": ("device_id",),
    "ConnectionsTable": ("connection_id", "topic"),
    "ExportsTable": ("export_id",),
    "AlertsTable": ("account_id", "alert_id"),
    "RegimesTable": ("series", "since"),
    "TopicLogTable": ("topic", "sequence"),
    "SentimentTable": ("series", "created_at"),
    "NewsTable": ("item_id",),
    "StatisticsTable": ("partition", "period"),
    "CacheTable": ("entry",),
}
INDEXES = {
    "KeysTable": {"by-account": ("account_id", "prefix")},
    "DevicesTable": {"by-account": ("account_id", "device_id")},
    "SignalsTable": {
        "feed-by-time": ("feed_partition", "created_key"),
        "feed-by-quality": ("feed_partition", "quality_key"),
        "feed-by-confidence": ("feed_partition", "confidence_key"),
        "strategy-by-time": ("strategy", "created_key"),
        "type-by-time": ("signal_type", "created_key"),
        "status-by-time": ("status", "created_key"),
        "open-by-symbol": ("open_bucket", "open_key"),
        "symbol-by-quality": ("symbol", "quality_key"),
        "symbol-by-confidence": ("symbol", "confidence_key"),
    },
    "SuppressionsTable": {"unresolved": ("unresolved", "expires_at")},
    "DeliveriesTable": {
        "by-recipient": ("account_id", "queued_key"),
        "due": ("due_partition", "due_at"),
        "by-service": ("service_id",),
    },
    "ConnectionsTable": {"by-topic": ("followed", "connection_id")},
    "NewsTable": {"by-day": ("day", "time")},
    "AlertsTable": {"by-trigger": ("trigger_partition", "trigger_value")},
}


def key_names(schema) -> tuple[str, ...]:
    return tuple(key["AttributeName"] for key in sorted(schema, key=lambda key: key["KeyType"]))


@pytest.fixture(scope="session")
def tables(of_type):
    return {name: body["Properties"] for name, body in of_type("AWS::DynamoDB::Table").items()}


@pytest.fixture(scope="session")
def queues(of_type):
    return {name: body["Properties"] for name, body in of_type("AWS::SQS::Queue").items()}


@pytest.fixture(scope="session")
def mappings(of_type):
    return {name: body["Properties"] for name, body in of_type("AWS::Lambda::EventSourceMapping").items()}


def queue_mappings(mappings):
    for mapping in mappings.values():
        name = mapping["EventSourceArn"]["Fn::GetAtt"][0]
        if name.endswith("Queue"):
            yield name, mapping


def test_tables_have_the_keys_that_the_code_asks_by(tables):
    assert {name: key_names(table["KeySchema"]) for name, table in tables.items()} == KEYS
    for name, table in tables.items():
        indexes = {
            index["IndexName"]: key_names(index["KeySchema"])
            for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
            for index in table.get(kind, [])
        }
        assert indexes == INDEXES.get(name, {})


def test_tables_declare_exactly_the_attributes_that_are_keys(tables):
    for name, table in tables.items():
        keys = {*KEYS[name], *(key for pair in INDEXES.get(name, {}).values() for key in pair)}
        assert {each["AttributeName"] for each in table["AttributeDefinitions"]} == keys


def test_what_ages_goes_away_and_nothing_else_does(tables):
    aging = {
        name: table["TimeToLiveSpecification"]["AttributeName"]
        for name, table in tables.items()
        if table.get("TimeToLiveSpecification", {}).get("Enabled")
    }
    assert aging == AGE_BY


def test_tables_are_paid_by_request_and_encrypted_with_the_services_own_keys(tables):
    for table in tables.values():
        assert table["BillingMode"] == "PAY_PER_REQUEST"
        assert "SSESpecification" not in table, "absent means always encrypted; false would say the same, true costs"


def test_what_cannot_be_made_again_is_protected_and_backed_up_unless_a_stack_is_thrown_away(tables):
    for name, table in tables.items():
        kept = {"Fn::If": ["KeepsData", True, False]}
        protected = table.get("DeletionProtectionEnabled") == kept
        backed_up = table.get("PointInTimeRecoverySpecification") == {"PointInTimeRecoveryEnabled": kept}
        assert (protected, backed_up) == ((False, False) if name in REBUILT else (True, True)), name


def test_what_would_keep_data_says_what_happens_to_it(expanded):
    for name, resource in expanded["Resources"].items():
        if resource["Type"] in {"AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::Logs::LogGroup"}:
            assert resource["DeletionPolicy"] == "Delete", name
            assert resource["UpdateReplacePolicy"] in {"Delete", "Retain"}, name


def test_a_stream_has_one_reader_from_its_beginning_that_gives_up_where_it_is_seen(tables, mappings):
    streams = [name for name, table in tables.items() if "StreamSpecification" in table]
    assert streams == ["SignalsTable", "TopicLogTable"]
    readers = [each for each in mappings.values() if each["EventSourceArn"]["Fn::GetAtt"][1] == "StreamArn"]
    assert sorted(each["EventSourceArn"]["Fn::GetAtt"][0] for each in readers) == streams
    for name in streams:
        assert tables[name]["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    for reader in readers:
        assert reader["FunctionName"] == {"Ref": "RelayEventsFunction"}
        assert reader["StartingPosition"] == "TRIM_HORIZON"
        assert 60 <= reader["MaximumRecordAgeInSeconds"] < 24 * 3600
        assert reader["DestinationConfig"]["OnFailure"]["Destination"] == {"Fn::GetAtt": ["RelayDeadLetters", "Arn"]}
        assert "FunctionResponseTypes" not in reader, "all or nothing: streams do not keep partial failures everywhere"


def test_every_queue_is_encrypted(queues):
    assert all(queue["SqsManagedSseEnabled"] is True for queue in queues.values())


def test_every_queue_has_dead_letters_of_its_own_that_admit_it_alone(queues):
    working = [name for name in queues if name.endswith("Queue")]
    assert len(working) == 10
    for name in working:
        target = queues[name]["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
        assert target == name.removesuffix("Queue") + "DeadLetters"
        admitted = queues[target]["RedriveAllowPolicy"]
        assert admitted["redrivePermission"] == "byQueue"
        (source,) = admitted["sourceQueueArns"]
        assert source["Fn::Sub"].endswith(":" + queues[name]["QueueName"]["Fn::Sub"])
        assert queues[name]["RedrivePolicy"]["maxReceiveCount"] == (3 if name == "GenerateQueue" else 5)


def test_dead_letters_are_kept_for_14_days(queues):
    dead = {name: queue for name, queue in queues.items() if name.endswith("DeadLetters")}
    assert len(dead) == 19
    for queue in dead.values():
        assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600
        assert "RedrivePolicy" not in queue


def test_dead_letters_without_a_queue_admit_no_queue(queues):
    for name in ("ScheduleDeadLetters", "RelayDeadLetters", *STARTED_BY_TIME.values()):
        assert queues[name]["RedriveAllowPolicy"] == {"redrivePermission": "denyAll"}


def test_a_message_stays_hidden_for_six_timeouts_of_its_function(template, queues, mappings):
    for name, mapping in queue_mappings(mappings):
        timeout = functions(template)[mapping["FunctionName"]["Ref"]]["Properties"]["Timeout"]
        assert queues[name]["VisibilityTimeout"] >= 6 * timeout, name


def test_every_queue_wakes_one_function_that_reports_which_messages_failed(queues, mappings):
    read = dict(queue_mappings(mappings))
    assert set(read) == {name for name in queues if name.endswith("Queue")}
    assert len(list(queue_mappings(mappings))) == len(read)
    for mapping in read.values():
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping["ScalingConfig"]["MaximumConcurrency"] >= 2
        assert 1 <= mapping["BatchSize"] <= 10


def test_higher_tiers_have_more_workers_and_none_has_less_than_two(mappings):
    workers = {name: mapping["ScalingConfig"]["MaximumConcurrency"] for name, mapping in queue_mappings(mappings)}
    assert workers["DeliverPremiumQueue"] > workers["DeliverProQueue"] > workers["DeliverFreeQueue"] >= 2


def test_a_delivery_is_not_worked_on_longer_than_its_claim_holds(template):
    from signalbox.domain.delivery.delivery import LEASE

    assert functions(template)["DeliverSignalsFunction"]["Properties"]["Timeout"] < LEASE.total_seconds()


def test_what_the_scheduler_starts_fails_where_it_is_seen(of_type):
    schedules = of_type("AWS::Scheduler::Schedule")
    assert len(schedules) == 9
    for name, schedule in schedules.items():
        target = schedule["Properties"]["Target"]
        assert target["Arn"]["Fn::GetAtt"][0] in STARTED_BY_TIME
        assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["ScheduleDeadLetters", "Arn"]}}
        assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] >= 60
        assert schedule["Properties"]["State"] == {"Ref": "Schedules"}, name
        assert schedule["Properties"]["ScheduleExpressionTimezone"] == "UTC"
    invocations = [each["Properties"] for each in of_type("AWS::Lambda::EventInvokeConfig").values()]
    destinations = {
        each["FunctionName"]["Ref"]: each["DestinationConfig"]["OnFailure"]["Destination"]["Fn::GetAtt"][0]
        for each in invocations
    }
    assert destinations == STARTED_BY_TIME | {"RecordFeedbackFunction": "FeedbackDeadLetters"}


def test_a_schedule_says_what_it_is_for_in_the_schedulers_own_words(template):
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Scheduler::Schedule":
            text = resource["Properties"]["Target"]["Input"]
            text = text if isinstance(text, str) else text["Fn::Sub"][0]
            job = JOBS.get(name, "generate_signals")
            sent = json.loads(text)
            assert sent["job"] == job
            assert sent["scheduled_time"] == "<aws.scheduler.scheduled-time>"
            assert set(sent) - {"timeframe"} == {"job", "scheduled_time"}
            assert ("timeframe" in sent) == (name not in {"ReleaseSchedule", "CompactSchedule", "WarmSchedule"}), (
                "what waits, and what is packed, is of every timeframe"
            )


def test_every_function_has_a_log_group_of_its_own_with_an_end(template, of_type):
    groups = of_type("AWS::Logs::LogGroup")
    assert all(group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"} for group in groups.values())
    used = [body["Properties"]["LoggingConfig"]["LogGroup"]["Ref"] for body in functions(template).values()]
    assert len(set(used)) == len(used)
    assert set(used) <= set(groups)


def test_no_function_takes_part_of_the_accounts_concurrency_for_itself(of_type):
    for name, function in of_type("AWS::Lambda::Function").items():
        assert "ReservedConcurrentExecutions" not in function["Properties"], name


def test_functions_behind_a_gateway_answer_before_the_gateway_gives_up(template):
    for name in ("ApiFunction", "AuthorizeFunction", "WebsocketFunction"):
        assert functions(template)[name]["Properties"]["Timeout"] < 29


def test_the_api_function_carries_neither_numbers_nor_exchanges(template):
    heavy = json.dumps(functions(template)["ApiFunction"]["Properties"].get("Layers", []))
    assert "WebLayer" in heavy
    assert "NumericLayer" not in heavy
    assert "ExchangeLayer" not in heavy


def test_topics_are_encrypted_in_the_cloud_with_a_key_that_aws_itself_may_use(of_type):
    topics = of_type("AWS::SNS::Topic")
    assert set(topics) == {"AlarmsTopic", "FeedbackTopic", "SignalsProTopic", "SignalsPremiumTopic"}
    for topic in topics.values():
        assert topic["Properties"]["KmsMasterKeyId"]["Fn::If"][:2] == ["IsCloud", {"Ref": "TopicsKey"}]


def test_a_websocket_is_opened_only_with_a_token(of_type):
    routes = of_type("AWS::ApiGatewayV2::Route")
    keys = {route["Properties"]["RouteKey"] for route in routes.values()}
    assert keys == {"$connect", "$disconnect", "$default"}
    (connect,) = [route["Properties"] for route in routes.values() if route["Properties"]["RouteKey"] == "$connect"]
    assert connect["AuthorizationType"] == "CUSTOM"
    (authorizer,) = of_type("AWS::ApiGatewayV2::Authorizer").values()
    assert authorizer["Properties"]["IdentitySource"] == ["route.request.querystring.token"]


def test_nothing_depends_on_what_is_not_there_on_the_local_cloud(expanded):
    conditional = {name for name, body in expanded["Resources"].items() if body.get("Condition") == "IsCloud"}
    for name, body in expanded["Resources"].items():
        depends = body.get("DependsOn", [])
        depends = {depends} if isinstance(depends, str) else set(depends)
        assert not depends & conditional or body.get("Condition") == "IsCloud", name
