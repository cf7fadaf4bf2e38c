"""The OpenAPI 3.1 document, made from what the endpoints declare. Imported on the first request for it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from signalbox.api.answers import Problem
from signalbox.api.endpoint import JSON, Endpoint
from signalbox.api.examples import PATH_PARAMETERS, example_of
from signalbox.api.problems import MEDIA_TYPE, body

REFERENCE = "#/components/schemas/"
ABOUT = (
    "Crypto trading signals people can check. Prices are exact decimals, as text; moments are ISO 8601 in UTC. "
    "Anybody may ask; what is about an account needs a key, and an open signal is shown later to a lower tier. "
    "Figures stand beside the coin's: a seeded coin flip that is given and resolved like every strategy's signals, and "
    "never delivered. What happens can also be followed by WebSocket, with a token of /signals/api/account/tokens. "
    "Every refusal is a problem document (RFC 9457) that names the field. A slash at the end changes nothing. "
    "HEAD is answered like GET, without the body; OPTIONS says what is allowed. "
    "What has an ETag need not be sent twice: asked with it in If-None-Match, the answer is 304 while it holds."
)
_PARAMETER = re.compile(r"\{(\w+)\}")
_HEADERS = {
    HTTPStatus.UNAUTHORIZED: ("WWW-Authenticate", "How to say who asks", "string"),
    HTTPStatus.METHOD_NOT_ALLOWED: ("Allow", "The methods of this path", "string"),
    HTTPStatus.TOO_MANY_REQUESTS: ("Retry-After", "Seconds to wait", "integer"),
    HTTPStatus.SERVICE_UNAVAILABLE: ("Retry-After", "Seconds to wait", "integer"),
}
_VALIDATORS = {
    "ETag": {"description": "What the answer is known by while it lasts", "schema": {"type": "string"}},
    "Cache-Control": {"description": "The caller alone may keep it, and checks it first", "schema": {"type": "string"}},
    "Age": {
        "description": "Whole seconds since it was read from the tables; absent where it was read just now",
        "schema": {"type": "integer", "minimum": 0},
    },
}
"""Headers of every answer that can be checked."""
REFUSALS: Mapping[HTTPStatus, tuple[str, str]] = {
    HTTPStatus.BAD_REQUEST: ("An input is wrong, unknown, or given twice", "limit: must be at least 1, was '0'"),
    HTTPStatus.UNAUTHORIZED: ("A key is needed and none was given, or it is not good", "the API key is not valid"),
    HTTPStatus.FORBIDDEN: ("The key is not for this", "this needs a key with the scope manage, had read"),
    HTTPStatus.NOT_FOUND: ("There is none, or the caller may not see it", "no such signal"),
    HTTPStatus.METHOD_NOT_ALLOWED: ("The path has no such method", "DELETE is not allowed on /signals/history"),
    HTTPStatus.CONFLICT: ("It does not fit what is there", "tier free has at most 5 alerts"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("The body is too large", "a body must be at most 65536 bytes, was 70000"),
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: ("The body is no JSON", "the body must be application/json, was text/plain"),
    HTTPStatus.TOO_MANY_REQUESTS: ("The quota is used up, or too many ask at once", "too many requests at this moment"),
    HTTPStatus.SERVICE_UNAVAILABLE: ("Busy at this moment: the same request may succeed later", "ask again"),
}  # fmt: skip
"""What each refusal means, and an example of its detail."""


class _Plain(GenerateJsonSchema):
    """Schemas without a title for each field, as its name says as much; what is named twice in a set is there once."""

    def frozenset_schema(self, schema: Any) -> dict[str, Any]:
        return {name: value for name, value in super().frozenset_schema(schema).items() if name != "uniqueItems"}

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False


def document(endpoints: Iterable[Endpoint], *, version: str) -> dict[str, Any]:
    """Return the OpenAPI document of `endpoints`; `version` is the code's."""
    declared = sorted(endpoints, key=lambda endpoint: (endpoint.path, endpoint.method))
    schemas, components = _schemas(declared)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in declared:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, schemas, components)
    for endpoint in declared:
        if endpoint.query is not None:
            components.pop(schemas[endpoint.query]["$ref"].removeprefix(REFERENCE), None)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Signalbox", "version": version, "description": ABOUT, "license": {"name": "MIT"}},
        "servers": [{"url": ".", "description": "where this document is"}],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": {_name(status): _refusal(status) for status in REFUSALS},
            "securitySchemes": {
                "ApiKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
                "Bearer": {"type": "http", "scheme": "bearer", "description": "a key, or the token of a session"},
            },
        },
    }


def _schemas(endpoints: Sequence[Endpoint]) -> tuple[dict[Any, dict[str, Any]], dict[str, Any]]:
    """Return the schema of every declared shape, and the components they refer to."""
    shapes: dict[Any, None] = {Problem: None}
    for endpoint in endpoints:
        for answer in endpoint.answers.values():
            shapes |= dict.fromkeys(_by_media_type(answer).values())
        shapes |= dict.fromkeys(model for model in (endpoint.query, endpoint.body) if model is not None)
    inputs = [(shape, "validation", TypeAdapter(shape)) for shape in shapes]
    found, definitions = TypeAdapter.json_schemas(
        inputs,  # type: ignore[arg-type] # a list of tuples with a literal in them
        ref_template=REFERENCE + "{model}",
        schema_generator=_Plain,
    )
    return {shape: schema for (shape, _), schema in found.items()}, dict(definitions.get("$defs", {}))


