"""Clients of the WebSocket as its documentation has them: they follow a topic, and resume when they missed some."""

import asyncio
import json
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Thread
from types import TracebackType
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, WebSocketException

_AT_ONCE = 8
"""How many connect at the same moment: each needs a worker of the local cloud, and those start slowly."""
LOST = (WebSocketException, InvalidHandshake, OSError, EOFError)


@dataclass
class Listener:
    """One client. `has` is what it got, by number; `reached` the last number before which it misses nothing."""

    address: str
    topic: str
    reached: int = -1
    has: dict[int, str] = field(default_factory=dict)
    losses: int = 0
    socket: ClientConnection | None = None

    async def listen(self) -> None:
        """Follow the topic for ever, connecting again whenever the connection is lost."""
        while True:
            with suppress(*LOST):
                async with connect(self.address, open_timeout=30, max_size=None) as socket:
                    await self._ask(socket, "subscribe")
                    if self.reached >= 0:
                        await self._ask(socket, "resume", after=self.reached)
                    async for text in socket:
                        await self._take(json.loads(text), socket)
            self.socket = None
            await asyncio.sleep(0.05)

    async def _ask(self, socket: ClientConnection, action: str, **more: Any) -> None:
        await socket.send(json.dumps({"action": action, "topic": self.topic, **more}))

    async def _take(self, message: dict[str, Any], socket: ClientConnection) -> None:
        if message["type"] == "subscribed":
            self.reached = message["sequence"] if self.reached < 0 else self.reached
            self.socket = socket
        for event in message["events"] if message["type"] == "events" else ():
            told = self.has.setdefault(event["sequence"], event["data"]["delivery_id"])
            assert told == event["data"]["delivery_id"], "a number stands for one delivery"
        while self.reached + 1 in self.has:
            self.reached += 1
        # What came live beyond a gap, or did not fit into one answer, is asked for.
        missing = message["type"] == "events" and max(self.has, default=0) > self.reached
        if missing or (message["type"] == "resumed" and message["more"]):
            await self._ask(socket, "resume", after=self.reached)

    def cut(self) -> bool:
        """Tear the connection down as a dead network does: no goodbye. Return False if there was none."""
        socket, self.socket = self.socket, None
        if socket is None:
            return False
        self.losses += 1
        socket.transport.abort()
        return True


class Crowd:
    """Listeners in a thread of their own, as long as the block runs."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self.listeners = listeners
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> "Crowd":
        self._thread.start()
        for start in range(0, len(self.listeners), _AT_ONCE):
            comers = self.listeners[start : start + _AT_ONCE]
            for each in comers:
                asyncio.run_coroutine_threadsafe(each.listen(), self._loop)
            self._wait(comers, 60)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut_at_random(self, times: int, within: float, seed: int) -> None:
        """Tear each connection down so often, at moments of its own in the next `within` seconds; do not wait."""
        dice = random.Random(seed)
        for each in self.listeners:
            moments = sorted(dice.uniform(0, within) for _ in range(times))
            asyncio.run_coroutine_threadsafe(self._cut(each, moments), self._loop)

    def wait_until_reached(self, number: int, seconds: float) -> None:
        """Return when every listener has everything up to `number`; they resume as a heartbeat would have them do."""
        asyncio.run_coroutine_threadsafe(self._resume_all(number, seconds), self._loop).result(seconds + 10)

    async def _cut(self, listener: Listener, moments: list[float]) -> None:
        began = self._loop.time()
        for moment in moments:
            await asyncio.sleep(max(0.0, began + moment - self._loop.time()))
            while not listener.cut():
                await asyncio.sleep(0.02)

    async def _resume_all(self, number: int, seconds: float) -> None:
        deadline = self._loop.time() + seconds
        while behind := [each for each in self.listeners if each.reached < number]:
            assert self._loop.time() < deadline, f"{len(behind)} are behind {number}, one at {behind[0].reached}"
            for each in behind:
                if each.socket is not None:
                    with suppress(*LOST):
                        await each._ask(each.socket, "resume", after=each.reached)
            await asyncio.sleep(1)

    def _wait(self, comers: Sequence[Listener], seconds: float) -> None:
        async def until() -> None:
            deadline = self._loop.time() + seconds
            while not all(each.socket for each in comers):
                assert self._loop.time() < deadline, f"{len(comers)} connections were not opened within {seconds:.0f} s"
                await asyncio.sleep(0.02)

        asyncio.run_coroutine_threadsafe(until(), self._loop).result(seconds + 10)

    async def _end(self) -> None:
        """Let every task come to its end: one given up while it closes its connection leaves a socket behind."""
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for each in self.listeners:
            if each.socket is not None:
                each.socket.transport.abort()
        for task in tasks:
            task.cancel()
        await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 20)
