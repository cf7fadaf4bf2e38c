"""SQS batches: each message on its own. One that fails is said in the log and given back; the others are done."""

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, TypeVar

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from signalbox.telemetry import logger

Message = TypeVar("Message")
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


def handle_as_one(
    event: dict[str, Any], read: Callable[[SQSRecord], Message | None], handle: Callable[[list[Message]], None]
) -> PartialItemFailureResponse:
    """Handle the messages of an SQS event as one, and return those that must come back.

    `read` returns what a message says, None for nothing to do. Where the whole fails, each message is tried by itself,
    so that one does not hold up the others: `handle` must do no harm when it is given a message twice.
    """
    failed: list[SQSRecord] = []
    found: list[tuple[SQSRecord, Message]] = []
    for record in map(SQSRecord, event["Records"]):
        try:
            message = read(record)
        except Exception as e:  # noqa: BLE001 - whatever it is, the message comes back
            _give_back(record, e, failed)
        else:
            if message is not None:
                found.append((record, message))
    try:
        handle([message for _, message in found])
    except Exception:  # noqa: BLE001 - which message it was is found out now
        for record, message in found:
            try:
                handle([message])
            except Exception as e:  # noqa: BLE001 - whatever it is, the message comes back
                _give_back(record, e, failed)
    return {"batchItemFailures": [{"itemIdentifier": record.message_id} for record in failed]}


def _give_back(record: SQSRecord, error: Exception, failed: list[SQSRecord]) -> None:
    logger.error("message failed", message_id=record.message_id, exc_info=error)
    failed.append(record)


def time_left(context: LambdaContext) -> Callable[[], float]:
    """Return what tells the seconds until this invocation is stopped."""
    return lambda: context.get_remaining_time_in_millis() / 1000


def handle_together(
    event: dict[str, Any], handle_records: Callable[[list[SQSRecord]], Mapping[int, Exception]]
) -> PartialItemFailureResponse:
    """Handle all messages of an SQS event at once and return those that must come back: `handle_records` says which, by
    their places, and why."""
    records = [SQSRecord(record) for record in event["Records"]]
    failures = handle_records(records)
    for place, error in failures.items():
        logger.error("message failed", message_id=records[place].message_id, exc_info=error)
    return {"batchItemFailures": [{"itemIdentifier": records[place].message_id} for place in sorted(failures)]}
