"""Tell who follows topics by WebSocket of changes of regime and of prices. One SQS message is an entry or a cycle."""

from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from signalbox import bootstrap
from signalbox.batches import handle_as_one
from signalbox.domain.delivery.entries import CyclePrices, TopicEntry, read_entries
from signalbox.services.post_topics import post_topics
from signalbox.telemetry import logger, metrics, publish


def read_record(record: SQSRecord) -> TopicEntry | CyclePrices:
    return read_entries(record.json_body)


def handle_entries(told: list[TopicEntry | CyclePrices]) -> None:
    publish(post_topics(told, followers=bootstrap.connection_repository(), poster=bootstrap.connection_poster()))


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], _context: LambdaContext) -> PartialItemFailureResponse:
    return handle_as_one(event, read_record, handle_entries)
