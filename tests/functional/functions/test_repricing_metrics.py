"""What operators see of re-pricing under a burst: how old its messages are, and how many came too late to act on."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from signalbox import bootstrap
from tests.functional.functions.conftest import Handler, forget, load_event


def test_a_message_that_is_older_than_a_cycle_is_dropped_counted_and_its_age_is_a_metric(
    handler: Handler, lambda_context: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLOCK", "wall")
    forget()
    event = load_event("reprice_signals")
    as_of = datetime.fromisoformat(json.loads(event["Records"][0]["body"])["as_of"])
    assert handler("reprice_signals")(event, lambda_context) == {"batchItemFailures": []}

    told = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    (emitted,) = told
    assert emitted["StaleMessages"] == [1]
    assert emitted["Prices"] == [0]
    (age,) = emitted["BacklogAgeSeconds"]
    assert age == pytest.approx((datetime.now(UTC) - as_of).total_seconds(), abs=600)
    units = {each["Name"]: each["Unit"] for each in emitted["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    assert (units["BacklogAgeSeconds"], units["StaleMessages"]) == ("Seconds", "Count")
    assert bootstrap.price_frame_store().latest(0) is None
