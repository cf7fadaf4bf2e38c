"""The local exchange as an HTTP server on loopback: in a process of its own, or in a test."""

import sys
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from infra.local.exchange.application import DEFAULT_LIMIT_SCALE, Application, Silence
from infra.local.exchange.clock import MarketClock
from infra.local.exchange.dialects.base import Answer
from infra.local.exchange.sources import open_market
from infra.local.news.desk import open_desk

HOST = "127.0.0.1"


class ExchangeServer(ThreadingHTTPServer):
    """Serves an application on `port` of loopback (0: a free one), one thread per connection."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, application: Application, port: int) -> None:
        self.application = application
        self.closing = threading.Event()
        super().__init__((HOST, port), _Handler)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self.server_port}"

    def server_close(self) -> None:
        """Stop listening, and end the silences that are still held."""
        self.closing.set()
        super().server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let a client go that went first; show every other error."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: ExchangeServer
    protocol_version = "HTTP/1.1"
    # Without this a reply on a kept connection waits 40 ms for the client's delayed acknowledgement.
    disable_nagle_algorithm = True
    server_version = "LocalExchange"
    _REASONS: ClassVar[Mapping[int, str]] = {
        status: short for status, (short, _) in BaseHTTPRequestHandler.responses.items()
    }

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named by http.server
        """Log nothing: thousands of requests a minute; `/_control/status` counts them."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        answer = self.server.application.handle(self.command, parts.path, query, body)
        if isinstance(answer, Silence):
            self.server.closing.wait(answer.seconds)
            self.close_connection = True
            return
        self.wfile.write(self._head(answer) + answer.body)

    def _head(self, answer: Answer) -> bytes:
        """Return the head as bytes, so that head and body leave in one packet."""
        lines = [
            f"HTTP/1.1 {answer.status} {self._REASONS.get(answer.status, 'Unknown')}",
            f"Content-Type: {answer.content_type}",
            f"Content-Length: {len(answer.body)}",
            f"Date: {self.date_time_string()}",
            *(f"{name}: {text}" for name, text in answer.headers.items()),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class LocalExchange:
    """The exchanges in a thread of this process, on a free port, as a context manager.

    Parameters
    ----------
    source : str, default "simulated"
        `simulated`, or a file or folder of candles.
    seed : int, default 7
        Of the simulated market, and of the differences between exchanges.
    now : int, optional
        The clock (epoch ms); by default the wall's.
    limit_scale : float
        How many times the exchanges' real rate limits are granted.
    news_folder : str, optional
        Folder of real headlines; a simulated market has made-up ones without it.
    """

    def __init__(
        self,
        source: str = "simulated",
        *,
        seed: int = 7,
        now: int | None = None,
        limit_scale: float = DEFAULT_LIMIT_SCALE,
        news_folder: str = "",
    ) -> None:
        market = open_market(source, seed)
        self.application = Application(market, MarketClock(now), limit_scale, open_desk(market, seed, news_folder))
        self._server = ExchangeServer(self.application, 0)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """The endpoint: an exchange is at `<url>/<exchange id>`."""
        return self._server.url

    def __enter__(self) -> "LocalExchange":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def set_clock(self, moment: int | None) -> None:
        """Set the market's clock to epoch ms, or let it follow the wall (None)."""
        self.application.set_clock(moment)

    def fault(self, kind: str, **fields: object) -> None:
        """Switch a fault on: `exchange`, `count`, `retry_after`, `factor`, `symbol` as in `faults.Fault`."""
        self.application.add_fault(kind=kind, **fields)

    def clear_faults(self) -> None:
        """Switch every fault off."""
        self.application.faults.clear()

    def status(self) -> dict[str, Any]:
        """Return what `GET /_control/status` answers."""
        return self.application.status()
