"""Prices and regimes by WebSocket, through the gateway, the queue and the functions."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from infra.local.house import House
from signalbox.domain.delivery.topics import price_number
from tests.e2e.conftest import Walk

TOPIC = "prices:BTC/USDT"
MOST_TURNS = 12
"""Within so many, some symbol changes its regime."""


@pytest.fixture
def follower(walk: Walk, cloud: House) -> Iterator[ClientConnection]:
    """A connection of the demo account that follows a symbol's prices and the regimes."""
    with connect(f"{cloud.websocket_url}?token={cloud.key}") as socket:
        for topic in (TOPIC, "regimes"):
            answer = ask(socket, {"action": "subscribe", "topic": topic})
            assert (answer["type"], answer["topic"]) == ("subscribed", topic)
        yield socket


def ask(socket: ClientConnection, message: dict[str, Any]) -> dict[str, Any]:
    socket.send(json.dumps(message))
    return json.loads(socket.recv(timeout=20))


def next_of(socket: ClientConnection, topic: str) -> dict[str, Any]:
    """Return the next message of a topic; those of others are passed over."""
    while (message := json.loads(socket.recv(timeout=20))).get("topic") != topic:
        pass
    return message


def test_a_turns_price_reaches_its_follower_under_its_minute_and_can_be_fetched_again(
    walk: Walk, follower: ClientConnection
) -> None:
    (turn,) = walk.step(1)
    live = next_of(follower, TOPIC)
    (event,) = live["events"]
    assert event["sequence"] == price_number(turn)
    assert event["data"]["symbol"] == "BTC/USDT"
    follower.send(json.dumps({"action": "resume", "topic": TOPIC, "after": event["sequence"] - 1}))
    assert next_of(follower, TOPIC) == live
    resumed = next_of(follower, TOPIC)
    assert (resumed["type"], resumed["sequence"], resumed["lost"]) == ("resumed", event["sequence"], False)


def test_changes_of_regime_reach_their_follower_through_the_logs_stream_and_can_be_fetched_again(
    walk: Walk, follower: ClientConnection
) -> None:
    live: list[dict[str, Any]] = []
    for _ in range(MOST_TURNS):
        (turn,) = walk.step(1)
        live += told_until(follower, turn)
        if live:
            break
    numbers = [event["sequence"] for event in live]
    assert sorted(numbers) == list(range(min(numbers), max(numbers) + 1))
    follower.send(json.dumps({"action": "resume", "topic": "regimes", "after": min(numbers) - 1}))
    again = next_of(follower, "regimes")["events"]
    assert again[: len(live)] == sorted(live, key=lambda event: event["sequence"])


def told_until(socket: ClientConnection, turn: datetime) -> list[dict[str, Any]]:
    """Return the changes of regime that came until a turn's price did, and shortly after."""
    found: list[dict[str, Any]] = []
    priced = False
    while True:
        try:
            message = json.loads(socket.recv(timeout=2 if priced else 20))
        except TimeoutError:
            return found
        if message["topic"] == "regimes":
            found += message["events"]
        priced |= any(event["sequence"] == price_number(turn) for event in message["events"])


def test_the_prices_of_an_unknown_symbol_are_refused(follower: ClientConnection) -> None:
    answer = ask(follower, {"action": "subscribe", "topic": "prices:NOBODY/USDT"})
    assert (answer["type"], answer["code"]) == ("error", "invalid_request")
