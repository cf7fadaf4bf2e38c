"""Send deliveries: claim, send, record. One SQS message is some deliveries of one event, or a digest."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from signalbox import bootstrap
from signalbox.batches import handle_together, time_left
from signalbox.domain.delivery.delivery import Channel, Delivery
from signalbox.services.deliver_messages import deliver_messages
from signalbox.services.deliver_signals import Office
from signalbox.services.delivery_latency import count_latencies, until
from signalbox.services.devices import DeviceSender
from signalbox.services.subscriptions import ALL_MAIL, unsubscribe_link
from signalbox.services.topics import TopicSender
from signalbox.settings import resource, settings
from signalbox.telemetry import logger, metrics, publish, publish_latencies


def unsubscribe_url(delivery: Delivery, subject: str | None = None) -> str | None:
    secret, now = bootstrap.token_secret(), bootstrap.wall_clock().now()
    return unsubscribe_link(delivery, subject, api_url=resource("API_URL"), secret=secret, now=now)


def handle_records(records: list[SQSRecord], context: LambdaContext) -> Mapping[int, Exception]:
    wall_now = bootstrap.wall_clock().now()
    followers, poster = bootstrap.connection_repository(), bootstrap.connection_poster()
    topics = TopicSender(bootstrap.topic_writer(), followers, poster, wall_now)
    by_channel = bootstrap.batch_senders()
    devices = DeviceSender(by_channel[Channel.PUSH], bootstrap.device_repository(), bootstrap.push_platform(), topics)
    office = Office(
        signals=bootstrap.signal_repository(),
        deliveries=bootstrap.delivery_repository(),
        senders={**by_channel, Channel.WEBSOCKET: topics, Channel.PUSH: devices},
        queues=bootstrap.tier_queues(),
        dead_letters=bootstrap.dead_deliveries(),
        page_url=settings().page_url or f"{resource('API_URL')}/signals/api",
        now=bootstrap.clock().now(),
        wall_now=wall_now,
        unsubscribe_url=unsubscribe_url,
        log=bootstrap.topic_log(),
        time_left=time_left(context),
    )
    bodies = [record.body for record in records]
    report, failures = deliver_messages(bodies, office, lambda first: unsubscribe_url(first, ALL_MAIL))
    publish(replace(report, latencies={}))
    latencies = until(bootstrap.wall_clock().now(), report.latencies, since=wall_now)
    publish_latencies(latencies)
    count_latencies(latencies, repository=bootstrap.delivery_latencies(), now=wall_now)
    return failures


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    return handle_together(event, lambda records: handle_records(records, context))
