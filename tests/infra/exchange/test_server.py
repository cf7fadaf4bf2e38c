"""The server: its command, its controls, its limits and what it keeps."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import ccxt
import pytest
import requests

from infra.local.exchange.candles import HOUR
from infra.local.exchange.limits import Budget, Limiter
from infra.local.exchange.server import LocalExchange
from infra.local.exchange.simulated import SimulatedTape

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
NOW = 1_717_212_345_678


def test_the_command_says_where_it_listens_and_serves_until_told_to_stop(make_client):
    command = [sys.executable, "-m", "infra.local.exchange", "--market", "simulated", "--clock", str(NOW)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as process:  # noqa: S603 - our own
        try:
            word, url = process.stdout.readline().split()
            assert word == "listening"
            assert make_client("okx", url).fetch_time() == NOW
        finally:
            process.terminate()
        assert process.wait(10) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--market", "nowhere.csv"], "does not exist"), (["--clock", "noon"], "must be wall or epoch milliseconds")],
)
def test_the_command_names_what_it_cannot_use(arguments, message):
    command = [sys.executable, "-m", "infra.local.exchange", *arguments]
    done = subprocess.run(  # noqa: S603 - our own command
        command, capture_output=True, text=True, timeout=30, check=False, env=ENVIRONMENT
    )
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_controls_set_the_clock_the_faults_and_tell_the_status(local):
    with requests.Session() as session:
        control = f"{local.url}/_control"
        assert session.post(f"{control}/clock", json={"now": NOW + HOUR}).json() == {"now": NOW + HOUR}
        assert (
            session.post(f"{control}/fault", json={"kind": "spike", "exchange": "okx", "factor": 2}).status_code == 200
        )
        status = session.get(f"{control}/status").json()
        assert (status["source"], status["clock"], status["now"]) == ("simulated", "stepped", NOW + HOUR)
        assert status["span"][0] < NOW < status["span"][1]
        assert "BTC/USDT" in status["symbols"]
        assert [fault["kind"] for fault in status["faults"]] == ["spike"]
        assert {event["kind"] for event in status["events"]} >= {"halt", "listing", "delisting"}
        session.delete(f"{control}/fault")
        assert session.get(f"{control}/status").json()["faults"] == []
        session.post(f"{control}/clock", json={"wall": True})
        assert abs(session.get(f"{control}/status").json()["now"] - time.time() * 1000) < 5_000


@pytest.mark.parametrize("body", [b"", b"[]", b'{"now": "noon"}', b'{"now": 1, "wall": true}', b'{"wall": false}'])
def test_a_clock_that_cannot_be_read_is_refused_and_changes_nothing(local, body):
    reply = requests.post(f"{local.url}/_control/clock", data=body, timeout=5)
    assert reply.status_code == 400
    assert "must be" in reply.json()["error"]
    assert local.status()["now"] == NOW


def test_requests_and_refusals_are_counted_per_exchange(make_client):
    with LocalExchange(now=NOW) as local:
        client = make_client("bybit", local.url)
        client.load_markets()
        local.fault("ban", exchange="bybit", count=1)
        with pytest.raises(ccxt.RateLimitExceeded):
            client.fetch_time()
        status = local.status()
    assert status["requests"] == {"binance": 0, "bybit": 2, "kraken": 0, "okx": 0}
    assert status["refused"]["bybit"] == {"ban": 1}


def test_a_budget_that_is_spent_is_a_refusal_with_the_exchange_s_headers(make_client):
    with LocalExchange(now=NOW, limit_scale=0.01) as local:
        client = make_client("binance", local.url)
        client.load_markets()
        assert client.last_response_headers["X-MBX-USED-WEIGHT-1M"] == "20"
        for _ in range(20):
            client.fetch_ohlcv("BTC/USDT", "1h", limit=1)
        with pytest.raises(ccxt.DDoSProtection, match="429"):
            client.fetch_ohlcv("BTC/USDT", "1h", limit=1)
        assert 1 <= int(client.last_response_headers["Retry-After"]) <= 61


def test_a_budget_comes_back_with_the_next_window():
    clock = iter([0.0, 1.0, 2.0, 61.0])
    limiter = Limiter(Budget(weight=10, seconds=60), 1.0, lambda: next(clock))
    assert [limiter.spend(5).exceeded for _ in range(4)] == [False, False, True, False]


def test_candles_that_were_made_once_are_not_made_again(local, monkeypatch):
    query = {"symbol": "BTCUSDT", "interval": "1h", "startTime": str(NOW - 3 * HOUR), "limit": "5"}
    first = local.application.handle("GET", "/binance/api/v3/klines", query, b"")
    monkeypatch.setattr(SimulatedTape, "candles", pytest.fail)
    later = [local.application.handle("GET", "/binance/api/v3/klines", query, b"") for _ in range(3)]
    assert {answer.body for answer in later} == {first.body}


def test_many_clients_at_once_get_what_one_gets(local):
    paths = [f"/binance/api/v3/klines?symbol={name}USDT&interval=15m&limit=50" for name in ("ADA", "DOT", "UNI", "OP")]

    def ask(path):
        with requests.Session() as session:
            return [session.get(local.url + path, timeout=10).content for _ in range(3)]

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(ask, paths * 4))
    for at, path in enumerate(paths):
        assert {reply for replies in together[at::4] for reply in replies} == set(ask(path))


def test_an_address_of_no_exchange_is_named(local):
    reply = requests.get(f"{local.url}/nasdaq/api", timeout=5)
    assert reply.status_code == 404
    assert "binance, bybit, kraken, okx" in reply.json()["error"]
