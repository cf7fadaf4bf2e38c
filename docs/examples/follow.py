"""Follow topics of Signalbox without missing anything: prints one JSON line per event.

    python follow.py https://API wss://SOCKET KEY signals prices:BTC/USDT

Needs `pip install websockets`. The connection may end at any moment (the gateway ends each after two hours): the
follower connects again and resumes each topic after the last number it has. With a state file (fifth argument on, as
`--state=FILE`) it does so over restarts too.
"""

import json
import random
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

HEARTBEAT = 240.0
"""Seconds without a message after which a ping is sent: the gateway ends what is silent for ten minutes."""
LONGEST_PAUSE = 30.0
ANSWERED_WITHIN = 30.0
"""Seconds after which an answer counts as lost: then the follower connects again."""
PASSES = {"unknown_connection", "try_again"}
"""Refusals that are over with the next connection."""

Entry = tuple[int, dict[str, Any]]
Event = tuple[str, int, dict[str, Any]]


class Numbers:
    """What is known of one topic: `last` is the number up to which nothing is missing (-1 before the first answer).

    Numbers of most topics have no gaps; those of `prices:...` are minutes, and a minute without a price has none. The
    rule is one for all: what follows on is taken, what was seen is dropped, and what skips a number waits until
    `resume` brought what lies between, if there is anything.
    """

    def __init__(self, last: int = -1) -> None:
        self.last = last
        self.asked_at: float | None = None  # when `subscribe` or `resume` was sent, until it is answered
        self.waiting: dict[int, dict[str, Any]] = {}

    def take(self, number: int, data: dict[str, Any]) -> list[Entry]:
        """Take one entry and return those that can be told now, in order."""
        if number > self.last:
            self.waiting[number] = data
        return [] if self.asked_at else self._following()

    def answered(self, upto: int) -> list[Entry]:
        """Take an answer, by which nothing is missing up to `upto`, and return what can be told now, in order."""
        self.asked_at = None
        told = [(number, self.waiting.pop(number)) for number in sorted(self.waiting) if number <= upto]
        self.last = max(self.last, upto)
        return told + self._following()

    def _following(self) -> list[Entry]:
        told = []
        while self.last + 1 in self.waiting:
            self.last += 1
            told.append((self.last, self.waiting.pop(self.last)))
        return told


