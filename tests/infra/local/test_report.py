import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.local.report import RunReport, failed_station

GOOD = RunReport(
    market={"source": "simulated", "span": "a/b"},
    symbols=30,
    turns=48,
    shards=96,
    candles=9000,
    signals=40,
    revisions=80,
    endings={"TARGET_HIT": 3},
    deliveries=43,
    sentiment=600,
    statistics=55,
    held=4,
    dead_letters=0,
    api={"/health": 200},
)


def test_a_run_whose_every_station_worked_passes() -> None:
    assert failed_station(GOOD, mailed=43, mails=43, live=False) is None


@pytest.mark.parametrize(
    ("changes", "station"),
    [
        ({"shards": 0}, "plan_shards"),
        ({"candles": 0}, "generate_signals"),
        ({"signals": 0}, "generate_signals"),
        ({"endings": {}}, "reprice_signals"),
        ({"deliveries": 0}, "deliver_signals"),
        ({"sentiment": 0}, "score_sentiment"),
        ({"statistics": 0}, "update_read_models"),
        ({"api": {"/health": 200, "/signals/history": 502}}, "api: /signals/history answered 502"),
        ({"api": {}}, "api"),
        ({"dead_letters": 2}, "dead letters: 2"),
    ],
)
def test_the_station_that_did_not_do_its_part_is_named(changes: dict[str, Any], station: str) -> None:
    assert (failed_station(replace(GOOD, **changes), mailed=43, mails=43, live=False) or "").startswith(station)


def test_a_real_market_may_give_no_signal() -> None:
    quiet = replace(GOOD, signals=0, endings={}, deliveries=0, statistics=0)
    assert failed_station(quiet, mailed=0, mails=0, live=True) is None


def test_without_news_no_mood_is_asked_for() -> None:
    assert failed_station(replace(GOOD, sentiment=0), mailed=43, mails=43, live=False, news=False) is None


def test_a_real_market_that_gave_signals_must_deliver_them() -> None:
    assert (
        failed_station(replace(GOOD, deliveries=0), mailed=0, mails=0, live=True)
        == "deliver_signals: nothing was delivered"
    )


def test_the_report_has_exactly_the_agreed_keys(tmp_path: Path) -> None:
    path = tmp_path / "build" / "run.json"
    GOOD.write(path)
    assert set(json.loads(path.read_text())) == {
        *("market", "symbols", "turns", "shards", "candles", "signals", "revisions", "endings"),
        *("deliveries", "sentiment", "statistics", "held", "dead_letters", "api", "seconds"),
    }


def test_a_delivery_by_mail_that_is_no_mail_is_told() -> None:
    told = failed_station(GOOD, mailed=43, mails=42, live=False)
    assert told == "deliver_signals: 43 deliveries by e-mail accepted, but 42 mails came"
