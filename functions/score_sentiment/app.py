"""Read the news each quarter of an hour, score what is new, and on the hour record the mood. Woken by a schedule."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from signalbox import bootstrap
from signalbox.adapters.schedules import scheduled_moment
from signalbox.domain.caching.versions import SENTIMENT, Moves
from signalbox.services.score_sentiment import score_sentiment
from signalbox.telemetry import logger, metrics, publish


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], _context: LambdaContext) -> None:
    scheduled_at = scheduled_moment(event, bootstrap.wall_clock().now())
    try:
        report = score_sentiment(
            scheduled_at=scheduled_at,
            now=bootstrap.turn_moment(scheduled_at),
            sources=bootstrap.news_sources(),
            index=bootstrap.fear_greed_source(),
            scorer=bootstrap.sentiment_scorer(),
            news=bootstrap.news_repository(),
            record=bootstrap.sentiment_repository(),
        )
    finally:
        # Also where it failed half way: what was recorded until then is to be seen.
        bootstrap.version_repository().move({SENTIMENT: Moves()}, bootstrap.wall_clock().now())
    publish(report)
