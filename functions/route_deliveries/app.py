"""Decide who is told of an event, and put the deliveries on their tier's queue. One SQS message is one event."""

from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from signalbox import bootstrap
from signalbox.batches import handle_each
from signalbox.domain.signals.events import SignalEvent
from signalbox.services.route_deliveries import route_event
from signalbox.telemetry import logger, metrics, publish


def handle_record(record: SQSRecord) -> None:
    event = SignalEvent.from_message(record.json_body)
    report = route_event(
        event,
        subscriptions=bootstrap.subscription_repository(),
        deliveries=bootstrap.delivery_repository(),
        queues=bootstrap.tier_queues(),
        now=bootstrap.wall_clock().now(),
    )
    publish(report)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    return handle_each(event, context, handle_record)
