"""Send deliveries: claim, send, record. One SQS message is one delivery; each tier has its own queue."""

from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from signalbox import bootstrap
from signalbox.batches import handle_each
from signalbox.domain.signals.events import EventKind
from signalbox.services.deliver_signals import deliver
from signalbox.settings import settings
from signalbox.telemetry import logger, metrics, publish


def handle_record(record: SQSRecord) -> None:
    body = record.json_body
    report = deliver(
        body["signal_id"],
        body["delivery_id"],
        EventKind(body["kind"]),
        signals=bootstrap.signal_repository(),
        deliveries=bootstrap.delivery_repository(),
        senders=bootstrap.senders(),
        page_url=settings().page_url,
        now=bootstrap.clock().now(),
        wall_now=bootstrap.wall_clock().now(),
    )
    publish(report)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    return handle_each(event, context, handle_record)
