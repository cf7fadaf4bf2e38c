import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from signalbox import bootstrap
from signalbox.domain.signals.signal import Signal
from signalbox.ports.work import Turn
from tests.builders import ended, make_signal
from tests.functional.functions.conftest import NOW, Handler, load_event
from tests.functional.functions.promises import require_promised

AS_OF = NOW.replace(second=0)
Get = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def get(handler: Handler, lambda_context: Any) -> Get:
    """Ask the API as API Gateway would, as an account of a tier."""

    def ask(
        path: str, query: dict[str, Any] | None = None, tier: str = "premium", method: str = "GET", signal_id: str = ""
    ) -> tuple[int, dict[str, Any]]:
        event = load_event("api")
        listed = {name: value if isinstance(value, list) else [value] for name, value in (query or {}).items()}
        event |= {
            "resource": path,
            "path": path.replace("{signal_id}", signal_id),
            "httpMethod": method,
            "multiValueQueryStringParameters": listed or None,
            "queryStringParameters": {name: values[-1] for name, values in listed.items()} or None,
            "pathParameters": {"signal_id": signal_id} if signal_id else None,
        }
        event["requestContext"] |= {
            "resourcePath": path,
            "httpMethod": method,
            "authorizer": {"account_id": "acc", "tier": tier},
        }
        answer = handler("api")(event, lambda_context)
        require_promised(method, path, answer["statusCode"], answer["headers"], answer["body"])
        if answer["statusCode"] >= 400:
            assert answer["headers"]["Content-Type"] == "application/problem+json"
            problem = json.loads(answer["body"])
            assert problem["status"] == answer["statusCode"]
            return answer["statusCode"], problem
        return answer["statusCode"], json.loads(answer["body"] or "{}")

    return ask


@pytest.fixture
def signals(house: None) -> list[Signal]:
    """An old one that ended, one of an hour ago, one of this minute, and a turn that says what time it is."""
    bootstrap.turn_repository().record(
        Turn(job="generate_signals", timeframe="1h", as_of=AS_OF, planned_at=AS_OF, shards=1, symbols=2)
    )
    old, hour, new = (make_signal(AS_OF - timedelta(hours=hours)) for hours in (48, 1, 0))
    new = replace(new, symbol="ETH/USDT", published_at=AS_OF + timedelta(seconds=10))
    for signal in (old, hour, new):
        bootstrap.signal_repository().add(signal)
    bootstrap.signal_repository().update(old, ended(old))
    return [new, hour, ended(old)]


def ids(answer: dict[str, Any]) -> list[str]:
    return [signal["id"] for signal in answer["signals"]]


def test_the_feed_shows_signals_newest_first(get: Get, signals: list[Signal]) -> None:
    status, answer = get("/signals/api/signals")
    assert status == 200
    assert ids(answer) == [signal.signal_id for signal in signals]


def test_prices_are_exact_text_and_moments_end_with_z(get: Get, signals: list[Signal]) -> None:
    shown = get("/signals/api/signals")[1]["signals"][0]
    assert shown["entry_price"] == "100"
    assert shown["created_at"] == "2024-01-05T13:00:00Z"


def test_a_free_caller_sees_no_open_signal_of_the_last_quarter_of_an_hour_by_any_route(
    get: Get, signals: list[Signal]
) -> None:
    visible = [signal.signal_id for signal in signals[1:]]
    assert ids(get("/signals/api/signals", tier="free")[1]) == visible
    assert ids(get("/signals/history", tier="free")[1]) == visible
    route = "/signals/api/signals/{signal_id}"
    assert get(route, tier="free", signal_id=signals[0].signal_id)[0] == 404
    assert get(route, tier="premium", signal_id=signals[0].signal_id)[0] == 200


def test_a_signal_that_is_hidden_looks_like_one_that_is_not_there(get: Get, signals: list[Signal]) -> None:
    route = "/signals/api/signals/{signal_id}"
    hidden = get(route, tier="free", signal_id=signals[0].signal_id)[1]["detail"]
    absent = signals[0].signal_id.replace("ETH", "XYZ")
    assert get(route, tier="free", signal_id=absent)[1]["detail"] == hidden.replace(signals[0].signal_id, absent)


