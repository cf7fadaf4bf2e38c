"""The REST API as one Chalice app: blueprints are found in this package, refusals have one shape."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from types import ModuleType
from typing import Any

from chalice.app import Chalice, Response

from signalbox import bootstrap
from signalbox.api import (
    account,
    alerts,
    candles,
    deliveries,
    devices,
    documentation,
    exports,
    health,
    history,
    monitoring,
    performance,
    regimes,
    sentiment,
    sign_in,
    signals,
    statistics,
    subscriptions,
)
from signalbox.api.access import count_request
from signalbox.api.conditional import validated
from signalbox.api.endpoint import JSON, Endpoint
from signalbox.api.problems import MEDIA_TYPE, ProblemError, body, response

NOUNS: tuple[ModuleType, ...] = (
    account,
    alerts,
    candles,
    deliveries,
    devices,
    documentation,
    exports,
    health,
    history,
    monitoring,
    performance,
    regimes,
    sentiment,
    sign_in,
    signals,
    statistics,
    subscriptions,
)
MOST_BODY_BYTES = 65_536
"""The largest body that is read; no request needs as much."""
OPEN = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Age, ETag, Location, Retry-After, X-Content-SHA256, X-Row-Count",
}
"""Pages anywhere may read what this API answers: callers are known by keys, which no browser sends by itself."""
HEADERS = {**OPEN, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
"""Headers of every answer that does not have them itself."""

app = Chalice(app_name="signalbox", configure_logs=False)
for noun in NOUNS:
    app.register_blueprint(noun.endpoints.routes)


def declared() -> list[Endpoint]:
    """Return every endpoint of every noun."""
    return [endpoint for noun in NOUNS for endpoint in noun.endpoints.declared]


CHECKED = frozenset(endpoint.path for endpoint in declared() if endpoint.is_checked)
"""Paths whose answers have validators."""


@app.middleware("http")
def refuse_in_one_shape(event: Any, get_response: Callable[[Any], Response]) -> Response:
    """Answer every ProblemError as problem details."""
    try:
        return get_response(event)
    except ProblemError as e:
        return response(e)


@app.middleware("http")
def count_against_quota(event: Any, get_response: Callable[[Any], Response]) -> Response:
    """Answer 429 to an account whose quota is used up."""
    count_request(event.context, bootstrap.quota_repository(), bootstrap.wall_clock().now())
    return get_response(event)


def respond(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Answer one REST proxy event of API Gateway. Never raises for what a caller sent."""
    bootstrap.take_answer_age()  # what a request before left
    answer, age = _answer(event, context), bootstrap.take_answer_age()
    if event["requestContext"]["resourcePath"] in CHECKED:
        answer = validated(event, answer, age)
    given = dict(answer.get("headers", {}))
    if answer["statusCode"] >= HTTPStatus.BAD_REQUEST and _media_type(answer) != MEDIA_TYPE:
        status = HTTPStatus(answer["statusCode"])
        given["Content-Type"] = MEDIA_TYPE
        answer = {**answer, "body": json.dumps(body(status, _detail(status, event)))}
    shown = "" if event["httpMethod"] == "HEAD" else answer.get("body", "")
    named = {name.lower() for name in given}
    defaults = {name: value for name, value in HEADERS.items() if name.lower() not in named}
    return {**answer, "headers": {**defaults, **given}, "body": shown}


def _answer(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    method, route = event["httpMethod"], event["requestContext"]["resourcePath"]
    # `app.routes` makes an entry for whatever it is asked, hence `in`.
    allowed = _allowed(app.routes[route]) if route in app.routes else ()
    if not allowed:
        return _refused(HTTPStatus.NOT_FOUND, f"{event['path']} is not there; /docs lists what is")
    if method == "OPTIONS":
        return {"statusCode": HTTPStatus.NO_CONTENT, "headers": _preflight(allowed), "body": ""}
    if method not in allowed:
        detail = f"{method} is not allowed on {event['path']}"
        return _refused(HTTPStatus.METHOD_NOT_ALLOWED, detail, Allow=", ".join(allowed))
    size = len((event.get("body") or "").encode(errors="replace"))
    if size > MOST_BODY_BYTES:
        detail = f"a body must be at most {MOST_BODY_BYTES} bytes, was {size}"
        return _refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
    asked = {**event, "requestContext": {**event["requestContext"], "httpMethod": "GET"}} if method == "HEAD" else event
    answer: dict[str, Any] = app(asked, context)
    return answer


def _allowed(methods: Iterable[str]) -> tuple[str, ...]:
    """Return what may be asked of a path: HEAD wherever GET may, and OPTIONS always."""
    known = set(methods)
    return tuple(sorted(known | {"OPTIONS"} | ({"HEAD"} if "GET" in known else set())))


def _preflight(allowed: Sequence[str]) -> dict[str, str]:
    methods = ", ".join(allowed)
    return {
        "Allow": methods,
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": "Authorization, Content-Type, If-None-Match, X-Api-Key",
        "Access-Control-Max-Age": "86400",
    }


def _refused(status: HTTPStatus, detail: str, **headers: str) -> dict[str, Any]:
    return response(ProblemError(status, detail, headers=headers)).to_dict()


def _media_type(answer: Mapping[str, Any]) -> str:
    return str(answer.get("headers", {}).get("Content-Type", ""))


def _detail(status: HTTPStatus, event: Mapping[str, Any]) -> str:
    if status is HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
        return f"a body must be {JSON}, was another Content-Type"
    return f"{event['httpMethod']} {event['path']} cannot be answered: {status.phrase}"
