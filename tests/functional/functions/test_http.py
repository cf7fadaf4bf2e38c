"""What all paths have in common: methods, bodies, headers, and what is said when something is not to be had."""

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from signalbox import bootstrap
from signalbox.api.app import MOST_BODY_BYTES, declared
from signalbox.domain.accounts.account import Account, Scope, Tier
from signalbox.domain.universe.universe import Member, Universe
from signalbox.services.accounts import make_key
from tests.functional.functions.conftest import NOW, Handler, load_event

Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def ask(handler: Handler, lambda_context: Any) -> Ask:
    """Send the API a proxy event as a premium account, with parts of it replaced."""

    def send(method: str, route: str, **parts: Any) -> dict[str, Any]:
        event = load_event("api")
        names = {word.split("}")[0]: "x" for word in route.split("{")[1:]}
        event |= {"resource": route, "path": route, "httpMethod": method, "pathParameters": names or None}
        event["headers"]["Content-Type"] = "application/json"
        event |= {"queryStringParameters": None, "multiValueQueryStringParameters": None, **parts}
        event["requestContext"] |= {"resourcePath": route, "httpMethod": method}
        event["requestContext"]["authorizer"] = {
            "account_id": "acc_ada", "tier": "premium", "scopes": "manage read subscribe",
        }  # fmt: skip
        answer: dict[str, Any] = handler("api")(event, lambda_context)
        if answer["statusCode"] >= 400 and method != "HEAD":
            assert answer["headers"]["Content-Type"] == "application/problem+json"
            assert json.loads(answer["body"])["status"] == answer["statusCode"]
        return answer

    return send


@pytest.mark.parametrize("path", sorted({each.path for each in declared()}))
def test_options_says_what_is_allowed_of_every_path(ask: Ask, path: str) -> None:
    answer = ask("OPTIONS", path)
    methods = {each.method for each in declared() if each.path == path}
    assert answer["statusCode"] == 204
    assert set(answer["headers"]["Allow"].split(", ")) == methods | {"OPTIONS"} | (
        {"HEAD"} if "GET" in methods else set()
    )
    assert "Authorization" in answer["headers"]["Access-Control-Allow-Headers"]


@pytest.mark.parametrize(
    "path", ["/health", "/docs", "/openapi.json", "/signals/history", "/signals/api/signals/{signal_id}"]
)
def test_head_is_answered_like_get_without_the_body(ask: Ask, path: str) -> None:
    got, headed = ask("GET", path), ask("HEAD", path)
    assert (headed["statusCode"], headed["body"]) == (got["statusCode"], "")
    assert headed["headers"].keys() - {"Age"} == got["headers"].keys() - {"Age"}
    assert got["body"]


def test_a_page_anywhere_may_read_how_old_an_answer_is_and_when_to_come_back(ask: Ask) -> None:
    shown = ask("GET", "/health")["headers"]["Access-Control-Expose-Headers"].split(", ")
    assert {"Age", "ETag", "Location", "Retry-After", "X-Row-Count"} <= set(shown)
    assert "If-None-Match" in ask("OPTIONS", "/signals/history")["headers"]["Access-Control-Allow-Headers"]