def _by_media_type(answer: Any) -> Mapping[str, Any]:
    if answer is None:
        return {}
    return answer if isinstance(answer, Mapping) else {JSON: answer}


def _operation(
    endpoint: Endpoint, schemas: Mapping[Any, dict[str, Any]], components: Mapping[str, Any]
) -> dict[str, Any]:
    parameters = [_path_parameter(name) for name in _PARAMETER.findall(endpoint.path)]
    if endpoint.query is not None:
        parameters += _query_parameters(_resolved(schemas[endpoint.query], components), components)
    operation: dict[str, Any] = {
        "operationId": "_".join([endpoint.method.lower(), *re.findall(r"\w+", endpoint.path)]),
        "summary": endpoint.summary,
        "tags": [_tag(endpoint.path)],
        "security": _security(endpoint),
        "responses": _responses(endpoint, schemas, components),
    }
    if endpoint.description:
        operation["description"] = endpoint.description
    if parameters:
        operation["parameters"] = parameters
    if endpoint.body is not None:
        schema = schemas[endpoint.body]
        example = endpoint.example or example_of("body", schema, components)
        operation["requestBody"] = {
            "required": True,
            "content": {each: {"schema": schema, "example": example} for each in endpoint.content_types},
        }
    return operation


def _responses(
    endpoint: Endpoint, schemas: Mapping[Any, dict[str, Any]], components: Mapping[str, Any]
) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, answer in endpoint.answers.items():
        content = {
            media_type: {"schema": schemas[shape], "example": example_of("answer", schemas[shape], components)}
            for media_type, shape in _by_media_type(answer).items()
        }
        described = {"description": HTTPStatus(status).phrase}
        responses[str(status)] = {**described, "content": content} if content else described
    if endpoint.is_checked:
        responses["200"]["headers"] = _VALIDATORS
        responses["304"] = {
            "description": "Not changed since the answer that If-None-Match names",
            "headers": _VALIDATORS,
        }
    for refusal in refusals_of(endpoint):
        responses[str(int(refusal))] = {"$ref": f"#/components/responses/{_name(refusal)}"}
    return responses


def refusals_of(endpoint: Endpoint) -> list[HTTPStatus]:
    """Return every refusal that an endpoint may answer, in the order of their numbers."""
    found = {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.SERVICE_UNAVAILABLE,
        *endpoint.refusals,
    }
    if not endpoint.is_open:
        found |= {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
    if _PARAMETER.search(endpoint.path):
        found.add(HTTPStatus.NOT_FOUND)
    if endpoint.body is not None:
        found.add(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    return sorted(found)


def _refusal(status: HTTPStatus) -> dict[str, Any]:
    description, detail = REFUSALS[status]
    errors = [{"field": "limit", "detail": detail.partition(": ")[2]}] if status is HTTPStatus.BAD_REQUEST else []
    content = {MEDIA_TYPE: {"schema": {"$ref": REFERENCE + "Problem"}, "example": body(status, detail, errors)}}
    if status not in _HEADERS:
        return {"description": description, "content": content}
    name, meaning, kind = _HEADERS[status]
    return {
        "description": description,
        "headers": {name: {"description": meaning, "schema": {"type": kind}}},
        "content": content,
    }


def _query_parameters(model: Mapping[str, Any], components: Mapping[str, Any]) -> list[dict[str, Any]]:
    required = model.get("required", [])
    found = []
    for name, declared in model["properties"].items():
        schema = _without_null(declared)
        parameter = {
            "name": name,
            "in": "query",
            "required": name in required,
            "schema": schema,
            "example": example_of(name, schema, components),
        }
        if schema.get("type") == "array":
            # Nothing between two commas is no value.
            schema["minItems"] = 1
            schema.pop("default", None)
            parameter |= {"style": "form", "explode": False}
        found.append(parameter)
    return found


def _without_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a query parameter: one that is left out is absent, never null."""
    kept = {name: value for name, value in schema.items() if not (name == "default" and value in (None, ""))}
    choices = [each for each in kept.pop("anyOf", []) if each != {"type": "null"}]
    if len(choices) == 1:
        return {**choices[0], **kept}
    return {**kept, "anyOf": choices} if choices else kept


def _path_parameter(name: str) -> dict[str, Any]:
    meaning, example = PATH_PARAMETERS[name]
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": meaning,
        "schema": {"type": "string", "minLength": 1},
        "example": example,
    }


def _security(endpoint: Endpoint) -> list[dict[str, list[str]]]:
    if endpoint.is_open:
        return []
    if endpoint.scope is None:
        return [{}, {"ApiKey": []}, {"Bearer": []}]
    return [{"ApiKey": [str(endpoint.scope)]}, {"Bearer": [str(endpoint.scope)]}]


def _tag(path: str) -> str:
    words = [word for word in path.split("/") if word not in {"", "signals", "api"}]
    return words[0] if words and "signals" in path else "signals" if "signals" in path else "service"


def _resolved(schema: Mapping[str, Any], components: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in schema:
        return schema
    found: Mapping[str, Any] = components[schema["$ref"].removeprefix(REFERENCE)]
    return found


def _name(status: HTTPStatus) -> str:
    return status.phrase.replace(" ", "")
