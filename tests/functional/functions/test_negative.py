"""What nobody must get: an open signal early, what is another's, a fault of ours by whatever they send."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signalbox import bootstrap
from signalbox.api.app import app
from signalbox.domain.accounts.account import Account, Scope, Tier
from signalbox.domain.instants import to_iso
from signalbox.domain.signals.signal import Signal
from signalbox.ports.work import Turn
from signalbox.services.accounts import make_key
from tests.builders import ended, make_signal, make_subscription
from tests.functional.functions.conftest import NOW
from tests.functional.functions.gate import Answer, Gate

AS_OF = NOW.replace(second=0)
ADA, EVE = (
    Account("acc_ada_secret", Tier.PREMIUM, "ada.secret@example.com"),
    Account("acc_eve", Tier.FREE, "e@example.com"),
)
METHODS = ("GET", "POST", "PUT", "DELETE")
NO_LIFE = settings(
    max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture
def gate(quiet_gate: Gate) -> Gate:
    return quiet_gate


def key_of(account: Account) -> str:
    accounts = bootstrap.account_repository()
    accounts.put_account(account)
    return make_key(account, scopes=frozenset(Scope), accounts=accounts, now=NOW).text


@pytest.fixture
def eve(house: None) -> str:
    """Eve's key; Ada has an account with things of her own."""
    key_of(ADA)
    bootstrap.subscription_repository().put(
        make_subscription(
            subscription_id="sub_ada_secret", account_id=ADA.account_id, email=ADA.email, name="ada secret"
        )
    )
    return key_of(EVE)


def mark(name: str) -> str:
    """Words that stand in one signal and nowhere else: who sees them has seen it."""
    return f"mark of {name} and no other"


@pytest.fixture
def signals(house: None) -> dict[str, Signal]:
    """One signal of each age that a tier's delay tells apart, and one that ended as young as the youngest."""
    bootstrap.turn_repository().record(
        Turn(job="generate_signals", timeframe="1h", as_of=AS_OF, planned_at=AS_OF, shards=1, symbols=2)
    )
    now = bootstrap.clock().now()
    ages = {"old": 901, "minutes": 899, "minute": 61, "seconds": 59, "now": 0}
    made = {
        name: replace(
            make_signal(AS_OF, symbol=f"{name.upper()}/USDT", summary=mark(name)),
            published_at=now - timedelta(seconds=age),
        )
        for name, age in {**ages, "over": 0}.items()
    }
    for signal in made.values():
        bootstrap.signal_repository().add(signal)
    bootstrap.signal_repository().update(made["over"], ended(made["over"]))
    return made


VISIBLE = {
    None: {"old", "over"},
    Tier.FREE: {"old", "over"},
    Tier.PRO: {"old", "minutes", "minute", "over"},
    Tier.PREMIUM: {"old", "minutes", "minute", "seconds", "now", "over"},
}


def pages(gate: Gate, route: str, credential: str | None, **query: str) -> Iterator[Answer]:
    """Every page of a list, one item each."""
    cursor: dict[str, str] = {}
    while True:
        answer = gate("GET", route, credential, query={**query, "limit": "1", **cursor})
        assert answer.status == 200
        yield answer
        if answer.body["next"] is None:
            return
        cursor = {"cursor": answer.body["next"]}


@pytest.mark.parametrize("tier", list(VISIBLE))
def test_no_route_shows_an_open_signal_early(gate: Gate, signals: dict[str, Signal], tier: Tier | None) -> None:
    credential = None if tier is None else key_of(Account("acc_some", tier))
    shown = {signals[name].symbol for name in VISIBLE[tier]}
    hidden = {mark(name) for name in signals.keys() - VISIBLE[tier]}
    lists = [{}, {"status": "OPEN"}, {"limit": "200"}, *({"symbol": signal.symbol} for signal in signals.values())]
    for route in sorted(app.routes):
        names = re.findall(r"\{(\w+)\}", route)
        paths = [dict.fromkeys(names, each.signal_id) for each in signals.values()] if names else [{}]
        for path, query in product(paths, [{}] if names else lists):
            answer = gate("GET", route, credential, query=query, **path)
            assert not [each for each in hidden if each in answer.text], route
    for route in ("/signals/api/signals", "/signals/history"):
        found = [signal["symbol"] for page in pages(gate, route, credential) for signal in page.body["signals"]]
        assert sorted(found) == sorted(shown)
    for name, signal in signals.items():
        answer = gate("GET", "/signals/api/signals/{signal_id}", credential, signal_id=signal.signal_id)
        assert answer.status == (200 if name in VISIBLE[tier] else 404)


def test_a_cursor_of_a_higher_tier_shows_a_lower_one_nothing_more(gate: Gate, signals: dict[str, Signal]) -> None:
    premium = key_of(Account("acc_some", Tier.PREMIUM))
    cursors = [page.body["next"] for page in pages(gate, "/signals/history", premium)][:-1]
    assert len(cursors) == len(signals) - 1
    allowed = {signals[name].symbol for name in VISIBLE[Tier.FREE]}
    for cursor in cursors:
        answer = gate("GET", "/signals/history", None, query={"cursor": cursor, "limit": "200"})
        assert {signal["symbol"] for signal in answer.body["signals"]} <= allowed


def test_a_span_that_ends_in_the_future_changes_nothing(gate: Gate, signals: dict[str, Signal]) -> None:
    span = {"from": to_iso(AS_OF - timedelta(hours=1)), "to": to_iso(AS_OF + timedelta(days=2))}
    answer = gate("GET", "/signals/history", None, query=span)
    assert {signal["symbol"] for signal in answer.body["signals"]} == {signals[name].symbol for name in VISIBLE[None]}


