"""The performance as a page: what a reader sees of every figure, and that no text becomes a part of the page."""

import json
from datetime import date, timedelta
from typing import Any

import pytest

from signalbox.api.figures import represent_strategy
from signalbox.api.performance_page import render
from signalbox.domain.signals.signal import NULL_STRATEGY, Origin, Signal, Status
from signalbox.domain.statistics.contributions import contributions_of
from signalbox.services.read_statistics import Question, strategy_records
from tests.builders import NOW, ended, make_signal
from tests.fakes.statistics import InMemoryStatistics

SIGNALS = 40


def nth(number: int, strategy: str) -> Signal:
    """Every third hit its target; the confidence grows from 0 to 1."""
    confidence = None if strategy == NULL_STRATEGY else number / SIGNALS
    signal = make_signal(NOW - timedelta(days=number), strategy=strategy, confidence=confidence)
    return ended(signal) if number % 3 == 0 else ended(signal, Status.STOP_HIT, r=-1.05)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """What `/signals/api/performance` answers about a strategy and the coin."""
    statistics = InMemoryStatistics()
    for strategy in (NULL_STRATEGY, "breakout"):
        for number in range(SIGNALS):
            statistics.count(contributions_of(nth(number, strategy)), NOW)
    question = Question(origin=Origin.LIVE, since=date(2023, 7, 1), until=date(2024, 2, 1))
    records = strategy_records(question, statistics.reader())
    shown = [represent_strategy(name, record, records[NULL_STRATEGY]) for name, record in records.items()]
    about = {"origin": "live", "from": "2023-07-01", "to": "2024-02-01", "timeframe": None}
    whole: dict[str, Any] = json.loads(json.dumps({**about, "as_of": "2024-01-05T13:00:00Z", "strategies": shown}))
    return whole


def test_every_rate_stands_with_its_interval_its_n_and_the_coins(document: dict[str, Any]) -> None:
    page = render(document)
    rate = document["strategies"][1]["win_rate"]
    low, high = rate["interval"]
    assert f"{rate['value']:.1%}<small>{low:.1%} to {high:.1%}<br>n {rate['n']}</small>" in page
    assert f"coin {document['strategies'][0]['win_rate']['value']:.1%}" in page
    assert "edge not shown" in page


def test_a_strategy_whose_signals_ended_on_one_day_is_seen_in_the_drawing(document: dict[str, Any]) -> None:
    coin, own = document["strategies"]
    curve = [{"day": "2024-01-04", "r": 1.5}, {"day": "2024-01-05", "r": -0.5}]
    shown = [{**coin, "equity_curve": curve}, {**own, "equity_curve": curve[:1]}]
    page = render({**document, "strategies": shown})
    assert [page.count(f'<circle class="end {line}"') for line in ("coin", "c0")] == [1, 1]


def test_a_month_says_how_many_of_its_signals_the_rate_is_of(document: dict[str, Any]) -> None:
    month = document["strategies"][1]["months"][-1]
    assert (month["win_rate"]["too_few"], month["booked"]) == (True, 5)
    assert "too few<small>" in render(document)
    assert "n 5 of 5</small>" in render(document)


def test_months_and_quality_bands_stand_with_intervals_and_the_coins(document: dict[str, Any]) -> None:
    page = render(document)
    coin, own = document["strategies"]
    for kind, booked, name in (("months", "booked", "month"), ("quality", "n", "least")):
        assert own[kind]
        for found, base in zip(own[kind], coin[kind], strict=True):
            assert found[name] == base[name]
            assert (found["base_win_rate"], found["base_expectancy"]) == (base["win_rate"], base["expectancy"])
            assert found["base_expectancy_interval"] == base["expectancy_interval"]
            assert found[f"base_{booked}"] == base[booked]
            low, high = found["expectancy_interval"]
            assert low < found["expectancy"] < high
            assert f"{low:+.3f} to {high:+.3f}<br>n {found['win_rate']['n']} of {found[booked]}</small>" in page


def test_confidences_stand_beside_the_hit_rate_and_the_coins(document: dict[str, Any]) -> None:
    coin, own = document["strategies"]
    found = own["calibration"]
    assert (found["hit_rate"]["hits"], found["hit_rate"]["n"]) == (14, SIGNALS)
    assert found["base_hit_rate"] == {**coin["win_rate"]}
    for rate in (found["hit_rate"], found["base_hit_rate"]):
        low, high = rate["interval"]
        assert f"<td>{rate['value']:.1%}<small>{low:.1%} to {high:.1%}<br>n {rate['n']}</small></td>" in render(
            document
        )


def test_the_reliability_of_confidences_is_shown_band_by_band(document: dict[str, Any]) -> None:
    page = render(document)
    bands = document["strategies"][1]["calibration"]["table"]
    assert len(bands) > 2
    for band in bands:
        assert f"{band['confidence']:.1%} → {band['observed']:.1%}<small>n {band['n']}</small>" in page


def test_no_text_becomes_a_part_of_the_page(document: dict[str, Any]) -> None:
    odd = '<b onclick="x">&'
    coin, own = document["strategies"]
    page = render({**document, "origin": odd, "strategies": [coin, {**own, "strategy": odd}]})
    assert odd not in page
    assert "&lt;b onclick=&quot;x&quot;&gt;&amp;" in page
    assert "&amp;lt;" not in page, "nothing is escaped twice"
