"""Every declared endpoint against those who may not: bad keys, small scopes, others' ids, texts that want to be code.

The lists come from the API's own declarations, so that an endpoint added later is tried as well.
"""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from html import escape
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ses import ses_backends

from signalbox import bootstrap
from signalbox.adapters.channels.bulk_email import has_placeholders
from signalbox.api.app import declared
from signalbox.api.endpoint import Endpoint
from signalbox.domain.accounts.account import Account, Scope, Tier
from signalbox.domain.alerts.rendering import render_firing
from signalbox.domain.delivery.delivery import Channel
from signalbox.services.accounts import make_key
from tests.builders import make_subscription, make_universe
from tests.fakes.alerts import make_alert, make_firing
from tests.functional.functions.conftest import NOW
from tests.functional.functions.gate import Answer, Gate
from tests.proof import cases

ADA = Account("acc_ada_secret", Tier.PREMIUM, "ada.secret@example.com")
EVE = Account("acc_eve", Tier.PREMIUM, "eve@example.com")
GUARDED = [each for each in declared() if each.scope is not None]
OTHERS = {
    "subscription_id": "sub_ada_secret",
    "alert_id": "alr_ada_secret",
    "prefix": "sbx_ada_secret",
    "device_id": "dev_ada_secret",
    "signal_id": "SECRET-USDT~20240105T130000Z~trend_following~1h",
    "export_id": "exp_ada_secret",
    "token": "token",
}
"""What of Ada's each parameter of a path could name; a new parameter has to be added."""


@pytest.fixture
def gate(quiet_gate: Gate) -> Gate:
    return quiet_gate


def key_of(account: Account, scopes: frozenset[Scope] = frozenset(Scope), **more: Any) -> str:
    accounts = bootstrap.account_repository()
    accounts.put_account(account)
    return make_key(account, scopes=scopes, accounts=accounts, now=bootstrap.wall_clock().now(), **more).text


@pytest.fixture
def eve(house: None) -> str:
    """Eve's key; Ada has an account with things of her own."""
    key_of(ADA)
    ada_has = {"subscription_id": OTHERS["subscription_id"], "account_id": ADA.account_id, "email": ADA.email}
    bootstrap.subscription_repository().put(make_subscription(**ada_has, name="ada secret"))
    bootstrap.alert_repository().add(make_alert(alert_id=OTHERS["alert_id"], account_id=ADA.account_id))
    bootstrap.universe_repository().add(make_universe(since=NOW - timedelta(days=9)))
    return key_of(EVE)


def ask(gate: Gate, endpoint: Endpoint, credential: str | None, body: Any = None, **path: str) -> Answer:
    given = {name: path.get(name, "x") for name in re.findall(r"\{(\w+)\}", endpoint.path)}
    sent = body if body is not None else (dict(endpoint.example) if endpoint.example else {})
    return gate(endpoint.method, endpoint.path, credential, sent, source="127.0.0.1", **given)


def name_of(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


def test_a_key_that_is_missing_wrong_expired_or_revoked_opens_nothing(gate: Gate, eve: str) -> None:
    accounts = bootstrap.account_repository()
    expired = key_of(EVE, expires_at=bootstrap.wall_clock().now() - timedelta(seconds=1))
    revoked = key_of(EVE)
    for each in accounts.keys_of(EVE.account_id):
        if revoked.startswith(each.prefix):
            accounts.remove_key(each.key_hash)
    for credential in (None, "nobodys", f"{eve}x", eve.swapcase(), expired, revoked):
        statuses = {name_of(each): ask(gate, each, credential).status for each in GUARDED}
        assert statuses == dict.fromkeys(map(name_of, GUARDED), 401), credential


def test_a_scope_too_small_opens_nothing_of_the_scope_that_is_missing(gate: Gate, eve: str) -> None:
    for missing in Scope:
        small = key_of(EVE, frozenset(Scope) - {missing})
        needing = [each for each in GUARDED if each.scope is missing]
        assert needing
        assert {ask(gate, each, small).status for each in needing} == {403}


def test_what_is_anothers_is_not_there_whatever_is_done_to_it(gate: Gate, eve: str) -> None:
    named = [each for each in GUARDED if "{" in each.path]
    before = bootstrap.subscription_repository().of_account(ADA.account_id)
    for endpoint in named:
        names = re.findall(r"\{(\w+)\}", endpoint.path)
        others = ask(gate, endpoint, eve, **{name: OTHERS[name] for name in names})
        absent = ask(gate, endpoint, eve, **{name: OTHERS[name].replace("secret", "public") for name in names})
        assert others.status in {400, 404}, name_of(endpoint)
        assert (others.status, without_ids(others.text)) == (absent.status, without_ids(absent.text)), name_of(endpoint)
        assert ADA.email not in others.text
    assert bootstrap.subscription_repository().of_account(ADA.account_id) == before
    assert bootstrap.alert_repository().get(ADA.account_id, OTHERS["alert_id"]) is not None


def without_ids(text: str) -> str:
    return re.sub("secret|public", "", text, flags=re.IGNORECASE)


INJECTIONS = (
    "a\r\nBcc: eve@example.com",
    "a\nX-Header: y",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{7*7}}",
    "${jndi:ldap://x}",
    "a\x00b",
    "a\u202eb",
    "=cmd|' /C calc'!A0\t",
)


