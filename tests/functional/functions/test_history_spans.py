"""The span that a question about the history has: the same for pages and exports, given or not."""

import json
from datetime import timedelta
from itertools import product

import pytest

from signalbox import bootstrap
from signalbox.ports.work import Turn
from tests.builders import make_signal
from tests.functional.functions.conftest import NOW
from tests.functional.functions.gate import Gate

AS_OF = NOW.replace(second=0)
DAY = timedelta(days=1)
AGES = (0.1, 1, 5, 28.5, 29.5, 31, 35.5, 36.5, 400)
"""Days: some on each side of every bound, at which the month before begins, too."""


@pytest.fixture
def record(house: None) -> dict[float, str]:
    """The ids of signals by their age."""
    bootstrap.turn_repository().record(
        Turn(job="generate_signals", timeframe="1h", as_of=AS_OF, planned_at=AS_OF, shards=1, symbols=2)
    )
    found = {age: make_signal(AS_OF - age * DAY, quality_score=age % 7, confidence=age % 0.7) for age in AGES}
    for signal in found.values():
        bootstrap.signal_repository().add(signal)
    return {age: signal.signal_id for age, signal in found.items()}


def paged(gate: Gate, query: dict[str, str]) -> list[str]:
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        answer = gate("GET", "/signals/history", query={"limit": "3", **query, **cursor})
        found += [signal["id"] for signal in answer.body["signals"]]
        if answer.body["next"] is None:
            return found
        cursor = {"cursor": answer.body["next"]}


SPANS = ({}, {"from": "2023-12-08T00:00:00Z"}, {"to": "2024-01-04T20:00:00Z"}, {"q": "until:2023-12-20"})
CONDITIONS = (
    {},
    {"sort": "quality"},
    {"sort": "confidence", "order": "asc"},
    {"sort": "quality", "symbol": "BTC/USDT"},
)


def test_an_export_is_the_pages_of_the_same_question(gate: Gate, record: dict[float, str]) -> None:
    for span, condition in product(SPANS, CONDITIONS):
        query = {**span, **condition}
        exported = gate("GET", "/signals/history/export", query={**query, "format": "jsonl"})

        assert [json.loads(line)["id"] for line in exported.text.splitlines()] == paged(gate, query), query


def test_without_a_span_it_is_what_an_index_answers_at_little_cost(gate: Gate, record: dict[float, str]) -> None:
    for query, oldest in (
        ({}, 29.5),
        ({"sort": "quality"}, 35.5),
        ({"sort": "confidence"}, 35.5),
        ({"sort": "quality", "symbol": "BTC/USDT"}, 400),
    ):
        assert set(paged(gate, query)) == {signal_id for age, signal_id in record.items() if age <= oldest}, query
