"""Keep track of who is connected by WebSocket and what they follow, and bring them what they missed."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from signalbox import bootstrap
from signalbox.api.policies import identity
from signalbox.services.connections import Conversation, connect, disconnect, receive
from signalbox.telemetry import logger


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    request = event["requestContext"]
    connection_id, route = request["connectionId"], request["routeKey"]
    logger.info("websocket", route=route, connection_id=connection_id)
    if route == "$connect":
        known = connect(
            connection_id,
            identity(request),
            connections=bootstrap.connection_repository(),
            accounts=bootstrap.account_repository(),
            now=bootstrap.wall_clock().now(),
        )
        if not known:
            return {"statusCode": 403}
    elif route == "$disconnect":
        disconnect(connection_id, connections=bootstrap.connection_repository())
    else:
        conversation = Conversation(
            connections=bootstrap.connection_repository(),
            log=bootstrap.topic_writer(),
            prices=bootstrap.price_topics(),
            poster=bootstrap.connection_poster(),
            now=bootstrap.wall_clock().now(),
            system_now=bootstrap.clock().now(),
        )
        fault = receive(connection_id, event.get("body"), conversation)
        if fault is not None:
            logger.warning("answered try_again", reason=str(fault))
    return {"statusCode": 200}
