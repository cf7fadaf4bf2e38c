"""Candles and monitoring by REST: what is stored is what is shown."""

from datetime import timedelta

import pytest

from signalbox import bootstrap
from signalbox.adapters.aws import client
from signalbox.domain.accounts.account import Account, Scope, Tier
from signalbox.domain.instants import from_iso, to_iso
from signalbox.domain.universe.universe import Member, Universe
from signalbox.ports.work import Turn
from signalbox.services.accounts import make_key
from signalbox.services.delivery_latency import count_latencies
from tests.builders import make_grid
from tests.fakes.readers import save_in_turn
from tests.functional.functions.conftest import NOW, messages
from tests.functional.functions.gate import Gate

AS_OF = NOW.replace(second=0)
HOUR = timedelta(hours=1)
CANDLES = "/signals/api/candles"
MONITORING = "/signals/api/monitoring"
CLOSES = {"BTC/USDT": [42283.58, 42290.0, 42301.25], "SHIB/USDT": [0.00000987, 0.00000988]}
FIRST = AS_OF - 3 * HOUR


@pytest.fixture
def market(house: None) -> None:
    """Three candles of one symbol, two of another, and a turn that says what time it is."""
    bootstrap.turn_repository().record(
        Turn(job="generate_signals", timeframe="1h", as_of=AS_OF, planned_at=AS_OF, shards=1, symbols=2)
    )
    members = tuple(Member(symbol, "binance", 3) for symbol in CLOSES)
    bootstrap.universe_repository().add(Universe(AS_OF - HOUR, members))
    save_in_turn(bootstrap.candle_store(), make_grid(CLOSES, start=FIRST), bucket=3)


@pytest.fixture
def key(house: None) -> str:
    return key_of(Tier.FREE)


@pytest.fixture
def premium(house: None) -> str:
    return key_of(Tier.PREMIUM)


def key_of(tier: Tier) -> str:
    account = Account(f"acc_{tier}", tier)
    accounts = bootstrap.account_repository()
    accounts.put_account(account)
    return make_key(account, scopes=frozenset({Scope.READ}), accounts=accounts, now=NOW).text


def at(hours: float) -> str:
    return to_iso(FIRST + hours * HOUR)


def test_candles_are_the_newest_closed_ones_with_prices_as_exact_text(gate: Gate, market: None) -> None:
    found = gate("GET", CANDLES, query={"symbol": "SHIB/USDT", "limit": "3"}).body
    assert (found["exchange"], found["timeframe"]) == ("binance", "1h")
    assert found["span"] == {"from": at(0), "to": at(3)}
    assert [candle["time"] for candle in found["candles"]] == [at(0), at(1)]
    assert [candle["close"] for candle in found["candles"]] == ["0.00000987", "0.00000988"]


def test_what_is_not_stored_is_named_as_missing(gate: Gate, market: None) -> None:
    found = gate("GET", CANDLES, query={"symbol": "SHIB/USDT", "limit": "5"}).body
    assert found["missing"] == [{"from": at(-2), "to": at(0)}, {"from": at(2), "to": at(3)}]


@pytest.mark.parametrize(
    ("asked", "times"),
    [
        ({"from": 0.0}, [0, 1, 2]),
        ({"from": 0.5}, [1, 2]),
        ({"from": 0.0, "limit": 2}, [0, 1]),
        ({"to": 2.0}, [0, 1]),
        ({"to": 1.5}, [0, 1]),
        ({"to": 2.0, "limit": 1}, [1]),
        ({"from": 1.0, "to": 2.0}, [1]),
        ({"from": 1.0, "to": 1.0}, []),
        ({"from": 9.0}, []),
        ({"to": 900.0, "limit": 1}, [2]),
    ],
)
def test_a_span_has_its_beginning_and_not_its_end(
    gate: Gate, market: None, asked: dict[str, float], times: list[int]
) -> None:
    query = {name: str(value) if name == "limit" else at(value) for name, value in asked.items()}
    found = gate("GET", CANDLES, query={"symbol": "BTC/USDT", **query})
    assert found.status == 200
    assert [candle["time"] for candle in found.body["candles"]] == [at(time) for time in times]


