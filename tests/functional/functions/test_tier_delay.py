"""Tier delay, by comparing two worlds: with a signal that a caller may not know of yet, every answer is as without it.

The list of questions comes from the API's own declarations: every GET, each parameter by each of its values. A new
route is asked by itself; a new parameter fails this test until somebody says what to ask it with.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from signalbox import bootstrap
from signalbox.api.app import declared
from signalbox.api.endpoint import Endpoint
from signalbox.domain.accounts.account import Account, Scope, Tier
from signalbox.domain.delivery.delivery import Channel
from signalbox.domain.instants import to_iso
from signalbox.domain.signals.events import EventKind
from signalbox.domain.signals.signal import Signal
from signalbox.ports.work import Turn
from signalbox.services.accounts import make_key
from tests.builders import ended, make_event, make_signal, make_subscription, make_universe
from tests.fakes.access import InMemoryQuotas
from tests.functional.functions.conftest import NOW, Handler, load_event
from tests.functional.functions.gate import Answer, Gate
from tests.proof import only_in_prove

AS_OF = NOW.replace(second=0)
VALUES: Mapping[str, tuple[str, ...]] = {
    "symbol": ("HIDDEN/USDT", "KNOWN/USDT"),
    "q": ("hidden", "nobody knows"),
    "signal_type": ("BUY",),
    "strategy": ("trend_following",),
    "timeframe": ("1h",),
    "status": ("OPEN",),
    "regime": ("UP/NORMAL",),
    "origin": ("live",),
    "quality_min": ("0",),
    "quality_max": ("100",),
    "confidence_min": ("0",),
    "confidence_max": ("1",),
    "limit": ("1", "200"),
    "cursor": (),  # another test takes cursors from tier to tier
    "from": ("2024-01-05T00:00:00Z",),
    "to": ("2024-01-07T00:00:00Z",),
    "sort": ("time", "quality", "confidence"),
    "order": ("asc", "desc"),
    "format": ("csv", "json", "jsonl", "html"),
    "part": ("all", "signals", "own"),
    "asset": ("BTC", "HIDDEN"),
    "group_by": ("strategy", "symbol"),
}
"""What each parameter is asked with."""
TOLD = {
    "/signals/api/signals",
    "/signals/api/signals/{signal_id}",
    "/signals/api/signals/{signal_id}/deliveries",
    "/signals/api/deliveries",
    "/signals/history",
    "/signals/history/export",
}
"""Where those who may know of the signal do see it: without that, seeing nothing would prove nothing."""


COUNTS_WORK = {"/signals/api/account", "/signals/api/account/keys", "/signals/api/monitoring"}
"""Whose answers change with every request, or with how much waits in the queues; they name no signal."""


@dataclass(frozen=True)
class Question:
    """One way to ask one route."""

    route: str
    query: tuple[tuple[str, str], ...] = ()
    path: tuple[tuple[str, str], ...] = ()


def questions(endpoint: Endpoint, signal: Signal) -> Iterator[Question]:
    path = tuple((name, signal.signal_id) for name in re.findall(r"\{(\w+)\}", endpoint.path))
    fields = endpoint.query.model_fields if endpoint.query else {}
    asked = {field.alias or name for name, field in fields.items()}
    yield Question(endpoint.path, path=path)
    for name in sorted(asked):
        for each in VALUES[name]:
            pair = {"symbol": signal.symbol} if name == "timeframe" and "symbol" in asked else {}
            yield Question(endpoint.path, tuple({**pair, name: each}.items()), path)


def credential_of(account: Account) -> str:
    accounts = bootstrap.account_repository()
    accounts.put_account(account)
    everything = make_subscription(
        subscription_id=f"sub-{account.account_id}",
        account_id=account.account_id,
        tier=account.tier,
        channels=frozenset({Channel.WEBSOCKET, Channel.EMAIL}),
    )
    bootstrap.subscription_repository().put(everything)
    return make_key(account, scopes=frozenset(Scope), accounts=accounts, now=NOW).text


@pytest.fixture
def gate(handler: Handler, lambda_context: Any, monkeypatch: pytest.MonkeyPatch) -> Gate:
    from signalbox.telemetry import logger

    # Hundreds of requests need no log, and to count each of them in a table takes half of their time.
    monkeypatch.setattr(logger, "info", lambda *_told, **_more: None)
    quotas = InMemoryQuotas()
    monkeypatch.setattr(bootstrap, "quota_repository", lambda: quotas)
    return Gate(handler, lambda_context)


@pytest.fixture
def signals(house: None) -> dict[str, Signal]:
    """One signal that everybody may know of, is stored; another is younger than the caller's delay, and is not yet."""
    turn = Turn(job="generate_signals", timeframe="1h", as_of=AS_OF, planned_at=AS_OF, shards=1, symbols=2)
    bootstrap.turn_repository().record(turn)
    bootstrap.universe_repository().add(make_universe("KNOWN/USDT", "HIDDEN/USDT", since=AS_OF - timedelta(days=9)))
    now = bootstrap.clock().now()
    old = now - timedelta(hours=1)
    known = make_signal(old, symbol="KNOWN/USDT", summary="everybody knows", published_at=old)
    hidden = make_signal(AS_OF, symbol="HIDDEN/USDT", summary="nobody knows, hidden", confidence=0.9, published_at=now)
    return {"known": known, "hidden": hidden}


