"""Copy what happened to signals, alerts and regimes from their tables' streams to the queues of everything that reacts.

The streams' one reader does no other work, and raises on any failure: the stream then gives the whole batch again.
"""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from signalbox import bootstrap
from signalbox.adapters.storage.topic_stream import happenings, topic_entries
from signalbox.services.relay_events import relay_events
from signalbox.telemetry import logger, metrics, publish


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], _context: LambdaContext) -> None:
    queues = [bootstrap.queue("ROUTES"), bootstrap.queue("READ_MODELS")]
    publish(relay_events(happenings(event["Records"]), queues=queues))
    if entries := topic_entries(event["Records"]):
        publish(relay_events(entries, queues=[bootstrap.queue("TOPICS")]))
