"""Tell both gateways who asks. By REST, nobody in particular may ask; a key or token that is not good is refused."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from signalbox import bootstrap
from signalbox.api.policies import allow, deny, is_websocket, presented_key
from signalbox.services.authorize import Authorizer
from signalbox.telemetry import logger


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    authorizer = Authorizer(
        bootstrap.account_repository(),
        bootstrap.one_time_token_repository(),
        bootstrap.token_secret(),
        bootstrap.remembered_keys(),
        bootstrap.remembered_accounts(),
    )
    by_websocket = is_websocket(event)
    ask = authorizer.websocket if by_websocket else authorizer.rest
    caller = ask(presented_key(event), bootstrap.wall_clock().now())
    if caller is not None:
        logger.info("allowed", account_id=caller.account.account_id, tier=caller.account.tier)
        return allow(caller, event["methodArn"])
    logger.info("refused", websocket=by_websocket)
    if by_websocket:
        return deny(event["methodArn"])
    # The one message that API Gateway turns into 401; a policy that denies would be 403.
    raise PermissionError("Unauthorized")