class World:
    """What happens to signals, through the functions that make it happen."""

    def __init__(self, handler: Handler, context: Any) -> None:
        self._handler, self._context = handler, context

    def publish(self, signal: Signal) -> None:
        bootstrap.signal_repository().add(signal)
        self._tell(signal, EventKind.PUBLISHED)

    def end(self, signal: Signal) -> None:
        bootstrap.signal_repository().update(signal, ended(signal))
        self._tell(ended(signal), EventKind.ENDED)

    def _tell(self, signal: Signal, kind: EventKind) -> None:
        event = make_event(signal, kind, as_of=signal.published_at, confidence=signal.confidence)
        for function in ("update_read_models", "route_deliveries"):
            message = load_event(function)
            message["Records"][0]["body"] = json.dumps(event.to_message())
            assert self._handler(function)(message, self._context) == {"batchItemFailures": []}


def seen(answer: Answer) -> tuple[int, str]:
    """What a caller can tell answers apart by, but for the moments of the wall clock, which runs on."""
    return answer.status, re.sub(r'"(?!2024-)\d{4}-[^"]*Z"', '"wall clock"', answer.text)


@pytest.fixture
def world(handler: Handler, lambda_context: Any) -> World:
    return World(handler, lambda_context)


@pytest.mark.prove
@pytest.mark.parametrize(
    ("tiers", "age"),
    [
        ((None, Tier.PRO), 59),
        pytest.param((None, Tier.FREE, Tier.PRO), 0, marks=only_in_prove),
        pytest.param((None, Tier.FREE), 60, marks=only_in_prove),
        pytest.param((None, Tier.FREE), 899, marks=only_in_prove),
    ],
)
def test_a_signal_that_a_caller_may_not_know_of_changes_no_answer(
    gate: Gate, world: World, signals: dict[str, Signal], tiers: tuple[Tier | None, ...], age: int
) -> None:
    hidden = replace(signals["hidden"], published_at=bootstrap.clock().now() - timedelta(seconds=age))
    callers = [tier and credential_of(Account(f"acc_{tier}", tier, f"{tier}@example.com")) for tier in tiers]
    premium = credential_of(Account("acc_premium", Tier.PREMIUM, "premium@example.com"))
    asked = [each for endpoint in declared() if endpoint.method == "GET" for each in questions(endpoint, hidden)]

    def ask(credential: str | None) -> dict[Question, tuple[int, str]]:
        return {
            each: seen(
                gate("GET", each.route, credential, query=dict(each.query), source="127.0.0.1", **dict(each.path))
            )
            for each in asked
        }

    world.publish(signals["known"])
    before = [ask(caller) for caller in callers]
    world.publish(hidden)
    with_it = ask(premium)  # and what is kept for those who may know of it is kept now
    after = [ask(caller) for caller in callers]
    for was, found in zip(before, after, strict=True):
        assert [each for each in asked if found[each] != was[each] and each.route not in COUNTS_WORK] == []
        assert not [each for each, (_, text) in found.items() if hidden.summary in text]
    assert {each.route for each, (_, text) in with_it.items() if hidden.signal_id in text} >= TOLD


def test_every_parameter_of_every_route_is_asked_with_something() -> None:
    fields = {
        field.alias or name: endpoint.path
        for endpoint in declared()
        if endpoint.method == "GET" and endpoint.query
        for name, field in endpoint.query.model_fields.items()
    }
    assert {name: path for name, path in fields.items() if name not in VALUES} == {}


def test_its_ending_is_for_everybody_at_once(gate: Gate, world: World, signals: dict[str, Signal]) -> None:
    world.publish(signals["hidden"])
    one = ("GET", "/signals/api/signals/{signal_id}")
    assert gate(*one, signal_id=signals["hidden"].signal_id).status == 404
    world.end(signals["hidden"])
    answer = gate(*one, signal_id=signals["hidden"].signal_id)
    assert (answer.status, answer.body["status"]) == (200, "TARGET_HIT")
    assert to_iso(signals["hidden"].published_at) in answer.text