def test_a_candle_that_is_still_open_is_not_shown(gate: Gate, market: None) -> None:
    save_in_turn(bootstrap.candle_store(), make_grid({"BTC/USDT": [1.0]}, start=AS_OF), bucket=3)
    found = gate("GET", CANDLES, query={"symbol": "BTC/USDT"}).body
    assert found["candles"][-1]["time"] == at(2)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "1001"}, "limit"),
        ({"timeframe": "2h"}, "timeframe"),
        ({"from": at(1), "to": at(0)}, "to"),
        ({"from": at(0), "to": at(1001)}, "to"),
        ({"from": at(0), "to": at(1), "limit": "1"}, "limit"),
        ({"from": "9999-12-31T23:59:59-23:59"}, "from"),
        ({"sort": "time"}, "sort"),
        ({"symbol": "BTCUSDT"}, "symbol"),
    ],
)
def test_what_cannot_be_asked_of_candles_is_refused_by_name(
    gate: Gate, market: None, query: dict[str, str], field: str
) -> None:
    refused = gate("GET", CANDLES, query={"symbol": "BTC/USDT", **query})
    assert refused.status == 400
    assert [error["field"] for error in refused.body["errors"]] == [field]


@pytest.mark.parametrize("query", [{"symbol": "NOBODY/USDT"}, {"symbol": "BTC/USDT", "timeframe": "5m"}])
def test_a_symbol_or_timeframe_that_is_not_kept_is_not_found(gate: Gate, market: None, query: dict[str, str]) -> None:
    assert gate("GET", CANDLES, query=query).status == 404


def test_the_earliest_and_the_latest_moments_there_are_make_no_fault(gate: Gate, market: None) -> None:
    for query in ({"from": "0001-01-01T00:00:00Z"}, {"to": "0001-01-01T00:00:00Z"}, {"to": "9999-12-31T23:59:59Z"}):
        assert gate("GET", CANDLES, query={"symbol": "BTC/USDT", **query}).status in {200, 400}


def test_monitoring_needs_a_key(gate: Gate, market: None) -> None:
    assert gate("GET", MONITORING).status == 401


def test_monitoring_tells_turns_candles_queues_and_dead_letters(gate: Gate, market: None, premium: str) -> None:
    url = client("sqs").get_queue_url(QueueName="generate_dead_letters")["QueueUrl"]
    client("sqs").send_message(QueueUrl=url, MessageBody="{}")
    bootstrap.queue("GENERATE").send([{"n": 1}, {"n": 2}])

    found = gate("GET", MONITORING, premium).body

    assert found["status"] == "ok"
    assert [(turn["job"], turn["age_seconds"], turn["late"]) for turn in found["turns"]] == [
        ("generate_signals", 10.0, False)
    ]
    depths = {queue["name"]: queue["waiting"] for queue in found["queues"]}
    assert depths["generate"] == 2
    assert depths["reprice"] == 0
    assert found["dead_letters"] == 1
    assert found["candles"] == [
        {"exchange": "binance", "timeframe": "1h", "closed_at": to_iso(AS_OF), "age_seconds": 10.0}
    ]


@pytest.mark.parametrize("tier", [Tier.FREE, Tier.PRO])
def test_monitoring_tells_who_sees_signals_late_no_count_that_rises_with_one(
    gate: Gate, market: None, premium: str, tier: Tier
) -> None:
    now = bootstrap.wall_clock().now()
    for hours in (0, 2):
        count_latencies(
            {("websocket", "premium"): [1.0]}, repository=bootstrap.delivery_latencies(), now=now - hours * HOUR
        )
    everything, late = (gate("GET", MONITORING, each).body for each in (premium, key_of(tier)))
    assert [late[name] for name in ("queues", "dead_letters", "cache")] == [None, None, None]
    assert [late[name] for name in ("turns", "candles")] == [everything[name] for name in ("turns", "candles")]
    for told, age in ((everything, timedelta(0)), (late, 2 * HOUR)):
        assert [each["count"] for each in told["deliveries"]["by_channel_and_tier"]] == [1]
        assert from_iso(told["deliveries"]["since"]) <= now - age
    assert from_iso(late["deliveries"]["since"]) + 2 * HOUR + Tier.FREE.delay <= now


def test_monitoring_looks_again_only_after_some_seconds(gate: Gate, market: None, premium: str) -> None:
    first = gate("GET", MONITORING, premium)
    before = first.body
    bootstrap.queue("GENERATE").send([{"n": 1}])
    again = gate("GET", MONITORING, premium)
    assert again.body == before
    assert "Age" not in first.headers
    assert 1 <= int(again.headers["Age"]) <= 5
    bootstrap.remembered_monitoring.cache_clear()
    assert gate("GET", MONITORING, premium).body != before
    assert len(messages("GENERATE")) == 1


def test_before_the_first_turn_monitoring_is_starting_and_knows_no_candles(gate: Gate, house: None, key: str) -> None:
    found = gate("GET", MONITORING, key).body
    assert (found["status"], found["turns"], found["candles"]) == ("starting", [], [])
