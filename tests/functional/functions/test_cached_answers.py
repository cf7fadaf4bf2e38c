"""What callers see of the cache: validators, ages, and never what their tier may not see."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from signalbox import bootstrap
from signalbox.adapters import aws
from signalbox.api.app import CHECKED, declared
from signalbox.api.openapi import document
from signalbox.domain.accounts.account import Tier
from signalbox.domain.caching.versions import Moves
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.regimes.change import Direction, RegimeChange, Volatility
from signalbox.domain.signals.events import EventKind
from signalbox.domain.universe.universe import Member, Universe
from signalbox.ports.signals import FeedQuery
from signalbox.ports.work import Turn
from signalbox.services.kept_pages import question_of
from signalbox.services.move_versions import LONGEST_DELAY_SECONDS, Warming, move_versions
from tests.builders import ended, make_event, make_signal
from tests.fakes.work import InMemoryQueue
from tests.functional.functions.conftest import NOW, Handler, load_event

AS_OF = NOW.replace(second=0)
Ask = Callable[..., tuple[int, dict[str, str], Any]]


@pytest.fixture
def ask(handler: Handler, lambda_context: Any) -> Ask:
    def get(
        path: str,
        *,
        tier: str = "premium",
        method: str = "GET",
        names: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
        scopes: str = "",
        **headers: str,
    ) -> tuple[int, dict[str, str], Any]:
        event = load_event("api") | {"resource": path, "path": path, "httpMethod": method, "headers": headers}
        many = {name: [value] for name, value in query.items()} if query else None
        event |= {"queryStringParameters": query, "multiValueQueryStringParameters": many, "pathParameters": names}
        authorizer = {"account_id": "acc", "tier": tier, "scopes": scopes}
        event["requestContext"] |= {"resourcePath": path, "httpMethod": method, "authorizer": authorizer}
        answer = handler("api")(event, lambda_context)
        return answer["statusCode"], answer["headers"], json.loads(answer["body"] or "null")

    return get


@pytest.fixture
def signals(house: None):
    """One that ended, and one that was published this minute."""
    bootstrap.turn_repository().record(
        Turn(job="generate_signals", timeframe="1h", as_of=AS_OF, planned_at=AS_OF, shards=1, symbols=2)
    )
    old = ended(make_signal(AS_OF - timedelta(hours=48)))
    new = replace(make_signal(AS_OF), symbol="ETH/USDT", published_at=AS_OF + timedelta(seconds=10))
    for signal in (old, new):
        bootstrap.signal_repository().add(signal)
        move_versions(
            [make_event(signal, EventKind.PUBLISHED, as_of=signal.published_at)],
            versions=bootstrap.version_repository(),
            now=bootstrap.wall_clock().now() - timedelta(minutes=1),
        )
    return [old, new]


@pytest.mark.parametrize("path", ["/signals/api/signals", "/signals/history"])
def test_an_unchanged_answer_is_304_and_a_changed_one_is_not(ask: Ask, signals, path: str):
    status, headers, found = ask(path)
    assert (status, headers["Cache-Control"]) == (200, "private, no-cache")
    assert "Age" not in headers
    assert len(found["signals"]) == 2

    tag = headers["ETag"]
    status, headers, nothing = ask(path, **{"If-None-Match": f'"other", {tag}'})
    assert (status, headers["ETag"], nothing) == (304, tag, None)
    assert int(headers["Age"]) >= 1

    move_versions(
        [make_event(ended(signals[1]), EventKind.ENDED)],
        versions=bootstrap.version_repository(),
        now=bootstrap.wall_clock().now(),
    )
    bootstrap.signal_repository().update(signals[1], ended(signals[1]))
    status, headers, found = ask(path, **{"If-None-Match": tag})
    assert status == 200
    assert headers["ETag"] != tag
    assert "Age" not in headers
    assert {each["status"] for each in found["signals"]} == {"TARGET_HIT"}


def test_what_premium_had_kept_shows_free_nothing_early(ask: Ask, signals):
    for _ in range(2):
        assert len(ask("/signals/history")[2]["signals"]) == 2
        assert len(ask("/signals/history", tier="free")[2]["signals"]) == 1


def test_head_has_the_validators_and_a_refusal_has_none(ask: Ask, signals):
    _, headers, _ = ask("/signals/history")
    assert ask("/signals/history", method="HEAD")[1]["ETag"] == headers["ETag"]
    status, headers, _ = ask("/signals/api/nothing")
    assert (status, headers["Cache-Control"]) == (404, "no-store")
    assert "ETag" not in headers


def test_a_burst_of_publications_calls_for_warming_every_few_seconds_only_and_when_each_tier_may_see_it(signals):
    queue = InMemoryQueue()
    now = bootstrap.wall_clock().now()
    warming = Warming(queue, bootstrap.answer_store())

    def tell(kind: EventKind, seconds: int) -> list[int]:
        before = len(queue.delays)
        event = make_event(signals[1], kind)
        moment = now + timedelta(seconds=seconds)
        move_versions([event], versions=bootstrap.version_repository(), warming=warming, now=moment)
        return queue.delays[before:]

    assert tell(EventKind.PUBLISHED, 0) == [6, 66, LONGEST_DELAY_SECONDS]
    assert [tell(EventKind.PUBLISHED, seconds) for seconds in (1, 5)] == [[], []]
    assert tell(EventKind.ENDED, 6) == [6]


def test_warming_asks_again_what_was_asked(handler: Handler, lambda_context: Any, signals):
    query = FeedQuery(since=AS_OF, until=AS_OF + timedelta(days=1), visible_at=AS_OF, limit=5, delay_class="pro")
    question = question_of(query)
    bootstrap.asked_repository().hear([(question.key, 3, question.to_message())], AS_OF)
    assert Tier(question.delay_class) is Tier.PRO

    assert handler("warm_cache")(load_event("warm_cache"), lambda_context) == {"batchItemFailures": []}
    assert bootstrap.answer_store().get(question.key) is not None
    assert handler("warm_cache")({"job": "warm_cache"}, lambda_context) is None


def test_what_warming_reads_is_what_the_cache_costs_and_saves_nobody_anything(
    handler: Handler, lambda_context: Any, signals, capsys
):
    query = FeedQuery(since=AS_OF - timedelta(days=7), until=AS_OF + timedelta(days=1), visible_at=AS_OF, limit=5)
    question = question_of(query)
    bootstrap.asked_repository().hear([(question.key, 3, question.to_message())], AS_OF)
    before = bootstrap.cache_figures_repository().of_day(bootstrap.wall_clock().now()).spent_read_units

    costs = []
    for _ in range(2):
        handler("warm_cache")({"job": "warm_cache"}, lambda_context)
        found = bootstrap.cache_figures_repository().of_day(bootstrap.wall_clock().now())
        costs.append(found.spent_read_units - before - sum(costs))
    assert costs[0] > costs[1] > 0  # the second time nothing had to be read anew
    assert (found.requests, found.saved_read_units) == (0, 0)
    assert "CacheSpentReadUnits" in capsys.readouterr().out


def test_a_page_saves_what_reading_it_took_by_dynamodbs_own_word(ask: Ask, signals, monkeypatch):
    taken = []
    real = aws.client("dynamodb").query

    def query(**arguments: Any) -> dict[str, Any]:
        reply = real(**arguments)
        if arguments.get("ReturnConsumedCapacity") == "TOTAL":
            reply["ConsumedCapacity"]["CapacityUnits"] = 40.5
            taken.append(40.5)
        return reply

    monkeypatch.setattr(aws.client("dynamodb"), "query", query)
    figures = bootstrap.cache_figures()
    ask("/signals/history")
    ask("/signals/history")
    assert taken
    assert figures.recomputed_read_units == figures.saved_read_units >= sum(taken)


PATHS = {
    "/signals/api/statistics": "statistics",
    "/signals/api/performance": "performance",
    "/signals/api/performance/report": "performance",
    "/signals/api/regimes": "regime",
    "/signals/api/sentiment": "sentiment",
}


def ask_all(ask: Ask, **headers: str) -> dict[str, tuple[int, dict[str, str], Any]]:
    return {path: ask(path, **headers) for path in PATHS}


def test_every_endpoint_that_is_checked_has_validators_and_says_304_of_what_did_not_change(ask: Ask, signals):
    bootstrap.universe_repository().add(Universe(AS_OF, (Member("BTC/USDT", "binance", 3),)))
    known = {"/signals/api/signals/{signal_id}": {"signal_id": signals[0].signal_id}}
    parameters = {"/signals/api/candles": {"symbol": "BTC/USDT", "timeframe": "1h"}}
    assert {*PATHS, "/signals/api/signals", "/signals/history", *known, *parameters} == CHECKED
    for path in sorted(CHECKED):
        given = {"names": known.get(path), "query": parameters.get(path)}
        status, headers, _ = ask(path, **given)
        assert (status, headers["Cache-Control"]) == (200, "private, no-cache"), path
        again, found, body = ask(path, **given, **{"If-None-Match": headers["ETag"]})
        assert (again, found["ETag"], body) == (304, headers["ETag"], None), path
        assert "Authorization" in found["Vary"]


def test_what_is_read_once_is_read_no_more_until_its_data_change(ask: Ask, signals):
    before = {path: found[2] for path, found in ask_all(ask).items()}
    figures = bootstrap.cache_figures()
    recomputed = figures.recomputed
    again = ask_all(ask)
    assert {path: found[2] for path, found in again.items()} == before
    assert all(int(found[1]["Age"]) >= 0 for found in again.values())
    assert figures.recomputed == recomputed == len(PATHS) - 1  # the report is the performance


def test_an_ending_is_in_the_statistics_as_soon_as_it_is_counted(ask: Ask, handler: Handler, lambda_context, signals):
    def ended_so_far() -> tuple[int, int]:
        of = {"origin": str(signals[0].origin)}
        rows = ask("/signals/api/statistics", query=of)[2]["rows"]
        return rows[0]["figures"]["ended"], len(ask("/signals/api/performance", query=of)[2]["strategies"])

    assert ended_so_far() == (0, 1)
    event = load_event("update_read_models")
    event["Records"] = [
        event["Records"][0] | {"body": json.dumps(make_event(signals[0], EventKind.ENDED).to_message())}
    ]
    assert handler("update_read_models")(event, lambda_context) == {"batchItemFailures": []}
    assert ended_so_far() == (1, 2)


def test_a_new_regime_is_in_the_answer_and_other_regimes_stay_kept(ask: Ask, house: None, signals):
    def shown() -> Any:
        return ask("/signals/api/regimes", query={"symbol": "BTC/USDT"})[2]["current"]

    assert shown() is None
    change = RegimeChange("BTC/USDT", Timeframe.H1, AS_OF, Direction.UP, Volatility.HIGH)
    bootstrap.regime_repository().add(change)
    assert shown() is None
    bootstrap.version_repository().move({"regime BTC/USDT#1h": Moves()}, bootstrap.wall_clock().now())
    assert shown()["regime"] == "UP/HIGH"


def test_one_signal_is_kept_for_those_alone_who_may_see_it(ask: Ask, signals):
    path, names = "/signals/api/signals/{signal_id}", {"signal_id": signals[1].signal_id}
    for _ in range(2):
        status, _, found = ask(path, names=names)
        assert (status, found["status"], found["current"]["revision"]) == (200, "OPEN", 0)
        assert ask(path, tier="free", names=names)[0] == 404
    assert ask(path, names={"signal_id": "nonsense"})[0] == 404


def test_an_open_signal_looks_the_same_kept_or_read(ask: Ask, signals):
    revised = replace(signals[1], revision=3, revised_price=Decimal("101.50"), filled_price=Decimal("100.5"))
    bootstrap.signal_repository().update(signals[1], revised)
    for path, names in (("/signals/api/signals", None), ("/signals/api/signals/{signal_id}", signals[1].signal_id)):
        first, second = (ask(path, names={"signal_id": names})[2] for _ in range(2))
        assert first == second
    assert second["current"]["levels"]["entry_price"] == "101.50"


def test_the_openapi_document_tells_of_304_wherever_it_is_answered():
    described = document(declared(), version="1")
    said = {
        path for path, methods in described["paths"].items() if "304" in methods.get("get", {}).get("responses", ())
    }
    assert said == CHECKED


def test_what_the_cache_did_is_at_monitoring_and_in_the_metrics(ask: Ask, signals, capsys):
    bootstrap.cache_figures_repository().add(
        {"requests": 8, "recomputed": 2, "age_seconds": 60, "saved_read_units": 30.5}, bootstrap.wall_clock().now()
    )
    found = ask("/signals/api/monitoring", scopes="read")[2]["cache"]
    assert (found["requests"], found["hit_rate"], found["mean_age_seconds"]) == (8, 0.75, 10.0)
    assert (found["saved_read_units"], found["evictions"]) == (30.5, 0)

    ask("/signals/history")
    ask("/signals/history")
    told = capsys.readouterr().out
    assert all(name in told for name in ("CacheRequests", "CacheNearHits", "CacheAgeSeconds", "CacheSavedReadUnits"))