def test_one_signal_comes_with_its_revisions_and_ending(get: Get, signals: list[Signal]) -> None:
    status, answer = get("/signals/api/signals/{signal_id}", signal_id=signals[2].signal_id)
    assert status == 200
    assert answer["ending"]["status"] == "TARGET_HIT"
    assert answer["revisions"] == []
    assert answer["features"]


def test_pages_follow_one_another_without_a_gap(get: Get, signals: list[Signal]) -> None:
    first = get("/signals/history", {"limit": "2"})[1]
    second = get("/signals/history", {"limit": "2", "cursor": first["next"]})[1]
    assert ids(first) + ids(second) == [signal.signal_id for signal in signals]
    assert second["next"] is None


def test_the_history_can_be_asked_for_a_span_a_symbol_and_a_status(get: Get, signals: list[Signal]) -> None:
    span = {"from": "2024-01-03T00:00:00Z", "to": "2024-01-04T00:00:00Z"}
    assert ids(get("/signals/history", span)[1]) == [signals[2].signal_id]
    assert ids(get("/signals/history", {"symbol": "ETH/USDT"})[1]) == [signals[0].signal_id]
    assert ids(get("/signals/history", {"status": "TARGET_HIT"})[1]) == [signals[2].signal_id]


def test_the_history_can_be_searched_and_sorted(get: Get, signals: list[Signal]) -> None:
    new, hour, old = (signal.signal_id for signal in signals)
    assert ids(get("/signals/history", {"q": "btc trend"})[1]) == [hour, old]
    assert ids(get("/signals/history", {"q": "btc status:target"})[1]) == [old]
    assert ids(get("/signals/history", {"order": "asc"})[1]) == [old, hour, new]
    assert ids(get("/signals/history", {"sort": "quality", "symbol": "BTC/USDT,ETH/USDT"})[1]) == [new, hour, old]
    assert ids(get("/signals/history", {"sort": "confidence"})[1]) == []
    assert ids(get("/signals/history", {"quality_min": "62.5", "regime": "UP", "timeframe": "1h,4h"})[1]) == [
        new, hour, old,
    ]  # fmt: skip
    assert ids(get("/signals/history", {"quality_min": "62.6"})[1]) == []


def test_a_mistake_in_a_search_is_answered_with_its_place_and_a_suggestion(get: Get, signals: list[Signal]) -> None:
    problem = get("/signals/history", {"q": "btc stauts:open"})[1]
    assert "at character 5" in problem["errors"][0]["detail"]
    assert "did you mean 'status'?" in problem["errors"][0]["detail"]


def test_the_null_strategy_is_shown_only_to_who_asks_for_it(get: Get, signals: list[Signal]) -> None:
    coin = make_signal(AS_OF - timedelta(hours=2), strategy="null")
    bootstrap.signal_repository().add(coin)
    for route in ("/signals/api/signals", "/signals/history"):
        assert ids(get(route)[1]) == [signal.signal_id for signal in signals]
        assert ids(get(route, {"strategy": "null"})[1]) == [coin.signal_id]
    assert get("/signals/api/signals/{signal_id}", signal_id=coin.signal_id)[0] == 200


