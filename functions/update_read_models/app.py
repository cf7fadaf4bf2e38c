"""Count what happened to signals, and tell the cache of it. One SQS message is one event; a batch goes together."""

from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from signalbox import bootstrap
from signalbox.batches import handle_as_one
from signalbox.domain.alerts.firing import ALERT_EVENT
from signalbox.domain.signals.events import SignalEvent
from signalbox.services.move_versions import Warming, move_versions
from signalbox.services.update_read_models import update_read_models
from signalbox.telemetry import logger, metrics, publish


def read_record(record: SQSRecord) -> SignalEvent | None:
    body = record.json_body
    return None if body.get("kind") == ALERT_EVENT else SignalEvent.from_message(body)


def handle_events(events: list[SignalEvent]) -> None:
    now = bootstrap.wall_clock().now()
    warming = Warming(bootstrap.queue("WARM"), bootstrap.answer_store())
    move_versions(events, versions=bootstrap.version_repository(), warming=warming, now=now)
    report = update_read_models(
        events,
        signals=bootstrap.stored_signals(),
        statistics=bootstrap.statistics_repository(),
        versions=bootstrap.version_repository(),
        now=now,
    )
    publish(report)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], _context: LambdaContext) -> PartialItemFailureResponse:
    return handle_as_one(event, read_record, handle_events)
