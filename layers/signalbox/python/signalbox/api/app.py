"""The REST API as one Chalice app: blueprints are found in this package, refusals have one shape."""

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from chalice.app import Chalice, Response

from signalbox.api import health, history, signals
from signalbox.api.problems import MEDIA_TYPE, ProblemError, body, response

app = Chalice(app_name="signalbox", configure_logs=False)
for noun in (health, history, signals):
    app.register_blueprint(noun.routes)


@app.middleware("http")
def refuse_in_one_shape(event: Any, get_response: Callable[[Any], Response]) -> Response:
    """Answer every ProblemError as problem details."""
    try:
        return get_response(event)
    except ProblemError as e:
        return response(e)


def respond(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Answer one REST proxy event of API Gateway. Never raises for what a caller sent."""
    answer: dict[str, Any] = app(event, context)
    if answer["statusCode"] < HTTPStatus.BAD_REQUEST or _media_type(answer) == MEDIA_TYPE:
        return answer
    status = HTTPStatus(answer["statusCode"])
    return {
        **answer,
        "headers": {**answer.get("headers", {}), "Content-Type": MEDIA_TYPE},
        "body": json.dumps(body(status, _detail(status, event))),
    }


def _media_type(answer: Mapping[str, Any]) -> str:
    return str(answer.get("headers", {}).get("Content-Type", ""))


def _detail(status: HTTPStatus, event: Mapping[str, Any]) -> str:
    method, path = event["httpMethod"], event["path"]
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        return f"{method} is not allowed on {path}"
    return f"{method} {path} cannot be answered: {status.phrase}"
