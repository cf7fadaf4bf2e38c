"""The REST API: everything behind it is Chalice blueprints, one file per noun."""

from typing import Any

from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext

from signalbox import bootstrap
from signalbox.api.app import respond
from signalbox.telemetry import logger, metrics, publish_cache


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST, clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    response = respond(event, context)
    metrics.add_metric(name="Requests", unit="Count", value=1)
    publish_cache(bootstrap.cache_increments().take())
    logger.info("answered", route=event.get("resource"), method=event.get("httpMethod"), status=response["statusCode"])
    return response
