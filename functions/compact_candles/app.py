"""Check the last day of candles again and pack what is no longer hot. Woken by a schedule each night."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from signalbox import bootstrap
from signalbox.adapters.schedules import scheduled_moment
from signalbox.domain.errors import TransientError
from signalbox.domain.universe.universe import Universe
from signalbox.services.compact_candles import compact_candles
from signalbox.settings import settings
from signalbox.telemetry import logger, metrics, publish


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], _context: LambdaContext) -> None:
    now = scheduled_moment(event, bootstrap.wall_clock().now())
    report = compact_candles(
        bootstrap.universe_repository().current(now) or Universe(now, ()),
        exchanges=bootstrap.exchanges(),
        timeframes=settings().timeframes,
        store=bootstrap.candle_store(),
        compactor=bootstrap.candle_compactor(),
        now=now,
    )
    publish(report)
    if report.failed:
        # What is done is done: the retry finds it packed, and what is left at last goes to the dead letters.
        raise TransientError(f"all {report.series} series must be packed, {report.failed} failed")
