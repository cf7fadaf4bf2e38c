"""The statistics of a system that lived: exactly what a caller counts again from the history."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Walk

SPAN = {"from": "2023-01-01", "to": "2026-01-01"}


def recounted(client: httpx.Client, **query: str) -> list[dict[str, Any]]:
    """Every ended signal of the history, page by page."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        whole = {name: f"{day}T00:00:00Z" for name, day in SPAN.items()}
        answer = client.get("/signals/history", params={**whole, "limit": "200", **query, **cursor}).json()
        found += [signal for signal in answer["signals"] if signal["ending"]]
        if not answer["next"]:
            return found
        cursor = {"cursor": answer["next"]}


@pytest.fixture
def lived(walk: Walk) -> None:
    """Some more turns than any other test needs, so that signals have ended."""
    walk.step(6)


def test_the_sums_of_the_statistics_equal_a_recount_of_the_history(lived: None, api: httpx.Client) -> None:
    for strategy_query in ({}, {"strategy": "null"}):
        signals = recounted(api, **strategy_query)
        (row,) = api.get("/signals/api/statistics", params={**SPAN, **strategy_query}).json()["rows"]
        figures = row["figures"]
        endings = Counter(signal["status"] for signal in signals)
        rs = [signal["ending"]["r"] for signal in signals if signal["ending"]["r"] is not None]
        assert figures["ended"] == len(signals)
        assert {status: n for status, n in figures["endings"].items() if n} == dict(endings)
        assert figures["booked"] == len(rs)
        assert figures["total_r"] == pytest.approx(sum(rs), abs=1e-9)
        assert figures["win_rate"]["n"] == endings["TARGET_HIT"] + endings["STOP_HIT"]


def test_every_group_equals_a_recount_of_the_history(lived: None, api: httpx.Client) -> None:
    signals = recounted(api)
    assert signals
    groups: dict[str, Callable[[dict[str, Any]], str]] = {
        "symbol": lambda signal: signal["symbol"],
        "strategy": lambda signal: signal["strategy"],
        "day": lambda signal: signal["created_at"][:10],
    }
    for grouping, group_of in groups.items():
        span = {"from": min(signals, key=lambda each: each["created_at"])["created_at"][:10], "to": SPAN["to"]}
        rows = _rows(api, grouping, span)
        assert {row["group"]: row["figures"]["ended"] for row in rows} == Counter(map(group_of, signals))


def test_the_report_is_a_page_for_whoever_asks_for_one(lived: None, api: httpx.Client) -> None:
    answer = api.get("/signals/api/performance/report", params=SPAN, headers={"Accept": "text/html"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.text.startswith("<!doctype html>")


def _rows(api: httpx.Client, grouping: str, span: dict[str, str]) -> list[dict[str, Any]]:
    last = {"to": f"{int(span['from'][:4]) + 1}{span['from'][4:]}"} if grouping == "day" else {}
    answer = api.get("/signals/api/statistics", params={**span, **last, "group_by": grouping})
    assert answer.status_code == 200
    rows: list[dict[str, Any]] = answer.json()["rows"]
    return rows
