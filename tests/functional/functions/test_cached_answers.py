"""What callers see of the cache: validators, ages, and never what their tier may not see."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from signalbox import bootstrap
from signalbox.domain.signals.events import EventKind
from signalbox.ports.work import Turn
from signalbox.services.move_versions import Warming, move_versions
from tests.builders import ended, make_event, make_signal
from tests.fakes.work import InMemoryQueue
from tests.functional.functions.conftest import NOW, Handler, load_event

AS_OF = NOW.replace(second=0)
Ask = Callable[..., tuple[int, dict[str, str], Any]]


@pytest.fixture
def ask(handler: Handler, lambda_context: Any) -> Ask:
    def get(path: str, tier: str = "premium", method: str = "GET", **headers: str) -> tuple[int, dict[str, str], Any]:
        event = load_event("api") | {"resource": path, "path": path, "httpMethod": method, "headers": headers}
        event |= {"queryStringParameters": None, "multiValueQueryStringParameters": None}
        authorizer = {"account_id": "acc", "tier": tier}
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


def test_a_burst_of_publications_calls_for_warming_every_few_seconds_only(signals):
    queue = InMemoryQueue()
    now = bootstrap.wall_clock().now()
    for seconds in (0, 1, 5, 6, 7):
        move_versions(
            [make_event(signals[1])],
            versions=bootstrap.version_repository(),
            warming=Warming(queue, bootstrap.answer_store()),
            now=now + timedelta(seconds=seconds),
        )
    assert len(queue.bodies) == 2


def test_warming_asks_again_what_was_asked(handler: Handler, lambda_context: Any, signals):
    from signalbox.adapters.caching.feed import question_of
    from signalbox.domain.accounts.account import Tier
    from signalbox.ports.signals import FeedQuery

    query = FeedQuery(since=AS_OF, until=AS_OF + timedelta(days=1), visible_at=AS_OF, limit=5, delay_class="pro")
    question = question_of(query)
    bootstrap.asked_repository().hear([(question.key, 3, question.to_message())], AS_OF)
    assert Tier(question.delay_class) is Tier.PRO

    assert handler("warm_cache")(load_event("warm_cache"), lambda_context) == {"batchItemFailures": []}
    assert bootstrap.answer_store().get(question.key) is not None
    assert handler("warm_cache")({"job": "warm_cache"}, lambda_context) is None
