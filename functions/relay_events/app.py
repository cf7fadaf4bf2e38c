"""Copy what happened to signals from the table's stream to the queues of everything that reacts.

The stream's one reader does no other work, and raises on any failure: the stream then gives the whole batch again.
"""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from signalbox import bootstrap
from signalbox.adapters.storage.stream import signal_events
from signalbox.services.relay_events import relay_events
from signalbox.telemetry import logger, metrics, publish


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], _context: LambdaContext) -> None:
    publish(relay_events(signal_events(event["Records"]), queues=[bootstrap.queue("ROUTES")]))
