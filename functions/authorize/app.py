"""Tell both gateways who asks. A request without a key is anonymous; one with a key that is not good is refused."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from signalbox import bootstrap
from signalbox.api.policies import allow, presented_key
from signalbox.services.authorize import authenticate
from signalbox.telemetry import logger


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    account = authenticate(presented_key(event), accounts=bootstrap.account_repository())
    if account is None:
        logger.info("refused")
        # The one message that API Gateway turns into 401.
        raise PermissionError("Unauthorized")
    logger.info("allowed", account_id=account.account_id, tier=account.tier)
    return allow(account, event["methodArn"])
