"""Tier delay, by comparing two worlds: with a signal that a caller may not know of yet, every answer is as without it.

The list of questions comes from the API's own declarations: every GET, each parameter by each of its values. A new
route is asked by itself; a new parameter fails this test until somebody says what to ask it with.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from signalbox import bootstrap
from signalbox.api.app import declared
from signalbox.api.endpoint import Endpoint
from signalbox.domain.accounts.account import Account, Tier
from signalbox.domain.delivery.delivery import Channel
from signalbox.domain.delivery.topics import Feed, feed_topic
from signalbox.domain.instants import to_iso
from signalbox.domain.signals.signal import NULL_STRATEGY, Signal
from signalbox.ports.work import Turn
from tests.builders import make_signal, make_universe
from tests.fakes.topics import Switchboard
from tests.fakes.work import FixedClock, InMemoryQueue
from tests.functional.functions.conftest import NOW
from tests.functional.functions.delay_world import ALERT_ID, Listener, World, credential_of
from tests.functional.functions.gate import Answer, Gate
from tests.proof import only_in_prove

AS_OF = NOW.replace(second=0)
VALUES: Mapping[str, tuple[str, ...]] = {
    "symbol": ("HIDDEN/USDT", "KNOWN/USDT"),
    "q": ("hidden", "nobody knows"),
    "signal_type": ("BUY",),
    "strategy": ("trend_following", NULL_STRATEGY),
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


COUNTS_REQUESTS = {"/signals/api/account", "/signals/api/account/keys"}
"""Whose answers change with every request; they name no signal."""
PATHS = {"alert_id": ALERT_ID}
"""What is asked for by path, where it is no signal."""


@dataclass(frozen=True)
class Question:
    """One way to ask one route."""

    route: str
    query: tuple[tuple[str, str], ...] = ()
    path: tuple[tuple[str, str], ...] = ()


def questions(endpoint: Endpoint, signal: Signal) -> Iterator[Question]:
    path = tuple((name, PATHS.get(name, signal.signal_id)) for name in re.findall(r"\{(\w+)\}", endpoint.path))
    fields = endpoint.query.model_fields if endpoint.query else {}
    asked = {field.alias or name for name, field in fields.items()}
    yield Question(endpoint.path, path=path)
    for name in sorted(asked):
        for each in VALUES[name]:
            pair = {"symbol": signal.symbol} if name == "timeframe" and "symbol" in asked else {}
            yield Question(endpoint.path, tuple({**pair, name: each}.items()), path)


@pytest.fixture
def gate(quiet_gate: Gate, monkeypatch: pytest.MonkeyPatch) -> Gate:
    # Neither ages nor what waits may change while the questions are asked.
    standing = FixedClock(bootstrap.wall_clock().now())
    monkeypatch.setattr(bootstrap, "wall_clock", lambda: standing)
    return quiet_gate


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


@pytest.fixture
def world(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> World:
    """Where every tier has its topic of all signals, and its queue holds back for as long as the clock stands."""
    board, queues = Switchboard(), {tier: InMemoryQueue() for tier in Tier}
    monkeypatch.setattr(bootstrap, "connection_poster", lambda: board)
    monkeypatch.setattr(bootstrap, "tier_queues", lambda: queues)
    feeds = [Feed(tier, Channel.WEBSOCKET, feed_topic(tier)) for tier in Tier]
    monkeypatch.setattr(bootstrap, "feeds", lambda: feeds)
    return World(gate, board, queues)


def at_age(age: int, signal: Signal) -> Signal:
    return replace(signal, published_at=bootstrap.clock().now() - timedelta(seconds=age))


def accounts_of(*tiers: Tier) -> list[Account]:
    return [Account(f"acc_{tier}", tier, f"{tier}@example.com") for tier in tiers]


def ask(gate: Gate, credential: str | None, asked: Iterable[Question]) -> dict[Question, Answer]:
    return {
        each: gate("GET", each.route, credential, query=dict(each.query), source="127.0.0.1", **dict(each.path))
        for each in asked
    }


def seen(answer: Answer) -> tuple[int, Mapping[str, str], str]:
    """What a caller can tell answers apart by, but for the age, which says that an answer was kept."""
    return answer.status, {name: text for name, text in answer.headers.items() if name != "Age"}, answer.text


@pytest.mark.prove
@pytest.mark.parametrize(
    ("tiers", "age"),
    [
        ((Tier.PRO,), 59),
        pytest.param((Tier.FREE, Tier.PRO), 0, marks=only_in_prove),
        pytest.param((Tier.FREE,), 60, marks=only_in_prove),
        pytest.param((Tier.FREE,), 899, marks=only_in_prove),
    ],
)
def test_a_signal_that_a_caller_may_not_know_of_changes_no_answer(
    gate: Gate, world: World, signals: dict[str, Signal], tiers: tuple[Tier, ...], age: int
) -> None:
    hidden, accounts = at_age(age, signals["hidden"]), accounts_of(*tiers, Tier.PREMIUM)
    *keys, premium = (credential_of(account, hidden) for account in accounts)
    callers = (None, *keys)
    asked = [each for endpoint in declared() if endpoint.method == "GET" for each in questions(endpoint, hidden)]
    plain = [each for each in asked if not each.query]
    world.publish(signals["known"])
    before = [ask(gate, caller, asked) for caller in callers]
    ages = [ages_of(ask(gate, caller, plain)) for caller in callers]
    world.publish(hidden)
    world.publish(replace(hidden, strategy=NULL_STRATEGY))
    world.check_alerts(hidden, accounts)
    with_it = ask(gate, premium, asked)  # and what is kept for those who may know of it is kept now
    assert [ages_of(ask(gate, caller, plain)) for caller in callers] == ages
    kept = [ask(gate, caller, asked) for caller in callers]
    world.forget_answers()
    for after in (kept, [ask(gate, caller, asked) for caller in callers]):
        for was, found in zip(before, after, strict=True):
            changed = [each for each in asked if seen(found[each]) != seen(was[each])]
            assert [each for each in changed if each.route not in COUNTS_REQUESTS] == []
            assert not [each for each, answer in found.items() if hidden.summary in answer.text]
    assert {each.route for each, answer in with_it.items() if hidden.signal_id in answer.text} >= TOLD


def ages_of(answers: Mapping[Question, Answer]) -> dict[Question, str | None]:
    """How old each answer says it is: what was read anew says nothing, and so that something moved."""
    return {question: answer.headers.get("Age") for question, answer in answers.items()}


@pytest.mark.parametrize(("tier", "age"), [(Tier.FREE, 0), (Tier.FREE, 899), (Tier.PRO, 59)])
def test_a_signal_that_a_client_may_not_know_of_has_no_number_in_any_topic(
    gate: Gate, world: World, signals: dict[str, Signal], tier: Tier, age: int
) -> None:
    hidden, accounts = at_age(age, signals["hidden"]), accounts_of(tier, Tier.PREMIUM)
    symbols = [signal.symbol for signal in signals.values()]
    late, early = (Listener(world, credential_of(account, hidden), str(account.tier)) for account in accounts)
    world.publish(signals["known"])
    before, _ = late.ask(*symbols), early.ask(*symbols)
    live = len(late.heard)
    world.publish(hidden)
    world.publish(replace(hidden, strategy=NULL_STRATEGY))
    world.check_alerts(hidden, accounts)
    assert len(late.heard) == live
    assert late.ask(*symbols) == before
    named = {each["topic"] for each in early.heard if hidden.signal_id in str(each)}
    assert named == {"signals", "alerts", "deliveries"}, "who may know of it is told, so that nothing proves something"


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
