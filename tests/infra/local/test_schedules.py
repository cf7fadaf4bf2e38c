from datetime import UTC, datetime, timedelta

import pytest

from infra.local.errors import RunFailedError
from infra.local.schedules import Schedule
from infra.local.turns import end_of, last_turns
from signalbox.domain.market.timeframe import Timeframe

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
PAYLOAD = '{"job": "generate_signals", "scheduled_time": "<aws.scheduler.scheduled-time>"}'


def schedule(expression: str, payload: str = PAYLOAD) -> Schedule:
    return Schedule("s", expression, "arn", payload)


def test_the_payload_carries_the_scheduled_time() -> None:
    assert schedule("rate(1 minute)").body(NOON) == {
        "job": "generate_signals",
        "scheduled_time": "2024-01-01T12:00:00Z",
    }


@pytest.mark.parametrize(
    ("expression", "after", "until", "due"),
    [
        ("cron(0 * * * ? *)", NOON - HOUR, NOON, True),
        ("cron(0 * * * ? *)", NOON, NOON + timedelta(minutes=5), False),
        ("cron(0 0/4 * * ? *)", NOON - HOUR, NOON, True),
        ("cron(0 0/4 * * ? *)", NOON, NOON + HOUR, False),
        ("cron(0 0 * * ? *)", NOON - HOUR, NOON, False),
        ("cron(0/5 * * * ? *)", NOON, NOON + timedelta(minutes=5), True),
        ("cron(1,31 9-12 * * ? *)", NOON, NOON + timedelta(minutes=1), True),
        ("cron(* * * * ? *)", NOON - HOUR, NOON, True),
        ("rate(5 minutes)", NOON - HOUR, NOON, True),
    ],
)
def test_a_schedule_is_due_when_it_fires_in_the_span(
    expression: str, after: datetime, until: datetime, due: bool
) -> None:
    assert schedule(expression).due(after, until) is due


def test_a_schedule_for_some_days_only_is_refused() -> None:
    with pytest.raises(RunFailedError, match="daily cron"):
        schedule("cron(0 12 1 * ? *)").due(NOON - HOUR, NOON)


def test_pricing_is_told_from_generating() -> None:
    assert schedule("rate(1 minute)", '{"job": "reprice_signals"}').prices
    assert not schedule("rate(1 minute)").prices


def test_the_last_turns_end_at_the_newest_close() -> None:
    turns = last_turns(NOON + timedelta(minutes=59), 3, Timeframe.H1)
    assert turns == [NOON - 2 * HOUR, NOON - HOUR, NOON]


def test_a_recorded_market_ends_at_the_open_of_its_last_candle() -> None:
    last_open = int(NOON.timestamp() * 1000)
    assert end_of("recorded", {"span": [0, last_open]}, NOON + 9 * HOUR) == NOON


def test_a_recorded_market_without_a_span_is_refused() -> None:
    with pytest.raises(RunFailedError, match="span"):
        end_of("recorded", {}, NOON)
