"""Split the universe into shards and send each to a worker. Woken by a schedule, for one job and timeframe."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from signalbox import bootstrap
from signalbox.adapters.schedules import scheduled_moment
from signalbox.domain.market.timeframe import Timeframe
from signalbox.services.plan_shards import plan_turn
from signalbox.services.refresh_universe import current_universe
from signalbox.settings import settings
from signalbox.telemetry import logger, metrics, publish


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], _context: LambdaContext) -> None:
    now = bootstrap.wall_clock().now()
    scheduled_at = scheduled_moment(event, now)
    job, timeframe = event["job"], Timeframe.of(event["timeframe"])
    chosen = settings()
    universe = current_universe(
        bootstrap.universe_repository(),
        bootstrap.exchanges(),
        at=scheduled_at,
        symbols=chosen.symbols,
        size=chosen.universe_size,
        quote_currency=chosen.quote_currency,
    )
    report = plan_turn(
        universe,
        job=job,
        timeframe=timeframe,
        scheduled_at=scheduled_at,
        now=now,
        shard_symbols=chosen.shard_symbols,
        delay_seconds=bootstrap.grace_delay(job),
        turns=bootstrap.turn_repository(),
        queue=bootstrap.shard_queue(job),
    )
    publish(report)
