"""REST as callers meet it: every request goes through the authorizer, as the gateway would send it, then to the API."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.functional.functions.conftest import load_event
from tests.functional.functions.promises import require_promised

METHOD_ARN = "arn:aws:execute-api:eu-central-1:123456789012:a1b2c3d4e5/live/{method}{path}"


@dataclass(frozen=True)
class Answer:
    """What a caller gets."""

    status: int
    body: Any
    headers: Mapping[str, str]
    text: str


@dataclass
class Gate:
    """Asks as a caller with a credential (or without) from an address."""

    handler: Callable[[str], Callable[..., Any]]
    context: Any

    def __call__(
        self,
        method: str,
        route: str,
        credential: str | None = None,
        body: Any = None,
        *,
        source: str = "198.51.100.7",
        content_type: str = "application/json",
        query: Mapping[str, str] | None = None,
        **path: str,
    ) -> Answer:
        event = load_event("api")
        event["headers"] = {"Content-Type": content_type} | (
            {"Authorization": f"Bearer {credential}"} if credential else {}
        )
        event["multiValueHeaders"] = {name: [value] for name, value in event["headers"].items()}
        asked = route.format(**path)
        event |= {
            "resource": route,
            "path": asked,
            "httpMethod": method,
            "pathParameters": path or None,
            "queryStringParameters": dict(query or {}) or None,
            "multiValueQueryStringParameters": {name: [value] for name, value in (query or {}).items()} or None,
            "body": body if isinstance(body, str) or body is None else json.dumps(body),
        }
        event["requestContext"] |= {"resourcePath": route, "httpMethod": method}
        event["requestContext"].pop("authorizer", None)
        event["requestContext"]["identity"]["sourceIp"] = source
        arn = METHOD_ARN.format(method=method, path=asked)
        try:
            policy = self.handler("authorize")({**event, "type": "REQUEST", "methodArn": arn}, self.context)
        except PermissionError as e:
            # What the gateway makes of it: any other word is a fault.
            return Answer(401 if str(e) == "Unauthorized" else 500, {}, {}, "")
        event["requestContext"]["authorizer"] = policy["context"]
        found = self.handler("api")(event, self.context)
        require_promised(method, route, found["statusCode"], found["headers"], found["body"] or "")
        return self._answer(found)

    def connect(self, token: str | None) -> bool:
        """Open a WebSocket; return whether the authorizer allowed it."""
        event = load_event("authorize")
        event["headers"].pop("X-Api-Key", None)
        event["queryStringParameters"] = {"token": token} if token is not None else None
        event["requestContext"] |= {"connectionId": "c-1", "eventType": "CONNECT"}
        policy = self.handler("authorize")(event, self.context)
        return policy["policyDocument"]["Statement"][0]["Effect"] == "Allow"

    @staticmethod
    def _answer(answer: Mapping[str, Any]) -> Answer:
        headers, text = answer["headers"], answer["body"] or ""
        # What names no type is JSON, as API Gateway says it is.
        media_type = headers.get("Content-Type", "application/json").partition(";")[0]
        body = json.loads(text) if text and media_type.endswith(("/json", "+json")) else {}
        if answer["statusCode"] >= 400:
            assert headers["Content-Type"] == "application/problem+json"
            assert body["status"] == answer["statusCode"]
        return Answer(answer["statusCode"], body, headers, text)
