"""SQS batches: each message on its own. One that fails is said in the log and given back; the others are done."""

from collections.abc import Callable
from types import TracebackType
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from signalbox.telemetry import logger

_Failure = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]


class _SpeakingProcessor(BatchProcessor):
    """Powertools gives a failed message back without a word."""

    def failure_handler(self, record: Any, exception: _Failure) -> Any:
        """Log why a message failed, then give it back."""
        logger.error("message failed", message_id=record.message_id, exc_info=exception[1] or True)
        return super().failure_handler(record, exception)


_PROCESSOR = _SpeakingProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


def handle_each(
    event: dict[str, Any], context: LambdaContext, handle_record: Callable[[SQSRecord], None]
) -> PartialItemFailureResponse:
    """Handle every message of an SQS event and return those that must come back."""
    return process_partial_response(event=event, record_handler=handle_record, processor=_PROCESSOR, context=context)
