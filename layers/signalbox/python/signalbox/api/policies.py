"""What the authorizer reads from a request and answers to API Gateway, REST and WebSocket alike."""

from collections.abc import Mapping
from typing import Any

from signalbox.domain.accounts.account import Account, Tier


def presented_key(event: Mapping[str, Any]) -> str | None:
    """Return the key a request brings: `X-Api-Key`, `Authorization: Bearer ...`, or `token` in a WebSocket's URL."""
    headers: dict[str, str] = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and bearer.strip():
        return bearer.strip()
    token = (event.get("queryStringParameters") or {}).get("token") if _is_websocket(event) else None
    return headers.get("x-api-key") or token or None


def allow(account: Account, method_arn: str) -> dict[str, Any]:
    """Return the policy that lets `account` through to every route of the stage, and names it to what is behind."""
    api, stage = method_arn.split("/")[:2]
    return {
        "principalId": account.account_id,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": f"{api}/{stage}/*"}],
        },
        "context": {"account_id": account.account_id, "tier": str(account.tier)},
    }


def caller(event_context: Mapping[str, Any]) -> Account:
    """Return the account that the authorizer named in a request's context."""
    named = event_context.get("authorizer") or {}
    return Account(account_id=named.get("account_id", "anonymous"), tier=Tier(named.get("tier", "free")))


def _is_websocket(event: Mapping[str, Any]) -> bool:
    return "connectionId" in (event.get("requestContext") or {})
