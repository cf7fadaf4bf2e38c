"""The WebSocket gateway in this process: real sockets in front of the services on fakes. It can cut connections off."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from socket import SHUT_RDWR
from time import sleep
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

from signalbox.domain.delivery.message import Envelope
from signalbox.domain.errors import RecipientRejectedError
from signalbox.services.connections import Conversation, disconnect, receive
from signalbox.services.topics import TopicSender
from tests.builders import NOW, make_connection, make_message
from tests.unit.services.websocket_house import House

TOKEN = "token"


class ClosingError(Exception):
    """There are no tokens any more: a client that would connect for ever ends."""


class Gateway(House):
    """A house whose clients are on the network; a client must bring `TOKEN`."""

    def __init__(self) -> None:
        super().__init__()
        self.sockets: dict[str, ServerConnection] = {}
        self.faults: list[tuple[str, dict[str, str] | None]] = []  # the action, and what is sent instead of its answer
        self.opened = 0
        self.port = 0
        self.clients: list[threading.Thread] = []
        self.is_closing = False
        self._lock = threading.RLock()
        self.sender = TopicSender(self.topics, self.followers, self, NOW)

    def post(self, connection_id: str, message: Any) -> None:
        try:
            self.sockets[connection_id].send(json.dumps(message))
        except (KeyError, ConnectionClosed) as e:
            raise RecipientRejectedError(f"connection {connection_id} must be open, is gone") from e

    def handle(self, socket: ServerConnection) -> None:
        """Serve one client until it goes or is cut off."""
        with self._lock:
            self.opened += 1
            name = f"conn-{self.opened}"
            self.sockets[name] = socket
            self.followers.add(make_connection(name), NOW)
        try:
            for text in socket:
                with self._lock:
                    conversation = Conversation(self.followers, self.topics, self.prices, self, NOW, NOW)
                    self.followers.counted.clear()
                    if not self._spoiled(socket, str(text)):
                        receive(name, str(text), conversation)
        except ConnectionClosed:
            pass
        finally:
            with self._lock:
                self.sockets.pop(name, None)
                disconnect(name, connections=self.followers)

    def _spoiled(self, socket: ServerConnection, text: str) -> bool:
        """Do what the next of `faults` says instead of answering what it is about; return whether one did."""
        action = json.loads(text)["action"]
        if not self.faults or self.faults[0][0] != action:
            return False
        _, instead = self.faults.pop(0)
        if instead is not None:
            socket.send(json.dumps(instead))
        return True

    def tell_all(self, topic: str, count: int) -> None:
        """Tell `count` more things in a topic."""
        for _ in range(count):
            with self._lock:
                self.told += 1
                self.sender.send_all([Envelope(make_message(facts={"n": self.told}), topic, f"delivery-{self.told}")])

    def cut_off(self) -> None:
        """End every connection, as a network does: without a word. Returns when the gateway has noticed."""
        for name, socket in list(self.sockets.items()):
            with suppress(OSError):  # its client was gone first
                socket.socket.shutdown(SHUT_RDWR)
            while name in self.sockets:
                sleep(0.001)

    def close(self) -> None:
        """Send every client home: `give_token` gives none any more."""
        self.is_closing = True
        self.cut_off()
        for client in self.clients:
            client.join(timeout=10)

    def give_token(self) -> str:
        """Give a client what opens a connection."""
        if self.is_closing:
            raise ClosingError
        return TOKEN

    def answer_http(self, _socket: ServerConnection, request: Request) -> Response | None:
        """Refuse who brings no token, and give tokens to who asks for one (in a browser: after its preflight)."""
        headers = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "X-Api-Key"}
        if urlsplit(request.path).path == "/signals/api/account/tokens":
            if request.headers.get("X-Api-Key") == "wrong":
                refusal = json.dumps({"detail": "the API key is not valid"}).encode()
                return Response(HTTPStatus.UNAUTHORIZED, "Unauthorized", Headers(headers), refusal)
            body = json.dumps({"token": TOKEN}).encode()
            return Response(HTTPStatus.CREATED, "Created", Headers(headers), body)
        token = parse_qs(urlsplit(request.path).query).get("token")
        return None if token == [TOKEN] else Response(HTTPStatus.FORBIDDEN, "Forbidden", Headers(), b"")


@contextmanager
def running_gateway() -> Iterator[Gateway]:
    """A gateway on a port of its own."""
    gateway = Gateway()
    server: Server = serve(gateway.handle, "127.0.0.1", 0, process_request=gateway.answer_http)
    gateway.port = server.socket.getsockname()[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield gateway
    finally:
        gateway.close()
        server.shutdown()
        thread.join(timeout=10)
