"""Statistics at work: from the queue of events into the sums, and out of the API as figures, JSON and a page."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from signalbox import bootstrap
from signalbox.domain.signals.events import EventKind
from signalbox.domain.signals.signal import NULL_STRATEGY, Origin, Signal, Status
from signalbox.services import read_statistics
from tests.builders import NOW, ended, make_event, make_signal
from tests.functional.functions.conftest import Handler, load_event

Ask = Callable[..., tuple[int, Any]]
HOUR = timedelta(hours=1)
SPAN = {"from": "2024-01-01", "to": "2024-02-01"}


def sqs_event(*bodies: dict[str, Any]) -> dict[str, Any]:
    (record,) = load_event("update_read_models")["Records"]
    return {
        "Records": [record | {"messageId": f"m{at}", "body": json.dumps(body)} for at, body in enumerate(bodies)],
    }


def messages_of(signal: Signal) -> list[dict[str, Any]]:
    kinds = [EventKind.PUBLISHED] + ([EventKind.ENDED] if signal.status is not Status.OPEN else [])
    return [make_event(signal, kind).to_message() for kind in kinds]


@pytest.fixture
def signals(house: None) -> list[Signal]:
    """Four won and two lost by one strategy, one open, one lost by the coin."""
    made = [
        *(ended(make_signal(NOW + at * HOUR, origin=Origin.SIMULATED), r=1.5) for at in range(4)),
        *(
            ended(make_signal(NOW + at * HOUR, symbol="ETH/USDT", origin=Origin.SIMULATED), Status.STOP_HIT, r=-1.0)
            for at in range(2)
        ),
        make_signal(symbol="SOL/USDT", origin=Origin.SIMULATED),
        ended(make_signal(strategy=NULL_STRATEGY, origin=Origin.SIMULATED), Status.STOP_HIT, r=-1.0),
    ]
    for signal in made:
        bootstrap.signal_repository().add(signal)
    return made


@pytest.fixture
def counted(signals: list[Signal], handler: Handler, lambda_context: Any) -> list[Signal]:
    """The same, counted twice over."""
    bodies = [body for signal in signals for body in messages_of(signal)]
    for batch in (bodies[:8], bodies[5:], bodies):
        assert handler("update_read_models")(sqs_event(*batch), lambda_context) == {"batchItemFailures": []}
    return signals


@pytest.fixture
def ask(handler: Handler, lambda_context: Any) -> Ask:
    def get(noun: str, accept: str = "*/*", **query: str) -> tuple[int, Any]:
        path = f"/signals/api/{noun}"
        event = load_event("api") | {
            "resource": path,
            "path": path,
            "multiValueQueryStringParameters": {name: [value] for name, value in query.items()} or None,
            "queryStringParameters": query or None,
            "pathParameters": None,
        }
        event["headers"] = {**event["headers"], "Accept": accept}
        event["multiValueHeaders"] = {**event["multiValueHeaders"], "Accept": [accept]}
        event["requestContext"] |= {"resourcePath": path, "authorizer": {"account_id": "acc", "tier": "free"}}
        answer = handler("api")(event, lambda_context)
        is_page = answer["body"].startswith("<!doctype html>")
        return answer["statusCode"], answer["body"] if is_page else json.loads(answer["body"])

    return get


def test_every_event_counts_once_however_often_its_message_comes(counted: list[Signal], ask: Ask) -> None:
    status, answer = ask("statistics", **SPAN)
    assert status == 200
    (row,) = answer["rows"]
    assert row["group"] is None
    assert (row["figures"]["ended"], row["figures"]["total_r"]) == (6, 4.0)
    assert row["figures"]["win_rate"]["value"] == pytest.approx(4 / 6)
    assert row["figures"]["win_rate"]["too_few"] is True
    assert (row["base"]["ended"], row["base"]["win_rate"]["value"]) == (1, 0.0)


def test_open_signals_leave_no_trace_in_any_answer(counted: list[Signal], ask: Ask) -> None:
    groups = [row["group"] for row in ask("statistics", group_by="symbol", **SPAN)[1]["rows"]]
    assert groups == ["BTC/USDT", "ETH/USDT"]
    texts = [json.dumps(ask(noun, **SPAN)[1]) for noun in ("statistics", "performance")]
    assert all("SOL" not in text and '"open"' not in text and '"published"' not in text for text in texts)


def test_a_message_that_cannot_be_counted_comes_back_alone(
    signals: list[Signal], handler: Handler, lambda_context: Any, ask: Ask
) -> None:
    unknown = make_event(make_signal(symbol="GONE/USDT")).to_message()
    bodies = [*messages_of(signals[0]), unknown, {"kind": "nonsense"}, {"kind": "alert", "sequence": 1, "firing": {}}]
    answer = handler("update_read_models")(sqs_event(*bodies), lambda_context)
    assert sorted(each["itemIdentifier"] for each in answer["batchItemFailures"]) == ["m2", "m3"]
    assert ask("statistics", **SPAN)[1]["rows"][0]["figures"]["ended"] == 1


def test_origins_are_never_mixed(counted: list[Signal], ask: Ask) -> None:
    assert ask("statistics", origin="live", **SPAN)[1]["rows"][0]["figures"]["ended"] == 0
    assert ask("statistics", **SPAN)[1]["origin"] == "simulated"


def test_the_performance_has_the_coin_first_and_beside_every_strategy(counted: list[Signal], ask: Ask) -> None:
    status, answer = ask("performance", **SPAN)
    assert status == 200
    coin, own = answer["strategies"]
    assert (coin["strategy"], coin["is_base"], coin["edge"]) == ("null", True, None)
    assert own["edge"]["verdict"] == "not shown"
    assert own["edge"]["reason"].startswith("too few signals: 6")
    assert own["base"]["win_rate"] == coin["win_rate"]
    assert own["equity_curve"][-1]["r"] == own["total_r"] == 4.0
    assert own["profit_factor"] == 3.0
    assert coin["profit_factor"] == 0.0
    assert [month["month"] for month in own["months"]] == ["2024-01"]


def test_the_report_is_json_unless_a_page_is_preferred(counted: list[Signal], ask: Ask) -> None:
    document = ask("performance/report", **SPAN)[1]
    assert document["strategies"] == ask("performance", **SPAN)[1]["strategies"]
    for accept, query in (("text/html,*/*;q=0.8", {}), ("*/*", {"format": "html"})):
        page = ask("performance/report", accept, **SPAN, **query)[1]
        assert page.startswith("<!doctype html>")
        assert "trend_following" in page
        assert "<script" not in page
        assert "http" not in page.replace("http-equiv", "")
    assert "strategies" in ask("performance/report", "text/html;q=0.1, application/json", **SPAN)[1]


def test_an_empty_system_has_a_report_too(house: None, ask: Ask) -> None:
    assert [each["strategy"] for each in ask("performance", **SPAN)[1]["strategies"]] == ["null"]
    assert "No signal has ended yet" in ask("performance/report", format="html", **SPAN)[1]
    assert ask("statistics", group_by="week", **SPAN)[1]["rows"] == []


@pytest.mark.parametrize(
    ("noun", "query", "field"),
    [
        ("statistics", {"from": "yesterday"}, "from"),
        ("statistics", {"from": "2024-02-30"}, "from"),
        ("statistics", {"from": "20240105"}, "from"),
        ("statistics", {"from": "2024-02-01", "to": "2024-01-01"}, "to"),
        ("statistics", {"from": "2010-01-01", "to": "2024-01-01"}, "from"),
        ("statistics", {"from": "2022-01-01", "to": "2024-01-01", "group_by": "day"}, "group_by"),
        ("statistics", {"group_by": "colour"}, "group_by"),
        ("statistics", {"symbol": "BTC"}, "symbol"),
        ("statistics", {"signal_type": "HOLD"}, "signal_type"),
        ("statistics", {"regime": "SIDEWAYS"}, "regime"),
        ("statistics", {"symbol": "BTC/USDT", "regime": "UP"}, "regime"),
        ("statistics", {"symbol": "BTC/USDT", "group_by": "regime"}, "group_by"),
        ("statistics", {"strategy": "Robert'); DROP"}, "strategy"),
        ("statistics", {"status": "OPEN"}, "status"),
        ("performance", {"timeframe": "1y"}, "timeframe"),
        ("performance", {"strategy": "trend_following"}, "strategy"),
        ("performance/report", {"format": "pdf"}, "format"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(
    house: None, ask: Ask, noun: str, query: dict[str, str], field: str
) -> None:
    status, problem = ask(noun, **query)
    assert status == 400
    assert [error["field"] for error in problem["errors"]] == [field]


def test_what_would_be_made_of_too_much_is_refused_by_name(
    counted: list[Signal], ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_statistics, "MOST_PIECES", 1)
    status, problem = ask("statistics", origin="simulated", group_by="symbol", **SPAN)
    assert (status, [each["field"] for each in problem["errors"]]) == (400, ["group_by"])


def test_figures_are_computed_without_numpy() -> None:
    code = "import sys; import signalbox.api.performance, signalbox.api.statistics; print('numpy' in sys.modules)"
    paths = {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=paths
    )
    assert done.stdout.strip() == "False"