@pytest.mark.parametrize("path", ["/nothing", "/signals/api", "/%zz", "/signals/api/signals/%", "/{proxy+}", ""])
def test_a_path_that_is_not_there_is_not_found_and_is_not_there_the_next_time_either(ask: Ask, path: str) -> None:
    assert [ask("GET", path)["statusCode"], ask("POST", path)["statusCode"]] == [404, 404]


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "QUERY", "get", "", "PATCH"])
def test_a_method_that_is_not_there_is_refused_with_those_that_are(ask: Ask, method: str) -> None:
    answer = ask(method, "/signals/history")
    assert (answer["statusCode"], answer["headers"]["Allow"]) == (405, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize(
    "body",
    [None, "", "{", "[]", "null", '"x"', "1e999", "NaN", "{}x", "[" * 60_000, "\ud800", '{"a": "\\ud800"}', "\x00"],
)
@pytest.mark.parametrize("path", ["/signals/api/alerts", "/signals/api/sign-in", "/signals/api/account/keys"])
def test_a_body_that_is_not_what_is_wanted_is_refused(ask: Ask, path: str, body: str | None) -> None:
    assert ask("POST", path, body=body)["statusCode"] == 400


@pytest.mark.parametrize("body", ["not base64!", b64encode(b"\xff\xfe{}").decode(), b64encode(b"").decode()])
def test_a_body_of_other_bytes_is_refused(ask: Ask, body: str) -> None:
    assert ask("POST", "/signals/api/alerts", body=body, isBase64Encoded=True)["statusCode"] == 400


def test_a_body_that_is_too_large_is_refused_whoever_reads_it(ask: Ask) -> None:
    for path in ("/signals/api/alerts", "/signals/api/unsubscribe/{token}"):
        assert ask("POST", path, body="é" * (MOST_BODY_BYTES // 2 + 1))["statusCode"] == 413
        assert ask("POST", path, body="é" * (MOST_BODY_BYTES // 2))["statusCode"] in {400, 404}


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "application/jsonx", "", ";", "\x00"])
def test_a_body_that_says_it_is_no_json_is_refused(ask: Ask, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    assert ask("POST", "/signals/api/alerts", body="{}", headers=headers)["statusCode"] == 415


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_a_body_of_json_is_read_however_its_type_is_spelled(ask: Ask, content_type: str) -> None:
    answer = ask("POST", "/signals/api/alerts", body="{}", headers={"content-type": content_type})
    assert {error["field"] for error in json.loads(answer["body"])["errors"]} == {"kind", "symbol"}


def test_a_body_whose_type_is_not_said_is_read_as_json(ask: Ask) -> None:
    answer = ask("POST", "/signals/api/alerts", body='{"colour": "red"}', headers={})
    assert "colour" in [error["field"] for error in json.loads(answer["body"])["errors"]]


def test_a_question_without_a_body_may_say_any_type(ask: Ask) -> None:
    assert ask("GET", "/health", headers={"Content-Type": "text/plain"})["statusCode"] == 200


@pytest.mark.parametrize(
    "headers", [None, {}, {"Accept": ""}, {"Accept": "image/png"}, {"Host": "\x00"}, {"X" * 9000: "y"}]
)
def test_odd_headers_change_nothing(ask: Ask, headers: dict[str, str] | None) -> None:
    assert ask("GET", "/health", headers=headers)["statusCode"] == 200


@pytest.mark.parametrize("path", ["/health", "/docs", "/openapi.json", "/signals/api/account", "/signals/api/candles"])
def test_a_parameter_that_nobody_declared_is_refused_by_name(ask: Ask, path: str) -> None:
    answer = ask("GET", path, multiValueQueryStringParameters={"colour": ["red"]})
    assert answer["statusCode"] == 400
    assert "colour" in [error["field"] for error in json.loads(answer["body"])["errors"]]


def test_a_parameter_given_twice_is_refused_by_name_wherever_it_is_known(ask: Ask) -> None:
    known = [
        (each.method, each.path, field.alias or name)
        for each in declared()
        if each.query is not None
        for name, field in each.query.model_fields.items()
    ]
    assert len(known) > 50
    for method, path, name in known:
        answer = ask(
            method, path, queryStringParameters={name: "b"}, multiValueQueryStringParameters={name: ["a", "b"]}
        )
        assert (answer["statusCode"], json.loads(answer["body"])["errors"]) == (
            400, [{"field": name, "detail": "must be given once, was given 2 times"}],
        ), (path, name)  # fmt: skip


SPANNED = sorted(
    each.path
    for each in declared()
    if each.query is not None and "from" in {field.alias for field in each.query.model_fields.values()}
)


@pytest.mark.parametrize("path", SPANNED)
def test_a_span_may_leave_out_a_side_and_may_not_be_upside_down(ask: Ask, path: str) -> None:
    bootstrap.universe_repository().add(Universe(NOW, (Member("BTC/USDT", "binance", 0),)))
    by_day = any(word in path for word in ("statistics", "performance"))
    early, late = (f"{year}-01-01" + ("" if by_day else "T00:00:00Z") for year in (2011, 2150))

    def asked(**query: str) -> tuple[int, list[str]]:
        given = {"symbol": "BTC/USDT"} if "candles" in path or "regimes" in path else {}
        given |= {name.removesuffix("_"): value for name, value in query.items()}
        many = {name: [value] for name, value in given.items()}
        answer = ask("GET", path, queryStringParameters=given, multiValueQueryStringParameters=many)
        found = json.loads(answer["body"]) if answer["statusCode"] >= 400 else {}
        return answer["statusCode"], [error["field"] for error in found.get("errors", [])]

    assert asked(from_=late, to=early) == (400, ["to"])
    for side in ({"to": early}, {"from_": late}):
        assert asked(**side) == (200, []), side


def test_an_answer_is_kept_by_nobody_unless_it_says_so(ask: Ask) -> None:
    assert ask("GET", "/signals/api/account")["headers"]["Cache-Control"] == "no-store"
    assert ask("GET", "/health")["headers"]["Cache-Control"] == "no-store"
    assert ask("GET", "/nothing")["headers"]["Cache-Control"] == "no-store"
    assert ask("GET", "/docs")["headers"]["Cache-Control"] == "public, max-age=300"


class Down:
    """A client whose service does not answer."""

    def __getattr__(self, name: str) -> Any:
        def fail(**_arguments: Any) -> Any:
            raise EndpointConnectionError(endpoint_url="http://nowhere")

        return fail


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/health", None),
        ("GET", "/signals/api/signals", None),
        ("GET", "/signals/history", None),
        ("GET", "/signals/api/regimes", None),
        ("GET", "/signals/api/sentiment", None),
        ("GET", "/signals/api/monitoring", None),
        ("GET", "/signals/api/account", None),
        ("GET", "/signals/api/alerts", None),
        ("POST", "/signals/api/alerts", '{"kind": "above", "symbol": "BTC/USDT", "price": "42000"}'),
        ("GET", "/signals/api/subscriptions", None),
        ("POST", "/signals/api/subscriptions", '{"channels": ["email"]}'),
        ("DELETE", "/signals/api/account/keys/{prefix}", None),
    ],
)
def test_while_storage_does_not_answer_callers_are_told_to_come_back(
    ask: Ask, use_client: Callable[[Any], None], method: str, path: str, body: str | None
) -> None:
    use_client(Down())
    answer = ask(method, path, body=body)
    assert answer["statusCode"] == 503
    assert int(answer["headers"]["Retry-After"]) >= 1
    assert "nowhere" not in answer["body"]


def test_what_needs_no_storage_is_answered_without_it(ask: Ask, use_client: Callable[[Any], None]) -> None:
    use_client(Down())
    assert ask("GET", "/docs")["statusCode"] == ask("GET", "/openapi.json")["statusCode"] == 200


def test_a_key_of_too_small_a_scope_is_told_which_it_needs(handler: Handler, lambda_context: Any) -> None:
    from tests.functional.functions.gate import Gate

    account = Account("acc_eve", Tier.FREE)
    bootstrap.account_repository().put_account(account)
    key = make_key(account, scopes=frozenset({Scope.READ}), accounts=bootstrap.account_repository(), now=NOW)
    refused = Gate(handler, lambda_context)("GET", "/signals/api/account", key.text)
    assert (refused.status, "manage" in refused.body["detail"]) == (403, True)
