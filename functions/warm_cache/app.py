"""Ask again what is asked most. Woken by a message some seconds after signals changed, and by a schedule."""

from contextlib import suppress
from functools import partial
from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from signalbox import bootstrap
from signalbox.api.page_texts import kept_page
from signalbox.batches import handle_each
from signalbox.domain.caching.figures import cost_of_warming
from signalbox.domain.errors import TransientError
from signalbox.services.warm_cache import MOST_WARMED, warm_cache
from signalbox.telemetry import logger, metrics, publish, publish_cache


def warm(record: SQSRecord | None = None) -> None:  # noqa: ARG001 - handed over by this name
    now = bootstrap.clock().now()
    report = warm_cache(
        bootstrap.asked_repository().top(MOST_WARMED),
        ask=partial(kept_page, cache=bootstrap.warming_cache(), signals=bootstrap.signal_repository(), now=now),
        recomputed=lambda: bootstrap.cache_figures().recomputed,
        now=now,
    )
    publish(report)
    _tell_costs()


def _tell_costs() -> None:
    grown = cost_of_warming(bootstrap.cache_increments().take())
    publish_cache(grown)
    with suppress(TransientError):  # figures that are lost are but figures
        bootstrap.cache_figures_repository().add(grown, bootstrap.wall_clock().now())


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse | None:
    if "Records" in event:
        return handle_each(event, context, warm)
    warm()
    return None
