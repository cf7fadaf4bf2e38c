"""Generate the signals of one shard for one turn. One SQS message is one shard."""

from datetime import datetime
from functools import partial
from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from signalbox import bootstrap
from signalbox.batches import handle_each
from signalbox.domain.market.candles import CandleGrid
from signalbox.domain.universe.shards import Shard
from signalbox.services.generate_signals import Provenance, generate_signals
from signalbox.services.watch_regimes import watch_regimes
from signalbox.settings import settings
from signalbox.telemetry import logger, metrics, publish


def handle_record(record: SQSRecord) -> None:
    shard = Shard.from_message(record.json_body)
    logger.append_keys(shard=f"{shard.number}/{shard.count}", as_of=record.json_body["as_of"])
    chosen = settings()
    now = bootstrap.turn_moment(shard.as_of)
    report = generate_signals(
        shard,
        exchange=bootstrap.exchange(shard.exchange),
        candles=bootstrap.warm_candle_store(),
        signals=bootstrap.signal_repository(),
        suppressions=bootstrap.suppression_repository(),
        now=now,
        warm_up_candles=chosen.warm_up_candles,
        grace_seconds=chosen.grace_seconds,
        provenance=Provenance(chosen.origin, chosen.code_version),
        then=partial(check_regimes, shard, now),
    )
    publish(report)


def check_regimes(shard: Shard, now: datetime, grid: CandleGrid) -> None:
    report = watch_regimes(
        shard,
        grid,
        rows=settings().warm_up_candles,
        universes=bootstrap.universe_repository(),
        candles=bootstrap.candle_store(),
        regimes=bootstrap.regime_repository(),
        alerts=bootstrap.alert_repository(),
        versions=bootstrap.version_repository(),
        now=now,
        wall_now=bootstrap.wall_clock().now(),
    )
    publish(report)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    return handle_each(event, context, handle_record)
