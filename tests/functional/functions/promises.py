"""Real answers against the OpenAPI document, more strictly than a client would: not a field more than it names."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

JSON_TYPES = ("application/json", "application/problem+json")


def require_promised(method: str, route: str, status: int, headers: Mapping[str, str], text: str) -> None:
    """Fail if the document does not promise this answer; one without a Content-Type is JSON, as API Gateway says."""
    operation = _described()["paths"].get(route, {}).get(method.lower())
    if operation is None:
        assert status in {404, 405, 204, 200}, f"{method} {route} is not in the document, was answered {status}"
        return
    assert str(status) in operation["responses"], f"{method} {route} was answered {status}, of which nothing is said"
    if not text:
        return
    media_type = headers.get("Content-Type", "application/json").partition(";")[0]
    if media_type in JSON_TYPES:
        errors = list(_validator(method.lower(), route, str(status), media_type).iter_errors(json.loads(text)))
        assert not errors, [f"{error.json_path}: {error.message}" for error in errors]


@cache
def _described() -> dict[str, Any]:
    from signalbox.api.app import declared
    from signalbox.api.openapi import document

    described: dict[str, Any] = _strict(document(declared(), version="1"))
    return described


def _strict(node: Any) -> Any:
    if isinstance(node, dict):
        closed = {name: _strict(value) for name, value in node.items()}
        is_object = node.get("type") == "object" and "properties" in node
        return {"additionalProperties": False, **closed} if is_object else closed
    return [_strict(each) for each in node] if isinstance(node, list) else node


@cache
def _validator(method: str, route: str, status: str, media_type: str) -> Draft202012Validator:
    described = _described()
    response = described["paths"][route][method]["responses"][status]
    if "$ref" in response:
        response = described["components"]["responses"][response["$ref"].rpartition("/")[2]]
    assert media_type in response["content"], f"{method} {route} {status} is not promised as {media_type}"
    return Draft202012Validator({**response["content"][media_type]["schema"], "components": described["components"]})
