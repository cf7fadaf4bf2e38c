"""Accounts, keys, sign-in, subscriptions and unsubscribing over REST, the authorizer in front."""

import os
import re
from dataclasses import replace
from html import unescape
from typing import Any

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ses import ses_backends

from signalbox import bootstrap
from signalbox.adapters.aws import client
from signalbox.domain.accounts.account import TERMS, Account, Scope, Tier
from signalbox.services.accounts import make_key
from tests.functional.functions.conftest import NOW, Handler, forget, load_event
from tests.functional.functions.gate import Gate

ADA, EVE = Account("acc_ada", Tier.PRO, "ada@example.com"), Account("acc_eve", Tier.FREE, "eve@example.com")
SUBSCRIPTIONS = "/signals/api/subscriptions"
ONE = SUBSCRIPTIONS + "/{subscription_id}"
KEYS = "/signals/api/account/keys"
KEY = KEYS + "/{prefix}"


def key_of(account: Account, *scopes: Scope) -> str:
    accounts = bootstrap.account_repository()
    accounts.put_account(account)
    return make_key(account, scopes=frozenset(scopes or Scope), accounts=accounts, now=NOW).text


@pytest.fixture
def ada(house: None) -> str:
    return key_of(ADA)


@pytest.fixture
def eve(house: None) -> str:
    return key_of(EVE)


def mails() -> list[Any]:
    return ses_backends[DEFAULT_ACCOUNT_ID]["eu-central-1"].sent_messages


def mailed_token() -> str:
    return re.search(r"#([\w-]{40,})", mails()[-1].body)[1]


def sign_in(gate: Gate, email: str) -> dict[str, Any]:
    assert gate("POST", "/signals/api/sign-in", body={"email": email}).status == 202
    return gate("POST", "/signals/api/sign-in/confirm", body={"token": mailed_token()}).body


def test_a_mailed_link_signs_in_once_and_makes_the_account_the_first_time(gate: Gate) -> None:
    first = sign_in(gate, "Ada@Example.com")
    replayed = gate("POST", "/signals/api/sign-in/confirm", body={"token": mailed_token()})
    assert (first["tier"], replayed.status) == ("free", 400)
    again = sign_in(gate, "ada@example.com")
    assert again["account_id"] == first["account_id"]
    own = gate("GET", "/signals/api/account", first["token"])
    assert (own.status, own.body["email"], own.body["terms"]["delay_seconds"]) == (200, "ada@example.com", 900)
    assert own.headers["Cache-Control"] == "no-store"


