"""API Gateway in this process, as a WSGI application: routes of the template, the authorizer first, then the API."""

import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote

from infra.assemble import assemble
from tests.functional.functions.conftest import Handler, load_event
from tests.functional.functions.gate import METHOD_ARN

StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class GatewayApplication:
    """What a caller on the network meets, without the network."""

    def __init__(self, handler: Handler, context: Any) -> None:
        self._authorize, self._api, self._context = handler("authorize"), handler("api"), context
        listed = assemble()["Resources"]["RestApi"]["Metadata"]["Routes"]
        # Literal paths before those with parameters, as the gateway prefers them.
        self._routes = [
            (re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(route["Path"])) + "/?"), route)
            for route in sorted(listed, key=lambda route: route["Path"].count("{"))
        ]
        self._event = json.dumps(load_event("api"))

    def __call__(self, environ: Mapping[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        answer = self._answer(environ)
        status = HTTPStatus(answer["statusCode"])
        body = str(answer.get("body") or "").encode()
        headers = {"Content-Type": "application/json", **answer["headers"]} if body else answer["headers"]
        start_response(f"{status.value} {status.phrase}", [(name, str(value)) for name, value in headers.items()])
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]

    def _answer(self, environ: Mapping[str, Any]) -> dict[str, Any]:
        # WSGI hands bytes over as Latin-1; API Gateway puts what is no UTF-8 into the path as it came.
        path = environ["PATH_INFO"].encode("latin-1").decode(errors="replace")
        for pattern, route in self._routes:
            if found := pattern.fullmatch(path):
                event = self._proxy_event(environ, path, route["Path"], found.groupdict())
                return self._routed(event, asks=route.get("Auth") != "NONE" and event["httpMethod"] != "OPTIONS")
        return _problem(404, "no such path")

    def _routed(self, event: dict[str, Any], *, asks: bool) -> dict[str, Any]:
        if asks:
            arn = METHOD_ARN.format(method=event["httpMethod"], path=event["path"])
            try:
                policy = self._authorize({**event, "type": "REQUEST", "methodArn": arn}, self._context)
            except PermissionError:
                return _problem(401, "the API key is not valid", **{"WWW-Authenticate": "Bearer"})
            if policy["policyDocument"]["Statement"][0]["Effect"] != "Allow":
                return _problem(403, "the API key is not valid, or does not allow this")
            event["requestContext"]["authorizer"] = policy["context"]
        answer: dict[str, Any] = self._api(event, self._context)
        return answer

    def _proxy_event(
        self, environ: Mapping[str, Any], path: str, route: str, parameters: dict[str, str]
    ) -> dict[str, Any]:
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").title(): str(value)
            for name, value in environ.items()
            if name.startswith("HTTP_") or (name == "CONTENT_TYPE" and value)
        }
        query: dict[str, list[str]] = {}
        for name, value in parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True, errors="replace"):
            query.setdefault(name, []).append(value)
        raw = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        try:
            body, encoded = raw.decode(), False
        except UnicodeDecodeError:
            body, encoded = b64encode(raw).decode(), True
        event: dict[str, Any] = json.loads(self._event)
        event |= {
            "resource": route,
            "path": path,
            "httpMethod": environ["REQUEST_METHOD"],
            "headers": headers,
            "multiValueHeaders": {name: [value] for name, value in headers.items()},
            "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
            "multiValueQueryStringParameters": query or None,
            "pathParameters": {name: unquote(value) for name, value in parameters.items()} or None,
            "body": body or None,
            "isBase64Encoded": encoded,
        }
        event["requestContext"] |= {"resourcePath": route, "httpMethod": environ["REQUEST_METHOD"]}
        event["requestContext"].pop("authorizer", None)
        event["requestContext"]["identity"]["sourceIp"] = "127.0.0.1"  # nobody's quota
        return event


def _problem(status: int, detail: str, **headers: str) -> dict[str, Any]:
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/problem+json", **headers},
        "body": json.dumps(body),
    }
