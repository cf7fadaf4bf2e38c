"""The exchanges behind one address: routes a request to its exchange, through faults and limits, and counts it."""

import json
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from infra.local.exchange.candles import DAY
from infra.local.exchange.clock import MarketClock
from infra.local.exchange.dialects.base import Answer, Dialect, View
from infra.local.exchange.dialects.binance import BinanceDialect
from infra.local.exchange.dialects.bybit import BybitDialect
from infra.local.exchange.dialects.kraken import KrakenDialect
from infra.local.exchange.dialects.okx import OkxDialect
from infra.local.exchange.faults import Fault, Faults
from infra.local.exchange.limits import Limiter
from infra.local.exchange.market import Market
from infra.local.exchange.rows import Spike
from infra.local.news.desk import NewsDesk
from signalbox.domain.errors import InvalidValueError

DIALECTS: tuple[type[Dialect], ...] = (BinanceDialect, BybitDialect, KrakenDialect, OkxDialect)
DEFAULT_LIMIT_SCALE = 100.0
"""Times the real limits: a stepped run lives through days in a minute of the wall time that limits are counted in."""

_SILENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Silence:
    """No answer: the connection is held for `seconds`, then closed."""

    seconds: float


class Application:
    """Every exchange over one market and one clock, and the news of it. Safe to use from many threads."""

    def __init__(
        self,
        market: Market,
        clock: MarketClock,
        limit_scale: float = DEFAULT_LIMIT_SCALE,
        news: NewsDesk | None = None,
    ) -> None:
        self.news = news
        self.market = market
        self.clock = clock
        self.faults = Faults()
        self._dialects = {dialect.exchange: dialect(market) for dialect in DIALECTS}
        self._limiters = {dialect.exchange: Limiter(dialect.budget, limit_scale) for dialect in DIALECTS}
        self._lock = threading.Lock()
        self._requests: Counter[str] = Counter()
        self._refused: dict[str, Counter[str]] = {dialect.exchange: Counter() for dialect in DIALECTS}

    def handle(self, method: str, path: str, query: Mapping[str, str], body: bytes) -> Answer | Silence:
        """Answer one request: `/<exchange>/...` in that exchange's dialect, `/news/...`, `/_control/...` as JSON."""
        _, first, *rest = path.split("/", 2)
        rest_path = "/" + "".join(rest)
        if first == "_control":
            return self._control(method, rest_path, body)
        if first == "news" and self.news:
            return self.news.answer("".join(rest), query, self.clock.now())
        dialect = self._dialects.get(first)
        if dialect is None:
            known = ", ".join(self._dialects)
            return Answer.of({"error": f"path must begin with one of {known} or _control, was {path}"}, 404)
        if method != "GET":
            return Answer.page("405 Method Not Allowed", 405)
        return self._exchange(dialect, rest_path, query)

    def set_clock(self, moment: int | None) -> None:
        """Set the market's clock to epoch ms, or let it follow the wall (None)."""
        self.clock.step_to(moment)

    def add_fault(self, **fields: object) -> None:
        """Switch a fault on (see `faults.Fault`); raise InvalidValueError if `fields` describe none."""
        self.faults.add(Fault.from_json(fields, self.clock.now()))

    def status(self) -> dict[str, Any]:
        """Return the market, its clock, what was asked and refused, the faults, and the events of these ten days."""
        now = self.clock.now()
        with self._lock:
            requests = {exchange: self._requests[exchange] for exchange in self._dialects}
            refused = {exchange: dict(kinds) for exchange, kinds in self._refused.items()}
        return {
            "source": self.market.source,
            "span": list(self.market.span_ms),
            "base_step": self.market.base_step,
            "symbols": list(self.market.symbols),
            "news": list(self.news.archive.sources) if self.news else [],
            "clock": "wall" if self.clock.is_wall else "stepped",
            "now": now,
            "requests": requests,
            "refused": refused,
            "faults": [asdict(fault) for fault in self.faults.active()],
            "events": [asdict(event) for event in self.market.events(now - 10 * DAY, now + 10 * DAY)],
        }

    def _exchange(self, dialect: Dialect, path: str, query: Mapping[str, str]) -> Answer | Silence:
        exchange, now = dialect.exchange, self.clock.now()
        usage = self._limiters[exchange].spend(dialect.weight(path, query))
        fault = self.faults.take_refusal(exchange)
        kind = fault.kind if fault else "rate_limit" if usage.exceeded else None
        self._count(exchange, kind)
        in_maintenance = kind == "maintenance"
        if kind and not (in_maintenance and path == dialect.status_path):
            retry_after = fault.retry_after if fault else usage.reset_seconds + 1
            if kind == "malformed":
                whole = dialect.respond(path, query, self._view(exchange, now))
                return Answer(whole.body[: len(whole.body) // 2], whole.status, whole.content_type)
            return _refuse(dialect, kind, retry_after, now)
        answer = dialect.respond(path, query, self._view(exchange, now, in_maintenance=in_maintenance))
        headers = {**dialect.limit_headers(usage, now), **answer.headers}
        return Answer(answer.body, answer.status, answer.content_type, headers)

    def _view(self, exchange: str, now: int, *, in_maintenance: bool = False) -> View:
        frozen = self.faults.take(exchange, "frozen")
        spike = self.faults.take(exchange, "spike")

        def spike_of(symbol: str) -> Spike | None:
            return Spike(spike.since_ms, spike.factor) if spike and spike.symbol in (None, symbol) else None

        def is_bad(symbol: str) -> bool:
            return self.faults.take(exchange, "bad_symbol", symbol) is not None

        data_now = min(now, frozen.since_ms) if frozen else now
        return View(now, data_now, in_maintenance, spike_of, is_bad)

    def _count(self, exchange: str, refusal: str | None) -> None:
        with self._lock:
            self._requests[exchange] += 1
            if refusal:
                self._refused[exchange][refusal] += 1

    def _control(self, method: str, path: str, body: bytes) -> Answer:
        try:
            if (method, path) == ("GET", "/status"):
                return Answer.of(self.status())
            if (method, path) == ("DELETE", "/fault"):
                self.faults.clear()
            elif (method, path) == ("POST", "/fault"):
                self.add_fault(**_object(body))
            elif (method, path) == ("POST", "/clock"):
                self.set_clock(_moment(_object(body)))
            else:
                return Answer.of({"error": f"no such control: {method} {path}"}, 404)
        except InvalidValueError as e:
            return Answer.of({"error": str(e)}, 400)
        return Answer.of({"now": self.clock.now()})


def _refuse(dialect: Dialect, kind: str, retry_after: float | None, now: int) -> Answer | Silence:
    if kind == "timeout":
        return Silence(_SILENCE_SECONDS if retry_after is None else retry_after)
    if kind == "drop":
        return Silence(0.0)
    if kind == "down":
        return Answer.page("502 Bad Gateway", 502)
    return dialect.refusal(kind, retry_after, now)


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError as e:
        raise InvalidValueError(f"body must be a JSON object, was {body[:80]!r}") from e
    if not isinstance(value, dict):
        raise InvalidValueError(f"body must be a JSON object, was {body[:80]!r}")
    return value


def _moment(fields: Mapping[str, Any]) -> int | None:
    if fields == {"wall": True}:
        return None
    now = fields.get("now")
    if len(fields) != 1 or isinstance(now, bool) or not isinstance(now, int) or now < 0:
        raise InvalidValueError(f'body must be {{"now": epoch ms}} or {{"wall": true}}, was {dict(fields)}')
    return now