@pytest.mark.parametrize("route", ["/signals/history", "/signals/history/export"])
@pytest.mark.parametrize("sort", ["quality", "confidence"])
def test_a_ranking_of_all_symbols_over_too_long_a_span_is_refused(
    gate: Gate, house: None, route: str, sort: str
) -> None:
    span = {"from": "1970-01-01T00:00:00Z", "to": "2024-01-01T00:00:00Z"}
    answer = gate("GET", route, query={"sort": sort, **span})

    assert answer.status == 400
    assert [error["field"] for error in answer.body["errors"]] == ["from"]
    assert "over 1830 days at most, was 19723" in answer.body["detail"]
    assert gate("GET", route, query={"sort": sort, "symbol": "BTC/USDT", **span}).status == 200


INJECTIONS = (
    "a\r\nBcc: eve@example.com",
    "a\nX: y",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{7*7}}",
    "${jndi:ldap://x}",
    "a\x00b",
    "a\u202eb",
    "'; DROP TABLE x; --`",
    "=cmd|' /C calc'!A0\t",
)


@pytest.mark.parametrize("text", INJECTIONS)
def test_no_text_of_a_user_carries_a_header_or_a_template(gate: Gate, eve: str, text: str) -> None:
    whole = {"channels": ["email"]}
    for body in (
        {"name": text},
        {"email": text},
        {"email": f"eve@example.com{text}"},
        {"symbols": [text]},
        {"symbols": [f"BTC/{text}"]},
        {"strategies": [text]},
        {"time_zone": text},
        {"quiet": {"start": text, "end": "07:00"}},
        {"digest": text},
        {"timeframes": [text]},
        {text: "x"},
    ):
        refused = gate("POST", "/signals/api/subscriptions", eve, whole | body)
        assert refused.status == 400, body
    assert gate("POST", "/signals/api/account/keys", eve, {"label": text}).status == 400
    assert gate("POST", "/signals/api/sign-in", body={"email": f"eve@example.com{text}"}).status == 400
    assert gate("POST", "/signals/api/sign-in/confirm", body={"token": text}).status == 400
    assert gate("GET", "/signals/api/subscriptions", eve).body == {"subscriptions": []}


@pytest.mark.parametrize(
    "body", ["", "null", "[]", '"x"', "{", "1e999", '{"email": NaN}', "[" * 20_000, '{"email":"\\ud800"}']
)
def test_a_body_that_is_none_is_a_bad_request(gate: Gate, eve: str, body: str) -> None:
    for method, route in (("POST", "/signals/api/subscriptions"), ("POST", "/signals/api/account/keys")):
        assert gate(method, route, eve, body).status == 400
    assert gate("POST", "/signals/api/sign-in", None, body).status == 400


def require_no_leak(answer: Answer) -> None:
    assert answer.status < 500
    assert "secret" not in answer.text


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
words = st.one_of(
    texts, st.sampled_from([ADA.account_id, "sub_ada_secret", f"@{ADA.account_id}", "*", "../..", "sbt_x.y"])
)
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)
FIELDS = (
    "name", "symbols", "signal_types", "strategies", "timeframes", "minimum_quality", "minimum_confidence", "endings",
    "channels", "email", "digest", "time_zone", "quiet", "daily_budget", "token", "scopes", "label", "expires_in_days",
)  # fmt: skip
bodies = st.one_of(
    st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=4).map(
        lambda body: json.dumps({"channels": ["websocket"], **body})
    ),
    json_values.map(json.dumps),
    texts,
)


def without(text: str) -> bool:
    """Whether an answer may repeat this text: it is not itself what must not be seen."""
    return "secret" not in text


@NO_LIFE
@given(st.sampled_from(METHODS), st.sampled_from(sorted(app.routes)), bodies, st.booleans())
def test_no_body_makes_a_fault_or_a_leak(  # noqa: PLR0917 - hypothesis gives them in order
    gate: Gate, eve: str, method: str, route: str, body: str, known: bool
) -> None:
    path = dict.fromkeys(re.findall(r"\{(\w+)\}", route), "x")
    if (method, route) == ("DELETE", "/signals/api/account"):
        return
    require_no_leak(gate(method, route, eve if known else None, body, source="127.0.0.1", **path))


@NO_LIFE
@given(
    st.sampled_from(METHODS),
    st.sampled_from(sorted(app.routes)),
    words,
    st.one_of(st.none(), st.just("eve"), texts.filter(lambda text: text.strip().isprintable())),
    st.dictionaries(
        st.sampled_from(["symbol", "status", "limit", "cursor", "from", "to", "asset", "x"]), texts, max_size=3
    ),
)
def test_no_id_key_or_parameter_makes_a_fault_or_a_leak(  # noqa: PLR0917 - hypothesis gives them in order
    gate: Gate, eve: str, method: str, route: str, word: str, credential: str | None, query: dict[str, str]
) -> None:
    path = dict.fromkeys(re.findall(r"\{(\w+)\}", route), word)
    key = eve if credential == "eve" else credential
    if (method, route) == ("DELETE", "/signals/api/account") and key == eve:
        return
    answer = gate(method, route, key, {"channels": ["websocket"]}, source="127.0.0.1", query=query, **path)
    if without(word):
        require_no_leak(answer)
    else:
        # The caller's own words may come back; nothing else that is Ada's may.
        assert answer.status < 500
        assert not {ADA.email, "ada secret"} & set(re.split(r'["\s]', answer.text))
        assert ADA.email not in answer.text
