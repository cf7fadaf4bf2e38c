"""Decide who is told of an event, and put the deliveries on their tier's queue. One SQS message is one event."""

from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from signalbox import bootstrap
from signalbox.batches import handle_each
from signalbox.domain.alerts.firing import ALERT_EVENT, FiringEvent
from signalbox.domain.signals.events import SignalEvent
from signalbox.services.route_deliveries import route_event
from signalbox.services.route_firings import route_firing
from signalbox.telemetry import logger, metrics, publish


def handle_record(record: SQSRecord) -> None:
    body = record.json_body
    deliveries, queues, now = bootstrap.delivery_repository(), bootstrap.tier_queues(), bootstrap.wall_clock().now()
    if body.get("kind") == ALERT_EVENT:
        accounts = bootstrap.account_repository()
        firing = FiringEvent.from_message(body)
        moments = {"now": now, "system_now": bootstrap.clock().now()}
        publish(route_firing(firing, accounts=accounts, deliveries=deliveries, queues=queues, **moments))
    else:
        subscriptions = bootstrap.subscription_repository()
        event = SignalEvent.from_message(body)
        publish(
            route_event(
                event,
                subscriptions=subscriptions,
                deliveries=deliveries,
                queues=queues,
                now=now,
                system_now=bootstrap.clock().now(),
                feeds=bootstrap.feeds(),
            )
        )


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    return handle_each(event, context, handle_record)
