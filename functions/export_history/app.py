"""Write an export that was too large for one answer. One SQS message is one job, or a job's going on."""

from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from signalbox import bootstrap
from signalbox.batches import handle_each
from signalbox.services.export_history import export_history
from signalbox.telemetry import logger, metrics, publish


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    def handle_record(record: SQSRecord) -> None:
        report = export_history(
            record.json_body["export_id"],
            exports=bootstrap.export_repository(),
            signals=bootstrap.signal_repository(),
            objects=bootstrap.export_store(),
            queue=bootstrap.queue("EXPORTS"),
            now=bootstrap.wall_clock().now(),
            seconds_left=lambda: context.get_remaining_time_in_millis() / 1000,
        )
        publish(report)

    return handle_each(event, context, handle_record)
