"""Take in what SES tells of mails that it took: bounces, complaints, deliveries. It comes through a topic of SNS."""

import json
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from signalbox import bootstrap
from signalbox.domain.delivery.feedback import read_feedback
from signalbox.services.record_feedback import record_feedback
from signalbox.services.topics import TopicSender
from signalbox.telemetry import logger, metrics, publish


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], _context: LambdaContext) -> None:
    now = bootstrap.wall_clock().now()
    followers, poster = bootstrap.connection_repository(), bootstrap.connection_poster()
    topics = TopicSender(bootstrap.topic_writer(), followers, poster, now)
    for record in event["Records"]:
        feedback = read_feedback(json.loads(record["Sns"]["Message"]))
        if feedback is None:
            continue
        publish(
            record_feedback(
                feedback,
                deliveries=bootstrap.sent_deliveries(),
                accounts=bootstrap.account_repository(),
                subscriptions=bootstrap.subscription_repository(),
                told_by=topics,
                wall_now=now,
            )
        )
