"""Send on the deliveries that waited until now: digests, ends of quiet hours, daily budgets. Woken each minute."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from signalbox import bootstrap
from signalbox.adapters.schedules import scheduled_moment
from signalbox.services.release_due import Desk, release_due
from signalbox.telemetry import logger, metrics, publish


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], _context: LambdaContext) -> None:
    wall_now = bootstrap.wall_clock().now()
    desk = Desk(
        deliveries=bootstrap.delivery_repository(),
        subscriptions=bootstrap.subscription_repository(),
        signals=bootstrap.signal_repository(),
        quotas=bootstrap.quota_repository(),
        queues=bootstrap.tier_queues(),
        now=scheduled_moment(event, wall_now),
        wall_now=wall_now,
    )
    publish(release_due(desk))
