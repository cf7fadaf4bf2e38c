"""Re-price one shard for one cycle: prices, revisions, endings. One SQS message is one shard."""

from datetime import datetime
from functools import partial
from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from signalbox import bootstrap
from signalbox.batches import handle_each
from signalbox.domain.universe.shards import Shard
from signalbox.services.evaluate_alerts import evaluate_alerts
from signalbox.services.post_topics import tell_prices
from signalbox.services.reprice_signals import Opened, Prices, reprice_shard
from signalbox.settings import settings
from signalbox.telemetry import logger, metrics, publish


def handle_record(record: SQSRecord) -> None:
    shard = Shard.from_message(record.json_body)
    logger.append_keys(shard=f"{shard.number}/{shard.count}", as_of=record.json_body["as_of"])
    now = bootstrap.turn_moment(shard.as_of)
    report = reprice_shard(
        shard,
        exchanges=bootstrap.exchanges(),
        candles=bootstrap.candle_store(),
        signals=bootstrap.signal_repository(),
        frames=bootstrap.price_frame_store(),
        changes=bootstrap.signal_changes(),
        universes=bootstrap.universe_repository(),
        grace_seconds=settings().grace_seconds,
        now=now,
        then=partial(tell, shard, now),
    )
    publish(report)


def tell(shard: Shard, now: datetime, prices: Prices, opened: Opened) -> None:
    report = evaluate_alerts(
        shard,
        prices,
        opened,
        alerts=bootstrap.alert_repository(),
        checks=bootstrap.alert_checks(),
        accounts=bootstrap.account_repository(),
        candles=bootstrap.candle_store(),
        frames=bootstrap.price_frame_store(),
        now=now,
        grace_seconds=settings().grace_seconds,
    )
    publish(report)
    tell_prices(shard.bucket, shard.as_of, prices, queue=bootstrap.queue("TOPICS"))


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    return handle_each(event, context, handle_record)