def texts_in(schema: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every place of a body where its schema lets a user write a text."""
    definitions = schema.get("$defs", {})

    def walk(node: Mapping[str, Any], at: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        node = definitions[node["$ref"].rpartition("/")[2]] if "$ref" in node else node
        for option in (*node.get("anyOf", ()), *node.get("oneOf", ())):
            yield from walk(option, at)
        if node.get("type") == "string":
            yield at
        for name, inner in node.get("properties", {}).items():
            yield from walk(inner, (*at, name))
        if isinstance(node.get("items"), Mapping):
            yield from walk(node["items"], (*at, "[]"))

    yield from walk(schema, path)


def put_at(body: Any, path: tuple[str, ...], text: str) -> Any:
    """Return a copy of a body that says `text` at a place."""
    changed = copy.deepcopy(body)
    node = changed
    for name, following in zip(path, (*path[1:], ""), strict=True):
        if name == "[]":
            continue
        if following == "[]":
            node[name] = [text]
        elif following:
            node[name] = node.get(name) if isinstance(node.get(name), dict) else {}
            node = node[name]
        else:
            node[name] = text
    return changed


WRITABLE = [
    (endpoint, place)
    for endpoint in declared()
    if endpoint.body is not None
    for place in sorted(set(texts_in(endpoint.body.model_json_schema())))
]


def mails() -> list[Any]:
    return ses_backends[DEFAULT_ACCOUNT_ID]["eu-central-1"].sent_messages


def require_harmless_note(text: str) -> None:
    """A note is free text: without line breaks or controls, escaped in HTML, and never part of a template of SES."""
    message = render_firing(make_firing(note=text), "")
    assert text.isprintable()
    assert text not in message.html.replace(escape(text), "")
    assert text not in message.subject
    assert has_placeholders(message) == ("{{" in text)


def test_no_text_that_a_user_can_set_becomes_a_header_markup_or_a_template(gate: Gate, eve: str) -> None:
    assert len(WRITABLE) > 15
    for endpoint, place in WRITABLE:
        for text in INJECTIONS:
            answer = ask(gate, endpoint, eve, put_at(dict(endpoint.example or {}), place, text))
            if place == ("note",) and answer.status < 400:
                require_harmless_note(text)
            else:
                assert 400 <= answer.status < 500, (name_of(endpoint), place, text)
    assert mails() == []
    assert bootstrap.subscription_repository().of_account(EVE.account_id) == []


def test_what_a_user_may_write_is_shown_as_it_was_written_and_escaped(gate: Gate, eve: str) -> None:
    alert = {"kind": "above", "symbol": "BTC/USDT", "price": "1", "note": "A & B; =1+1 (50%) #tag @all"}
    made = gate("POST", "/signals/api/alerts", eve, alert, source="127.0.0.1")
    assert made.status == 201
    assert made.body["note"] == alert["note"]


texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.sampled_from([*INJECTIONS, *OTHERS.values(), ADA.account_id, "BTC/USDT", "*", "@acc", "1e999", "../.."]),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=5,
)
ERASES = ("DELETE", "/signals/api/account")


@st.composite
def requests(draw: st.DrawFn) -> tuple[Endpoint, Any, dict[str, str], dict[str, str], str]:
    """A request to a declared endpoint that is nearly right: some of its fields and parameters are anything."""
    endpoint = draw(st.sampled_from([each for each in declared() if (each.method, each.path) != ERASES]))
    body: Any = dict(endpoint.example or {})
    fields = list(endpoint.body.model_fields if endpoint.body else ()) or ["x"]
    body |= draw(st.dictionaries(st.sampled_from(fields), values, max_size=3))
    known = endpoint.query.model_fields.items() if endpoint.query else ()
    names = [field.alias or name for name, field in known] or ["x"]
    query = draw(st.dictionaries(st.sampled_from(names), texts, max_size=3))
    path = {name: draw(texts) for name in re.findall(r"\{(\w+)\}", endpoint.path)}
    return endpoint, body, query, path, draw(st.sampled_from(["eve", "", "nobodys"]))


@pytest.mark.prove
@settings(
    max_examples=cases(200, 10_000),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(requests())
def test_no_request_that_is_nearly_right_makes_a_fault_or_a_leak(
    gate: Gate, eve: str, request_: tuple[Endpoint, Any, dict[str, str], dict[str, str], str]
) -> None:
    endpoint, body, query, path, who = request_
    credential = {"eve": eve, "": None}.get(who, who)
    answer = gate(endpoint.method, endpoint.path, credential, json.dumps(body), source="127.0.0.1", query=query, **path)
    assert answer.status < 500
    assert ADA.email not in answer.text
    assert "ada secret" not in answer.text
    own = {each.account_id for each in bootstrap.subscription_repository().matching("BTC/USDT")}
    assert own <= {ADA.account_id, EVE.account_id}
    assert Channel.EMAIL in bootstrap.subscription_repository().of_account(ADA.account_id)[0].channels
