"""Check the last day of candles again, pack what is no longer hot, and resolve what was suppressed.

Woken by a schedule each night.
"""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from signalbox import bootstrap
from signalbox.adapters.schedules import scheduled_moment
from signalbox.domain.errors import TransientError
from signalbox.domain.universe.universe import Universe
from signalbox.services.compact_candles import compact_candles
from signalbox.services.resolve_suppressions import resolve_suppressions
from signalbox.settings import settings
from signalbox.telemetry import logger, metrics, publish


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], _context: LambdaContext) -> None:
    now = scheduled_moment(event, bootstrap.wall_clock().now())
    universe = bootstrap.universe_repository().current(now) or Universe(now, ())
    report = compact_candles(
        universe,
        exchanges=bootstrap.exchanges(),
        timeframes=settings().timeframes,
        store=bootstrap.candle_store(),
        compactor=bootstrap.candle_compactor(),
        now=now,
    )
    publish(report)
    resolved = resolve_suppressions(
        universe,
        candles=bootstrap.candle_store(),
        suppressions=bootstrap.suppression_repository(),
        grace_seconds=settings().grace_seconds,
        now=now,
    )
    publish(resolved)
    if report.failed:
        # What is done is done: the retry finds it packed, and what is left at last goes to the dead letters.
        raise TransientError(f"all {report.series} series must be packed, {report.failed} failed")
    if resolved.symbols_failed:
        raise TransientError(f"every symbol's suppressions must be read, those of {resolved.symbols_failed} failed")
