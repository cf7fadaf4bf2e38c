"""The news at work: from the local desk over HTTP into the tables, and out of the API again."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from infra.local.exchange.server import LocalExchange
from infra.local.news.parameters import local_news
from signalbox import bootstrap
from signalbox.domain.instants import from_iso, to_iso, to_ms
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.sentiment.aggregation import MARKET
from signalbox.ports.work import Turn
from tests.functional.functions.conftest import Handler, forget, load_event

START = from_iso("2024-01-05T12:00:00Z")
HOUR = timedelta(hours=1)
Ask = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def desk(house: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalExchange]:
    """A news desk of its own, as the functions' settings name it."""
    with LocalExchange("simulated", seed=7, now=to_ms(START)) as running:
        parameters = local_news(running.url, ("daily", "wire"))
        monkeypatch.setenv("SENTIMENT_FEEDS", parameters["SentimentFeeds"])
        monkeypatch.setenv("FEAR_GREED_URL", parameters["FearGreedUrl"])
        forget()
        yield running


@pytest.fixture
def two_turns(desk: LocalExchange, handler: Handler, lambda_context: Any) -> None:
    """The news read at 12:00 and 13:00, the latter twice."""
    for moment in (START, START + HOUR, START + HOUR):
        desk.set_clock(to_ms(moment) + 10_000)
        handler("score_sentiment")(load_event("score_sentiment") | {"scheduled_time": to_iso(moment)}, lambda_context)
        bootstrap.turn_repository().record(
            Turn(job="generate_signals", timeframe="1h", as_of=moment, planned_at=moment, shards=1, symbols=1)
        )


@pytest.fixture
def ask(handler: Handler, lambda_context: Any) -> Ask:
    def get(tier: str = "free", **query: str) -> tuple[int, dict[str, Any]]:
        path = "/signals/api/sentiment"
        event = load_event("api") | {
            "resource": path,
            "path": path,
            "multiValueQueryStringParameters": {name: [value] for name, value in query.items()} or None,
            "queryStringParameters": query or None,
            "pathParameters": None,
        }
        event["requestContext"] |= {"resourcePath": path, "authorizer": {"account_id": "acc", "tier": tier}}
        answer = handler("api")(event, lambda_context)
        return answer["statusCode"], json.loads(answer["body"])

    return get


def test_what_is_read_in_one_turn_is_the_mood_of_the_next(two_turns: None) -> None:
    first = bootstrap.sentiment_repository().between(MARKET, Timeframe.H1, START, START + HOUR, 10)
    second = bootstrap.sentiment_repository().between(MARKET, Timeframe.H1, START + HOUR, START + 2 * HOUR, 10)
    assert [each.n for each in first] == [0]
    (market,) = second
    assert market.n > 20
    assert market.score is not None
    assert set(market.sources) == {"daily", "wire"}
    assert market.published_at == START + HOUR + timedelta(seconds=10)


def test_the_mood_is_shown_newest_first_with_the_index_beside_it(two_turns: None, ask: Ask) -> None:
    status, answer = ask()
    assert status == 200
    assert (answer["asset"], answer["timeframe"], answer["weight_in_signals"]) == ("MARKET", "1h", 0)
    assert [each["created_at"] for each in answer["sentiment"]] == ["2024-01-05T13:00:00Z", "2024-01-05T12:00:00Z"]
    assert answer["sentiment"][1]["score"] is None
    assert answer["fear_greed"]["partly_price_derived"] is True
    assert [each["day"] for each in answer["fear_greed"]["values"]] == ["2024-01-05T00:00:00Z", "2024-01-04T00:00:00Z"]


def test_an_asset_a_timeframe_a_span_and_a_limit_can_be_asked_for(two_turns: None, ask: Ask) -> None:
    assert ask(asset="BTC")[1]["sentiment"][0]["n"] > 0
    assert len(ask(limit="1")[1]["sentiment"]) == 1
    assert [each["n"] for each in ask(timeframe="4h")[1]["sentiment"]] == [0]
    span = ask(**{"from": "2024-01-05T12:00:00Z", "to": "2024-01-05T13:00:00Z"})[1]["sentiment"]
    assert [each["created_at"] for each in span] == ["2024-01-05T12:00:00Z"]
    assert ask(asset="NOSUCH")[1]["sentiment"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"asset": "btc"}, "asset"),
        ({"asset": "BTC/USDT"}, "asset"),
        ({"timeframe": "5m"}, "timeframe"),
        ({"limit": "501"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"from": "yesterday"}, "from"),
        ({"to": "2024-01-05"}, "to"),
        ({"symbol": "BTC/USDT"}, "symbol"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(house: None, ask: Ask, query: dict[str, str], field: str) -> None:
    status, problem = ask(**query)
    assert status == 400
    assert [error["field"] for error in problem["errors"]] == [field]


def test_without_a_feed_nothing_is_read_and_the_answer_is_empty(
    house: None, handler: Handler, lambda_context: Any, ask: Ask
) -> None:
    handler("score_sentiment")(load_event("score_sentiment"), lambda_context)
    assert ask()[1]["sentiment"] == []