def test_without_pages_a_letter_names_the_request_that_takes_its_token(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PAGE_URL")
    forget()
    gate("POST", "/signals/api/sign-in", body={"email": "ada@example.com"})
    found = re.search(
        r'curl -X POST "https://[\w.-]+/live(/signals/api/[\w/-]+)" .*"token": "([\w-]+)"', unescape(mails()[-1].body)
    )
    assert gate("POST", found[1], body={"token": found[2]}).status == 200


def test_the_answer_to_a_sign_in_says_nothing_about_who_has_an_account(gate: Gate, ada: str) -> None:
    known = gate("POST", "/signals/api/sign-in", body={"email": "ada@example.com"})
    unknown = gate("POST", "/signals/api/sign-in", body={"email": "nobody@example.com"})
    assert (known.status, known.text) == (unknown.status, unknown.text)
    assert len(mails()) == 2


def test_one_address_gets_three_links_an_hour_and_one_network_asks_for_twenty(gate: Gate) -> None:
    statuses = [gate("POST", "/signals/api/sign-in", body={"email": "ada@example.com"}).status for _ in range(21)]
    assert statuses == [202] * 20 + [429]
    assert len(mails()) == 3
    assert gate("POST", "/signals/api/sign-in", body={"email": "b@example.com"}, source="2001:db8::1").status == 202


def test_a_key_is_shown_once_and_rotated_and_revoked(gate: Gate, ada: str) -> None:
    made = gate("POST", KEYS, ada, {"scopes": ["read"], "label": "laptop", "expires_in_days": 30})
    assert made.status == 201
    listed = gate("GET", KEYS, ada)
    assert made.body["key"] not in listed.text
    assert made.body["prefix"] in listed.text
    successor = gate("POST", KEY + "/rotate", ada, prefix=made.body["prefix"])
    assert successor.status == 201
    assert gate("GET", "/signals/api/signals", made.body["key"]).status == 200
    assert gate("GET", "/signals/api/signals", successor.body["key"]).status == 200
    for key in (made.body, successor.body):
        assert gate("DELETE", KEY, ada, prefix=key["prefix"]).status == 204
        assert gate("DELETE", KEY, ada, prefix=key["prefix"]).status == 404
    bootstrap.remembered_keys.cache_clear()  # a minute later, or another worker
    assert gate("GET", "/signals/api/signals", successor.body["key"]).status == 401


def test_a_tier_has_so_many_keys(gate: Gate, eve: str) -> None:
    statuses = [gate("POST", KEYS, eve, {}).status for _ in range(TERMS[Tier.FREE].keys)]
    assert statuses == [201] * (TERMS[Tier.FREE].keys - 1) + [409]


@pytest.mark.parametrize("credential", ["nobodys", "sbx_00000000_" + "x" * 43, "sbt_e30.AAAA"])
def test_a_wrong_key_is_401_by_rest_and_denied_by_websocket(gate: Gate, credential: str) -> None:
    assert gate("GET", "/signals/api/signals", credential).status == 401
    assert gate.connect(credential) is False
    assert gate.connect(None) is False


def test_a_websocket_token_opens_one_connection_and_nothing_else(gate: Gate, ada: str) -> None:
    token = gate("POST", "/signals/api/account/tokens", ada).body["token"]
    assert gate("GET", "/signals/api/account", token).status == 401
    assert [gate.connect(token), gate.connect(token)] == [True, False]


def test_a_websocket_token_opens_nothing_without_the_key_it_was_asked_for_with(
    gate: Gate, ada: str, handler: Handler, lambda_context: Any
) -> None:
    made = gate("POST", KEYS, ada, {"scopes": ["read"]}).body

    def connect(token: str, connection_id: str) -> int:
        event = load_event("authorize")
        event["queryStringParameters"], event["headers"] = {"token": token}, {}
        event["requestContext"] |= {"connectionId": connection_id, "routeKey": "$connect"}
        event["requestContext"]["authorizer"] = handler("authorize")(event, lambda_context)["context"]
        return int(handler("websocket")(event, lambda_context)["statusCode"])

    first, second = (gate("POST", "/signals/api/account/tokens", made["key"]).body["token"] for _ in range(2))
    assert connect(first, "c-1") == 200
    connections, now = bootstrap.connection_repository(), bootstrap.wall_clock().now()
    opened = connections.count_message("c-1", now)
    assert (opened.account_id, opened.tier, opened.scopes) == (ADA.account_id, Tier.PRO, {Scope.READ})
    assert gate("DELETE", KEY, ada, prefix=made["prefix"]).status == 204
    assert connections.count_message("c-1", now) is None
    assert connect(second, "c-2") == 403
    assert connections.count_message("c-2", now) is None


@pytest.mark.parametrize(
    ("method", "route", "scope"),
    [
        ("GET", SUBSCRIPTIONS, Scope.SUBSCRIBE),
        ("POST", SUBSCRIPTIONS, Scope.SUBSCRIBE),
        ("GET", ONE, Scope.SUBSCRIBE),
        ("PUT", ONE, Scope.SUBSCRIBE),
        ("DELETE", ONE, Scope.SUBSCRIBE),
        ("GET", "/signals/api/account", Scope.MANAGE),
        ("DELETE", "/signals/api/account", Scope.MANAGE),
        ("GET", KEYS, Scope.MANAGE),
        ("POST", KEYS, Scope.MANAGE),
        ("DELETE", KEY, Scope.MANAGE),
        ("POST", KEY + "/rotate", Scope.MANAGE),
        ("POST", "/signals/api/account/tokens", Scope.READ),
    ],
)
def test_nothing_of_an_account_opens_without_a_key_or_with_too_small_a_scope(
    gate: Gate, house: None, method: str, route: str, scope: Scope
) -> None:
    path = dict.fromkeys(re.findall(r"\{(\w+)\}", route), "x")
    anonymous = gate(method, route, None, {}, **path)
    assert (anonymous.status, anonymous.headers["WWW-Authenticate"]) == (401, "Bearer")
    small = gate(method, route, key_of(ADA, *(set(Scope) - {scope})), {}, **path)
    assert small.status == 403
    assert f"scope {scope}" in small.body["detail"]


def test_no_key_gives_more_than_it_has(gate: Gate, house: None) -> None:
    small = key_of(ADA, Scope.MANAGE)
    assert gate("POST", KEYS, small, {"scopes": ["read"]}).status == 403
    whole = gate("POST", KEYS, key_of(ADA), {"scopes": ["read"]}).body
    assert gate("POST", KEY + "/rotate", small, prefix=whole["prefix"]).status == 403


def test_a_subscription_is_made_changed_and_removed(gate: Gate, ada: str) -> None:
    asked = {
        "name": "Bitcoin by day",
        "symbols": ["BTC/USDT"],
        "channels": ["email"],
        "minimum_quality": 60,
        "quiet": {"start": "22:00", "end": "07:00"},
        "time_zone": "Europe/Berlin",
        "daily_budget": 5,
    }
    made = gate("POST", SUBSCRIPTIONS, ada, asked)
    assert made.status == 201
    assert (made.body["digest"], made.body["email"], made.body["confirmed"]) == ("hourly", "ada@example.com", True)
    assert asked.items() <= made.body.items()
    subscription_id = made.body["subscription_id"]
    changed = gate("PUT", ONE, ada, asked | {"symbols": [], "digest": "daily"}, subscription_id=subscription_id)
    assert (changed.status, changed.body["symbols"], changed.body["digest"]) == (200, [], "daily")
    assert gate("GET", SUBSCRIPTIONS, ada).body["subscriptions"] == [changed.body]
    assert gate("DELETE", ONE, ada, subscription_id=subscription_id).status == 204
    assert gate("GET", ONE, ada, subscription_id=subscription_id).status == 404


def test_another_address_is_confirmed_before_it_is_used(gate: Gate, ada: str) -> None:
    made = gate("POST", SUBSCRIPTIONS, ada, {"channels": ["email"], "email": "team@example.org"}).body
    assert made["confirmed"] is False
    assert mails()[-1].destinations["ToAddresses"] == ["team@example.org"]
    token = mailed_token()
    assert gate("POST", "/signals/api/sign-in/confirm", body={"token": token}).status == 400, "for another purpose"
    assert gate("POST", SUBSCRIPTIONS + "/confirm", body={"token": token}).status == 200
    assert gate("POST", SUBSCRIPTIONS + "/confirm", body={"token": token}).status == 400
    assert gate("GET", ONE, ada, subscription_id=made["subscription_id"]).body["confirmed"] is True


def test_an_address_that_ses_refuses_stays_unconfirmed(gate: Gate, ada: str) -> None:
    """In its sandbox SES refuses every address that is not verified; moto does so where the sender is not."""
    client("ses").delete_identity(Identity="signals@signalbox.example")
    asked = {"channels": ["email"], "email": "team@example.org"}
    made = gate("POST", SUBSCRIPTIONS, ada, asked)
    assert (made.status, made.body["email"], made.body["confirmed"]) == (201, "team@example.org", False)
    replaced = gate("PUT", ONE, ada, asked | {"name": "team"}, subscription_id=made.body["subscription_id"])
    assert (replaced.status, replaced.body["name"], replaced.body["confirmed"]) == (200, "team", False)
    assert gate("GET", SUBSCRIPTIONS, ada).body["subscriptions"] == [replaced.body]
    assert not mails()


def test_an_own_address_that_was_switched_off_answers_for_itself_again(gate: Gate, ada: str) -> None:
    def switched_off() -> bool:
        return bool(gate("GET", "/signals/api/account", ada).body["mail_off"])

    made = gate("POST", SUBSCRIPTIONS, ada, {"channels": ["email"]}).body
    assert (made["confirmed"], switched_off()) == (True, False)
    bootstrap.account_repository().switch_mail(ADA.account_id, off=True)
    subscription_id = made["subscription_id"]
    bootstrap.subscription_repository().put(
        replace(bootstrap.subscription_repository().one(ADA.account_id, subscription_id), confirmed=False)
    )
    again = gate("PUT", ONE, ada, {"channels": ["email"]}, subscription_id=subscription_id).body
    assert (again["confirmed"], switched_off()) == (False, True)
    assert gate("POST", SUBSCRIPTIONS + "/confirm", body={"token": mailed_token()}).status == 200
    assert gate("GET", ONE, ada, subscription_id=subscription_id).body["confirmed"] is True
    assert switched_off() is False


def test_signing_in_by_mail_switches_mail_on_again(gate: Gate, house: None) -> None:
    account_id = sign_in(gate, "bob@example.com")["account_id"]
    bootstrap.account_repository().switch_mail(account_id, off=True)
    session = sign_in(gate, "bob@example.com")["token"]
    assert gate("GET", "/signals/api/account", session).body["mail_off"] is False


def test_what_is_anothers_looks_like_what_is_not_there(gate: Gate, ada: str, eve: str) -> None:
    own = gate("POST", SUBSCRIPTIONS, ada, {"channels": ["email"]}).body["subscription_id"]
    prefix = gate("POST", KEYS, ada, {}).body["prefix"]
    for method, body in (("GET", None), ("PUT", {"channels": ["email"]}), ("DELETE", None)):
        others = gate(method, ONE, eve, body, subscription_id=own)
        absent = gate(method, ONE, eve, body, subscription_id="sub_nothing")
        assert (others.status, others.text) == (absent.status, absent.text) == (404, absent.text)
    for method, route in (("DELETE", KEY), ("POST", KEY + "/rotate")):
        assert gate(method, route, eve, prefix=prefix).status == 404
    assert gate("GET", ONE, ada, subscription_id=own).status == 200
    assert gate("GET", SUBSCRIPTIONS, eve).body == {"subscriptions": []}


def test_a_tiers_limits_hold(gate: Gate, eve: str) -> None:
    assert gate("POST", SUBSCRIPTIONS, eve, {"channels": ["push"]}).status == 400
    many = [f"S{number}/USDT" for number in range(TERMS[Tier.FREE].symbols + 1)]
    assert gate("POST", SUBSCRIPTIONS, eve, {"channels": ["email"], "symbols": many}).status == 400
    limit = TERMS[Tier.FREE].subscriptions
    statuses = [gate("POST", SUBSCRIPTIONS, eve, {"channels": ["email"]}).status for _ in range(limit + 1)]
    assert statuses == [201] * limit + [409]


def test_one_click_unsubscribes_and_opening_the_link_does_not(gate: Gate, ada: str) -> None:
    from functions.deliver_signals.app import unsubscribe_url
    from tests.builders import make_delivery

    made = gate("POST", SUBSCRIPTIONS, ada, {"channels": ["email", "websocket"]}).body
    delivery = make_delivery(account_id=ADA.account_id, subscription_id=made["subscription_id"])
    token = unsubscribe_url(delivery).rpartition("/")[2]
    route = "/signals/api/unsubscribe/{token}"
    opened = gate("GET", route, token=token)
    assert (opened.status, '<form method="post">' in opened.text) == (200, True)
    assert gate("GET", ONE, ada, subscription_id=made["subscription_id"]).body["channels"] == ["email", "websocket"]
    for _ in range(2):
        click = gate(
            "POST",
            route,
            body="List-Unsubscribe=One-Click",
            content_type="application/x-www-form-urlencoded",
            token=token,
        )
        assert click.status == 200
    left = gate("GET", ONE, ada, subscription_id=made["subscription_id"]).body
    assert (left["channels"], left["email"]) == (["websocket"], None)
    assert gate("POST", route, token="sbt_" + token[10:]).status == 404


def test_erasing_an_account_ends_it(gate: Gate, ada: str) -> None:
    gate("POST", SUBSCRIPTIONS, ada, {"channels": ["email"]})
    assert gate("DELETE", "/signals/api/account", ada).status == 204
    assert gate("GET", "/signals/api/account", ada).status == 404, "remembered for a minute at most, and gone"
    for remembered in (bootstrap.remembered_keys, bootstrap.remembered_accounts):
        remembered.cache_clear()
    assert gate("GET", "/signals/api/account", ada).status == 401
    assert bootstrap.subscription_repository().matching("BTC/USDT") == []
    assert sign_in(gate, "ada@example.com")["account_id"] != ADA.account_id


def use_up(requests: int) -> None:
    """Let the one counter there is stand at `requests`, as if so many had been counted one by one."""
    table = os.environ["QUOTAS_TABLE"]
    (counter,) = client("dynamodb").scan(TableName=table)["Items"]
    hour = next(name for name in counter if name.startswith("hour_"))
    used = {"N": str(requests)}
    client("dynamodb").put_item(TableName=table, Item=counter | {"used": used, hour: used})


def test_a_quota_that_is_used_up_says_when_to_come_back(gate: Gate, eve: str) -> None:
    now = bootstrap.wall_clock().now()
    bootstrap.quota_repository().count(EVE.account_id, per_hour=2, per_day=2, now=now)
    use_up(TERMS[Tier.FREE].requests_per_hour)
    refused = gate("GET", "/signals/api/signals", eve)
    assert refused.status == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 86_400
    assert gate("GET", "/signals/api/signals").status == 200, "others are not concerned"


def test_anonymous_callers_are_counted_by_their_network_and_this_machine_by_nobody(gate: Gate, house: None) -> None:
    now = bootstrap.wall_clock().now()
    for source in ("198.51.100.7", "127.0.0.1"):
        gate("GET", "/signals/api/signals", source=source)
    from signalbox.api.access import quota_holder

    context = {"authorizer": {"account_id": "anonymous"}, "identity": {"sourceIp": "198.51.100.7"}}
    holder = quota_holder(context)
    assert "198.51" not in holder
    assert bootstrap.quota_repository().used_today(holder, now) == 1
    assert quota_holder(context | {"identity": {"sourceIp": "127.0.0.1"}}) is None
    assert quota_holder({}) is None
