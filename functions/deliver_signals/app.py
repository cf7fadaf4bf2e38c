"""Send deliveries: claim, send, record. One SQS message is some deliveries of one event, or a digest."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from signalbox import bootstrap
from signalbox.batches import handle_together
from signalbox.domain.delivery.delivery import Channel, Delivery
from signalbox.services.deliver_messages import deliver_messages
from signalbox.services.deliver_signals import Office
from signalbox.services.subscriptions import ALL_MAIL, unsubscribe_token
from signalbox.services.topics import TopicSender
from signalbox.settings import resource, settings
from signalbox.telemetry import logger, metrics, publish, publish_latencies


def unsubscribe_url(delivery: Delivery, subject: str | None = None) -> str | None:
    if delivery.channel is not Channel.EMAIL:
        return None
    token = unsubscribe_token(
        delivery.account_id,
        subject or delivery.subscription_id or ALL_MAIL,
        secret=bootstrap.token_secret(),
        now=bootstrap.wall_clock().now(),
    )
    return f"{resource('API_URL')}/signals/api/unsubscribe/{token}"


def handle_records(records: list[SQSRecord]) -> Mapping[int, Exception]:
    wall_now = bootstrap.wall_clock().now()
    followers, poster = bootstrap.connection_repository(), bootstrap.connection_poster()
    topics = TopicSender(bootstrap.topic_writer(), followers, poster, wall_now)
    office = Office(
        signals=bootstrap.signal_repository(),
        deliveries=bootstrap.delivery_repository(),
        senders={**bootstrap.batch_senders(), Channel.WEBSOCKET: topics},
        queues=bootstrap.tier_queues(),
        dead_letters=bootstrap.dead_deliveries(),
        page_url=settings().page_url,
        now=bootstrap.clock().now(),
        wall_now=wall_now,
        unsubscribe_url=unsubscribe_url,
        log=bootstrap.topic_log(),
    )
    digests = bootstrap.senders(), lambda first: unsubscribe_url(first, ALL_MAIL)
    report, failures = deliver_messages([record.body for record in records], office, *digests)
    publish(replace(report, latencies={}))
    publish_latencies(report.latencies)
    return failures


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], _context: LambdaContext) -> PartialItemFailureResponse:
    return handle_together(event, handle_records)
