"""What the authorizer reads from a request and answers to API Gateway, REST and WebSocket alike."""

from collections.abc import Mapping
from typing import Any

from signalbox.domain.accounts.account import NOBODY, Account, Caller, Scope, Tier


def presented_key(event: Mapping[str, Any]) -> str | None:
    """Return the key a request brings: `X-Api-Key`, `Authorization: Bearer ...`, or `token` in a WebSocket's URL."""
    headers: dict[str, str] = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and bearer.strip():
        return bearer.strip()
    token = (event.get("queryStringParameters") or {}).get("token") if is_websocket(event) else None
    return headers.get("x-api-key") or token or None


def is_websocket(event: Mapping[str, Any]) -> bool:
    """Return whether an authorizer's event is a WebSocket being opened."""
    return "connectionId" in (event.get("requestContext") or {})


def allow(found: Caller, method_arn: str) -> dict[str, Any]:
    """Return the policy that lets a caller through to every route of the stage, and names it to what is behind."""
    api, stage = method_arn.split("/")[:2]
    account = found.account
    return {
        **_policy(account.account_id, "Allow", f"{api}/{stage}/*"),
        "context": {
            "account_id": account.account_id,
            "tier": str(account.tier),
            "scopes": " ".join(sorted(found.scopes)),
            **({"key_hash": found.key_hash} if found.key_hash else {}),
        },
    }


def deny(method_arn: str) -> dict[str, Any]:
    """Return the policy that lets nobody through: 403, and the worker lives on, as it would not after an error."""
    return _policy("refused", "Deny", method_arn)


def caller(event_context: Mapping[str, Any]) -> Account:
    """Return the account that the authorizer named in a request's context."""
    return identity(event_context).account


def identity(event_context: Mapping[str, Any]) -> Caller:
    """Return who the authorizer named in a request's context, and what their key is for; nobody where it named none."""
    named = event_context.get("authorizer") or {}
    if "account_id" not in named:
        return NOBODY
    account = Account(account_id=named["account_id"], tier=Tier(named.get("tier", "free")))
    scopes = frozenset(map(Scope, named.get("scopes", "").split()))
    return Caller(account, scopes, named.get("key_hash", ""))


def _policy(principal: str, effect: str, resource: str) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
    return {"principalId": principal, "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
