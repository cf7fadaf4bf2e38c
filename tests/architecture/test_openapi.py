"""The OpenAPI document and the API are the same: every route is in it, and nothing else."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from infra.assemble import ROOT
from signalbox.api.app import app, declared
from signalbox.api.docs_page import render
from signalbox.api.endpoint import Endpoint
from signalbox.api.examples import PATH_PARAMETERS
from signalbox.api.openapi import REFUSALS, document, refusals_of


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document(declared(), version="1")


def endpoints() -> list[Any]:
    return [pytest.param(each, id=f"{each.method} {each.path}") for each in declared()]


def operation(described: dict[str, Any], endpoint: Endpoint) -> dict[str, Any]:
    return described["paths"][endpoint.path][endpoint.method.lower()]


def examples(node: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every example in the document with the schema beside it."""
    if isinstance(node, dict):
        if "example" in node and "schema" in node:
            yield node["example"], node["schema"]
        for each in node.values():
            yield from examples(each)
    elif isinstance(node, list):
        for each in node:
            yield from examples(each)


def test_every_route_is_in_the_document_and_nothing_else_is(described: dict[str, Any]) -> None:
    routed = {(path, method.lower()) for path, methods in app.routes.items() for method in methods}
    assert {(path, method) for path, methods in described["paths"].items() for method in methods} == routed


def test_every_example_fits_its_schema(described: dict[str, Any]) -> None:
    found = list(examples(described))
    assert len(found) > 100
    for example, schema in found:
        whole = {**schema, "components": described["components"]}
        errors = [error.message for error in Draft202012Validator(whole).iter_errors(example)]
        assert not errors, (example, errors)


def test_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    text = json.dumps(described)
    for reference in {part.split('"')[0] for part in text.split('"$ref": "')[1:]}:
        node: Any = described
        for word in reference.removeprefix("#/").split("/"):
            node = node[word]


@pytest.mark.parametrize("endpoint", endpoints())
def test_an_endpoint_says_what_it_does_takes_and_refuses(described: dict[str, Any], endpoint: Endpoint) -> None:
    found = operation(described, endpoint)
    assert found["summary"]
    assert set(found["responses"]) == {str(status) for status in endpoint.answers} | {
        str(int(refusal)) for refusal in refusals_of(endpoint)
    } | ({"304"} if endpoint.is_checked else set())
    assert {"400", "405", "429", "503"} <= set(found["responses"])
    assert ("requestBody" in found) == (endpoint.body is not None)
    listed = {each["name"] for each in found.get("parameters", []) if each["in"] == "query"}
    assert listed == set(endpoint.query.model_json_schema()["properties"] if endpoint.query else ())


@pytest.mark.parametrize("endpoint", [each for each in endpoints() if each.values[0].body])
def test_the_example_of_a_body_is_one_that_is_taken(described: dict[str, Any], endpoint: Endpoint) -> None:
    (content,) = operation(described, endpoint)["requestBody"]["content"].values()
    assert endpoint.body is not None
    endpoint.body.model_validate(content["example"])


@pytest.mark.parametrize("endpoint", endpoints())
def test_who_needs_a_key_can_be_told_from_the_document(described: dict[str, Any], endpoint: Endpoint) -> None:
    security = operation(described, endpoint)["security"]
    if endpoint.is_open:
        assert security == []
    elif endpoint.scope is None:
        assert {} in security
    else:
        assert security == [{"ApiKey": [str(endpoint.scope)]}, {"Bearer": [str(endpoint.scope)]}]


@pytest.mark.parametrize("endpoint", endpoints())
def test_the_models_of_input_are_built_when_they_are_first_needed_and_not_at_a_cold_start(endpoint: Endpoint) -> None:
    for model in (endpoint.query, endpoint.body):
        assert model is None or model.model_config.get("defer_build")


def test_operations_have_names_of_their_own(described: dict[str, Any]) -> None:
    names = [found["operationId"] for methods in described["paths"].values() for found in methods.values()]
    assert len(names) == len(set(names))


def test_every_refusal_that_may_come_is_explained_and_every_explanation_needed(described: dict[str, Any]) -> None:
    assert {refusal for each in declared() for refusal in refusals_of(each)} == set(REFUSALS)
    words = {word for path in described["paths"] for word in path.replace("{", "\n{").split("\n") if "{" in word}
    assert {word.split("}")[0].strip("{") for word in words} == set(PATH_PARAMETERS)


def test_the_page_shows_every_path_and_has_nothing_from_elsewhere(described: dict[str, Any]) -> None:
    page = render(described)
    for path in described["paths"]:
        assert path in page
    for word in ("<script", "http://", "https://", "@import", "url("):
        assert word not in page


def test_the_page_escapes_what_the_document_says() -> None:
    described = document(declared(), version="<script>alert(1)</script>")
    described["paths"]["/health"]["get"]["summary"] = "<img src=x onerror=alert(1)> `<b>`"
    described["components"]["schemas"]["Tier"]["description"] = "</div><script>"
    page = render(described)
    assert "<script" not in page
    assert "<img" not in page
    assert "<b>" not in page


def test_the_api_function_loads_no_array_library_no_exchange_and_no_document_before_it_is_asked() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, functions.api.app; print(' '.join(sys.modules))"],
        cwd=ROOT,
        env={"PYTHONPATH": f"layers/signalbox/python:{ROOT}", "POWERTOOLS_SERVICE_NAME": "signalbox", "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert not {"numpy", "ccxt", "signalbox.api.openapi", "signalbox.api.docs_page", "boto3"} & set(loaded)
