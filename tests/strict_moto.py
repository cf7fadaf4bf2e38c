"""What DynamoDB refuses and moto does not: a query whose range ends before it begins."""

import re
from decimal import Decimal
from typing import Any

from botocore.exceptions import ClientError

_RANGE = re.compile(r"BETWEEN (:\w+) AND (:\w+)")


def refuse_upside_down(params: dict[str, Any], **_: Any) -> None:
    """Refuse a query as DynamoDB does; a hook on the client's `provide-client-params.dynamodb.Query`."""
    values = params.get("ExpressionAttributeValues", {})
    for low, high in _RANGE.findall(params.get("KeyConditionExpression", "")):
        if _key(values[high]) < _key(values[low]):
            message = (
                "Invalid KeyConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal "
                f"to lower bound; lower bound operand: AttributeValue: {values[low]}, upper: {values[high]}"
            )
            raise ClientError({"Error": {"Code": "ValidationException", "Message": message}}, "Query")


def _key(value: dict[str, Any]) -> Any:
    ((kind, inner),) = value.items()
    return Decimal(inner) if kind == "N" else inner.encode() if kind == "S" else inner
