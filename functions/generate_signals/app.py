"""Generate the signals of one shard for one turn. One SQS message is one shard."""

from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from signalbox import bootstrap
from signalbox.batches import handle_each
from signalbox.domain.universe.shards import Shard
from signalbox.services.generate_signals import Provenance, generate_signals
from signalbox.settings import settings
from signalbox.telemetry import logger, metrics, publish


def handle_record(record: SQSRecord) -> None:
    shard = Shard.from_message(record.json_body)
    logger.append_keys(shard=f"{shard.number}/{shard.count}", as_of=record.json_body["as_of"])
    chosen = settings()
    report = generate_signals(
        shard,
        exchange=bootstrap.exchange(shard.exchange),
        candles=bootstrap.candle_store(),
        signals=bootstrap.signal_repository(),
        suppressions=bootstrap.suppression_repository(),
        now=bootstrap.turn_moment(shard.as_of),
        warm_up_candles=chosen.warm_up_candles,
        grace_seconds=chosen.grace_seconds,
        provenance=Provenance(chosen.origin, chosen.code_version),
    )
    publish(report)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    return handle_each(event, context, handle_record)
