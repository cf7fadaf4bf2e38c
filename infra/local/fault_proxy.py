"""One HTTP proxy between the functions and the local cloud or the exchanges, which lets things go wrong by rule.

It forwards everything as it came, the Host header included, which signatures cover. Rules are added in process
(`FaultProxy.rules`) or over HTTP: POST /_faults takes one, GET /_faults counts them, DELETE /_faults lifts them.
"""

import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import psutil  # type: ignore[import-untyped]

from infra.local.faults import EXCHANGE_PREFIX, Fault, FaultRule, FaultRules, target_of
from signalbox.domain.errors import InvalidValueError

CONTROL_PATH = "/_faults"
_UPSTREAM_SECONDS = 130.0
_FRESH_SECONDS = 1.0
"""How long a connection that rests is used again: no upstream closes one so soon."""
_HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "expect",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """What an upstream, or a fault, answers."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @classmethod
    def of(cls, status: int, value: Any, headers: list[tuple[str, str]] | None = None) -> "Reply":
        """Return a JSON reply."""
        return cls(status, [("Content-Type", "application/json"), *(headers or [])], json.dumps(value).encode())


class FaultProxy(ThreadingHTTPServer):
    """A proxy on a loopback port.

    Parameters
    ----------
    port : int
        Where it listens; 0 takes a free one.
    cloud, exchanges : str
        Addresses of the local cloud, and of what answers below `/_exchange/`.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, cloud: str, exchanges: str = "") -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.cloud = cloud
        self.exchanges = exchanges
        self.rules = FaultRules()

    @property
    def endpoint(self) -> str:
        """What functions call instead of the local cloud."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def exchange_endpoint(self) -> str:
        """What functions call instead of the exchanges."""
        return self.endpoint + EXCHANGE_PREFIX.rstrip("/")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away, which is what many faults make them do."""


@contextmanager
def running_proxy(proxy: FaultProxy) -> Iterator[FaultProxy]:
    """Serve in a thread while the block runs."""
    thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: FaultProxy
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self._kept: dict[str, tuple[http.client.HTTPConnection, float]] = {}

    def finish(self) -> None:
        for connection, _ in self._kept.values():
            connection.close()
        super().finish()

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == CONTROL_PATH:
            self._answer(self._control(body))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        rule = self.server.rules.take(target_of(self.command, self.path, headers))
        reply = self._forward(body) if rule is None else self._misbehave(rule, body)
        if reply is None:
            self._drop()
        else:
            self._answer(reply)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = _handle  # noqa: N815 (http.server's names)

    def _misbehave(self, rule: FaultRule, body: bytes) -> Reply | None:
        """Return what the rule makes of the request; None drops the connection."""
        for_exchange = self.path.startswith(EXCHANGE_PREFIX)
        if rule.fault is Fault.THROTTLE:
            return _throttled(rule, for_exchange=for_exchange)
        if rule.fault is Fault.ERROR:
            return Reply.of(
                503 if for_exchange else 500, {"__type": "InternalServerError", "message": "injected fault"}
            )
        if rule.fault is Fault.TIMEOUT:
            time.sleep(rule.seconds)
            return None
        reply = self._forward(body)
        if rule.fault is Fault.DUPLICATE:
            self._forward(body)
        if rule.fault is Fault.KILL:
            _kill_owner_of(*self.client_address[:2])
        if rule.fault is Fault.LATE_REPLY:
            time.sleep(rule.seconds)
        return None if rule.fault in (Fault.LOST_REPLY, Fault.KILL) else reply

    def _forward(self, body: bytes) -> Reply:
        """Send the request on, and keep the connection for the client's next."""
        upstream, path = self.server.cloud, self.path
        if path.startswith(EXCHANGE_PREFIX):
            upstream, path = self.server.exchanges, path.removeprefix(EXCHANGE_PREFIX.rstrip("/"))
        address = urlsplit(upstream)
        connection = self._connection(address.netloc)
        try:
            connection.putrequest(self.command, address.path + path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in _HOP_BY_HOP:
                    connection.putheader(name, value)
            connection.endheaders(body or None)
            answer = connection.getresponse()
            reply = Reply(answer.status, answer.getheaders(), answer.read())
        except OSError as e:
            connection.close()
            return Reply.of(502, {"message": f"{upstream} does not answer: {e}"})
        self._kept[address.netloc] = connection, time.monotonic()
        return reply

    def _connection(self, netloc: str) -> http.client.HTTPConnection:
        """Return the connection kept for an upstream, or a new one: a stale one would leave unclear what was done."""
        connection, used = self._kept.pop(netloc, (None, 0.0))
        if connection and time.monotonic() - used < _FRESH_SECONDS:
            return connection
        if connection:
            connection.close()
        return http.client.HTTPConnection(netloc, timeout=_UPSTREAM_SECONDS)

    def _answer(self, reply: Reply) -> None:
        self.send_response_only(reply.status)
        for name, value in reply.headers:
            if name.lower() not in _HOP_BY_HOP and name.lower() != "content-length":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    def _drop(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _control(self, body: bytes) -> Reply:
        if self.command == "DELETE":
            self.server.rules.clear()
        elif self.command == "POST":
            try:
                self.server.rules.add(FaultRule.from_message(json.loads(body)))
            except (InvalidValueError, ValueError) as e:
                return Reply.of(400, {"message": str(e)})
        return Reply.of(200, {"applied": self.server.rules.applied()})

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (http.server's name)
        """Write no access log."""


def _kill_owner_of(host: str, port: int) -> None:
    """Kill the process at the other end of a connection, unless that is this one."""
    owners = {each.pid for each in psutil.net_connections("tcp") if each.laddr == (host, port)}
    for pid in owners - {None, os.getpid()}:
        psutil.Process(pid).kill()


def _throttled(rule: FaultRule, *, for_exchange: bool) -> Reply:
    if for_exchange:
        return Reply.of(429, {"message": "injected fault"}, [("Retry-After", str(max(1, round(rule.seconds))))])
    kind = "ProvisionedThroughputExceededException" if rule.target.startswith("dynamodb:") else "ThrottlingException"
    error = {"__type": kind, "message": "injected fault"}
    return Reply.of(400, error, [("x-amzn-ErrorType", kind)])