def test_a_cursor_of_another_span_or_order_is_refused(get: Get, signals: list[Signal]) -> None:
    cursor = get("/signals/history", {"limit": "2"})[1]["next"]
    for change in ({"sort": "quality"}, {"order": "asc"}, {"from": "2024-01-01T00:00:00Z"}, {"q": "btc"}):
        status, problem = get("/signals/history", {"limit": "2", "cursor": cursor, **change})
        assert (status, problem["errors"][0]["field"]) == (400, "cursor")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"symbol": "BTCUSDT"}, "symbol"),
        ({"status": "WON"}, "status"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"sort": "age"}, "sort"),
        ({"limit": ["1", "2"]}, "limit"),
        ({"from": "yesterday"}, "from"),
        ({"from": "2024-01-05T13:00:00"}, "from"),
        ({"to": "9999-99-99T00:00:00Z"}, "to"),
        ({"to": "0001-01-01T00:00:00Z"}, "to"),
        ({"from": "2024-01-02T00:00:00Z", "to": "2024-01-01T00:00:00Z"}, "to"),
        ({"from": "1990-01-01T00:00:00Z", "sort": "quality"}, "from"),
        ({"order": "up"}, "order"),
        ({"symbol": "BTC/USDT,ETHUSDT"}, "symbol"),
        ({"symbol": "BTC/USDT,"}, "symbol"),
        ({"status": ",".join(["OPEN"] * 21)}, "status"),
        ({"signal_type": "LONG"}, "signal_type"),
        ({"strategy": "Breakout!"}, "strategy"),
        ({"timeframe": "7m"}, "timeframe"),
        ({"regime": "SIDEWAYS"}, "regime"),
        ({"origin": "dreamt"}, "origin"),
        ({"quality_min": "-1"}, "quality_min"),
        ({"quality_max": "nan"}, "quality_max"),
        ({"quality_min": "80", "quality_max": "70"}, "quality_max"),
        ({"confidence_min": "1.5"}, "confidence_min"),
        ({"q": "stauts:open"}, "q"),
        ({"q": "x" * 501}, "q"),
        ({"q": "quality>80", "quality_min": "90"}, "q"),
        ({"q": "since:2024-01-01", "from": "2024-01-01T00:00:00Z"}, "q"),
        ({"q": "since:0001-01-01"}, "q"),
        ({"q": ["a", "b"]}, "q"),
    ],
)
def test_bad_input_is_refused_with_the_name_of_the_field(
    get: Get, signals: list[Signal], query: dict[str, Any], field: str
) -> None:
    status, problem = get("/signals/history", query)
    assert status == 400
    assert [error["field"] for error in problem["errors"]] == [field]


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ({"from": "yesterday"}, "moment must be ISO 8601 with a zone, was 'yesterday'"),
        ({"from": "2300-01-01T00:00:00Z"}, "must lie from 1970 to 2200, was '2300-01-01T00:00:00Z'"),
        ({"limit": "201"}, "Input should be less than or equal to 200, was '201'"),
        ({"limits": "5"}, "is not a parameter of this endpoint; did you mean 'limit'?"),
        ({"colour": "red"}, "is not a parameter of this endpoint"),
        ({"q": "strategy:brekout"}, "at character 10: no strategy is called 'brekout'; did you mean 'breakout'?"),
    ],
)
def test_a_refusal_says_once_what_was_expected_and_what_was_found(
    get: Get, signals: list[Signal], query: dict[str, Any], detail: str
) -> None:
    assert [error["detail"] for error in get("/signals/history", query)[1]["errors"]] == [detail]


@pytest.mark.parametrize(
    "signal_id", ["x", "BTC-USDT~20240105T130000Z~trend_following~9h", "_D800_-USDT~20240105T130000Z~x~1h", "a" * 3000]
)
def test_an_id_that_is_none_is_not_found(get: Get, signals: list[Signal], signal_id: str) -> None:
    assert get("/signals/api/signals/{signal_id}", signal_id=signal_id)[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_method_that_is_not_there_is_refused(get: Get, signals: list[Signal], method: str) -> None:
    status, problem = get("/signals/history", method=method)
    assert status == 405
    assert problem["title"] == "Method Not Allowed"


def test_health_tells_the_newest_turns(get: Get, signals: list[Signal]) -> None:
    status, answer = get("/health")
    assert status == 200
    assert answer["status"] == "ok"
    assert answer["turns"][0]["as_of"] == "2024-01-05T13:00:00Z"


def test_health_before_the_first_turn_is_starting(get: Get) -> None:
    assert get("/health")[1]["status"] == "starting"
