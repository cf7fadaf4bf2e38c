"""REST and WebSocket as a client meets them."""

import json
from collections.abc import Iterator

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from infra.local.house import House
from tests.e2e.conftest import Walk


@pytest.fixture
def anybody(cloud: House) -> Iterator[httpx.Client]:
    """The REST API, asked without a key."""
    with httpx.Client(base_url=cloud.api_url, timeout=30, trust_env=False) as client:
        yield client


def problem(answer: httpx.Response, status: int) -> dict[str, object]:
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/problem+json")
    document = answer.json()
    assert document["status"] == status
    return document


def test_a_path_that_is_not_there_is_a_problem_in_the_one_shape(anybody: httpx.Client) -> None:
    problem(anybody.get("/signals/nothing"), 404)


def test_a_key_that_is_not_good_is_unauthorized(anybody: httpx.Client) -> None:
    problem(anybody.get("/signals/history", headers={"x-api-key": "nobodys"}), 401)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_method_that_is_not_there_is_refused_with_what_is_allowed(api: httpx.Client, method: str) -> None:
    answer = api.request(method, "/signals/history")
    problem(answer, 405)
    assert "GET" in answer.headers["allow"]


def test_options_needs_no_key(anybody: httpx.Client) -> None:
    answer = anybody.options("/signals/api/signals")
    assert "GET" in answer.headers["allow"]


def test_a_trailing_slash_changes_nothing(walk: Walk, api: httpx.Client) -> None:
    assert api.get("/signals/api/signals/").status_code == api.get("/signals/api/signals").status_code == 200


def test_anybody_may_ask_and_sees_no_open_signal_of_the_last_quarter_of_an_hour(
    walk: Walk, anybody: httpx.Client
) -> None:
    answer = anybody.get("/signals/api/signals", params={"status": "OPEN"})
    assert answer.status_code == 200
    now = anybody.get("/health").json()["now"]
    assert all(signal["published_at"] < now for signal in answer.json()["signals"])


def test_health_needs_no_key_and_tells_the_newest_turns(walk: Walk, anybody: httpx.Client) -> None:
    health = anybody.get("/health").json()
    assert health["status"] == "ok"
    assert {turn["job"] for turn in health["turns"]} == {"generate_signals", "reprice_signals"}


def test_a_websocket_opens_with_a_good_token_and_answers_a_ping(cloud: House) -> None:
    with connect(f"{cloud.websocket_url}?token={cloud.key}") as socket:
        socket.send(json.dumps({"action": "ping"}))
        assert json.loads(socket.recv(timeout=10))["type"] == "pong"


def test_a_websocket_stays_shut_without_a_good_token(cloud: House) -> None:
    for address in (cloud.websocket_url, f"{cloud.websocket_url}?token=nobodys"):
        with pytest.raises(InvalidStatus), connect(address):
            pass