class Follower:
    """Follows topics over as many connections as it takes.

    Parameters
    ----------
    get_token : callable
        Returns a fresh token; each opens one connection, within a minute.
    url : str
        Where the WebSocket is, as `wss://...`.
    topics : list of str
        `signals`, `alerts`, `deliveries`, `regimes`, `prices:BTC/USDT`.
    state : Path, optional
        Where the numbers are kept between runs.
    """

    def __init__(self, get_token: Callable[[], str], url: str, topics: list[str], state: Path | None = None) -> None:
        self._get_token, self._url, self._state = get_token, url, state
        known = json.loads(state.read_text()) if state and state.exists() else {}
        self.topics = {topic: Numbers(known.get(topic, -1)) for topic in topics}

    def events(self) -> Iterator[Event]:
        """Yield topic, number and data of every event, each once and in order, for ever."""
        failures = 0
        while True:
            try:
                with connect(f"{self._url}?token={self._get_token()}") as socket:
                    for topic in self.topics:
                        self._ask(socket, topic, action="subscribe")
                    for event in self._received(socket):
                        failures = 0
                        yield event
            except (WebSocketException, OSError):  # cut off, or not let in just now
                failures += 1
            time.sleep(random.uniform(0, min(LONGEST_PAUSE, 2.0**failures / 2)))

    def _received(self, socket: ClientConnection) -> Iterator[Event]:
        while True:
            asked = [each.asked_at for each in self.topics.values() if each.asked_at]
            if asked and time.monotonic() > min(asked) + ANSWERED_WITHIN:
                raise ConnectionError("an answer was lost")
            try:
                message = json.loads(socket.recv(timeout=min(HEARTBEAT, ANSWERED_WITHIN) if asked else HEARTBEAT))
            except TimeoutError:
                self._send(socket, action="ping")
                continue
            for each in message["messages"] if message.get("type") == "batch" else [message]:
                yield from self._answer(socket, each)

    def _answer(self, socket: ClientConnection, message: dict[str, Any]) -> Iterator[Event]:
        if "type" not in message:  # the gateway's own word for a fault behind it
            raise ConnectionError(message)
        if message["type"] == "error":
            if message["code"] in PASSES:
                raise ConnectionError(message["detail"])
            raise SystemExit(f"refused: {message['detail']}")
        topic = message.get("topic", "")
        if topic not in self.topics:
            return
        told = []
        if message["type"] == "events":
            told = self._events(socket, topic, message)
        elif message["type"] == "subscribed":
            told = self._subscribed(socket, topic, message)
        elif message["type"] == "resumed":
            told = self._resumed(socket, topic, message)
        for number, data in told:
            yield topic, number, data
        if told and self._state:
            written = self._state.with_suffix(".new")
            written.write_text(json.dumps({name: each.last for name, each in self.topics.items()}))
            written.replace(self._state)  # whole or not at all, wherever this is stopped

    def _events(self, socket: ClientConnection, topic: str, message: dict[str, Any]) -> list[Entry]:
        numbers = self.topics[topic]
        told = [entry for event in message["events"] for entry in numbers.take(event["sequence"], event["data"])]
        if numbers.waiting and not numbers.asked_at and numbers.last >= 0:
            self._resume(socket, topic)
        return told

    def _subscribed(self, socket: ClientConnection, topic: str, message: dict[str, Any]) -> list[Entry]:
        numbers = self.topics[topic]
        # The first time from now on; to begin with the oldest kept, resume after 0.
        told = numbers.answered(message["sequence"] if numbers.last < 0 else numbers.last)
        if numbers.last < message["sequence"]:
            self._resume(socket, topic)
        return told

    def _resumed(self, socket: ClientConnection, topic: str, message: dict[str, Any]) -> list[Entry]:
        numbers = self.topics[topic]
        before = numbers.last
        if message["lost"]:
            sys.stderr.write(f"{topic}: some of what came after {before} is not kept any more\n")
        told = numbers.answered(message["sequence"])
        # An entry that may not be told yet (tier delay) holds up those after it: nothing new comes until it may.
        if message["more"] or (numbers.waiting and numbers.last > before):
            self._resume(socket, topic)
        return told

    def _resume(self, socket: ClientConnection, topic: str) -> None:
        self._ask(socket, topic, action="resume", after=self.topics[topic].last)

    def _ask(self, socket: ClientConnection, topic: str, **message: Any) -> None:
        self.topics[topic].asked_at = time.monotonic()
        self._send(socket, topic=topic, **message)

    @staticmethod
    def _send(socket: ClientConnection, **message: Any) -> None:
        socket.send(json.dumps(message))


def token_of(api_url: str, key: str) -> str:
    """Return a token that opens one connection: a key itself never goes into an address."""
    request = urllib.request.Request(  # noqa: S310 - the address is the caller's own
        f"{api_url}/signals/api/account/tokens", method="POST", headers={"X-Api-Key": key}
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - see above
            return str(json.load(answer)["token"])
    except urllib.error.HTTPError as e:
        if e.code in {401, 403}:  # asking again changes nothing
            raise SystemExit(f"refused: {json.load(e)['detail']}") from e
        raise


def main(arguments: list[str]) -> None:
    """Print every event of the topics on the command line."""
    states = [Path(each.removeprefix("--state=")) for each in arguments if each.startswith("--state=")]
    api_url, url, key, *topics = [each for each in arguments if not each.startswith("--state=")]
    follower = Follower(lambda: token_of(api_url, key), url, topics, *states)
    for topic, number, data in follower.events():
        sys.stdout.write(json.dumps({"topic": topic, "sequence": number, **data}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
