"""A small exchange on loopback: four dialects over one set of candles, and any reply a test puts in their place."""

import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

HOUR = 3_600_000

Row = tuple[int, str, str, str, str, str]
"""Open time, open, high, low, close, base volume, as an exchange writes them."""

COINS = {"BTC": "online", "ETH": "online", "DOGE": "halted"}


@dataclass(frozen=True)
class Canned:
    """A reply in place of the exchange's own. `status` 0 closes the connection without one."""

    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)


def make_rows(count: int, first: int = 1_700_000_000_000 // HOUR * HOUR, missing: range = range(0)) -> list[Row]:
    """Return `count` hourly candles, those numbered in `missing` left out."""
    return [
        (first + i * HOUR, f"{100 + i}.10", f"{101 + i}.70", f"{99 + i}.30", f"{100 + i}.123456", f"{i}.00300")
        for i in range(count)
        if i not in missing
    ]


class StubExchange:
    """Serves `rows` for every symbol, and counts what was asked of it."""

    def __init__(self) -> None:
        self.rows: list[Row] = make_rows(50)
        self.canned: deque[Canned] = deque()
        self.paths: list[str] = []
        self.queries: list[dict[str, str]] = []
        self.connections = 0
        self.endpoint = ""

    def calls_of(self, part: str) -> list[dict[str, str]]:
        """Return the queries of the calls whose path holds `part`."""
        return [query for path, query in zip(self.paths, self.queries, strict=True) if part in path]

    def answer(self, path: str, query: dict[str, str]) -> Any:
        """Return the JSON that the exchange named by the path's first part gives."""
        _, name, *rest = path.split("/")
        return getattr(self, f"_{name}")("/".join(rest), query)

    def _binance(self, path: str, query: dict[str, str]) -> Any:
        if path.endswith("exchangeInfo"):
            return {"symbols": [_binance_market(coin, status) for coin, status in COINS.items()]}
        if path.endswith("klines"):
            start = int(query.get("startTime", 0))
            found = [row for row in self.rows if row[0] >= start][: int(query["limit"])]
            return [[*row, row[0] + HOUR - 1, "0", 1, "0", "0", "0"] for row in found]
        asked = json.loads(query["symbols"]) if "symbols" in query else [f"{coin}USDT" for coin in COINS]
        return [
            {
                "symbol": name, "lastPrice": "101.25", "bidPrice": "101.20", "askPrice": "101.30",
                "closeTime": 1_700_000_000_123, "volume": "5", "quoteVolume": "506.25",
            }
            for name in asked
        ]  # fmt: skip

    def _bybit(self, path: str, query: dict[str, str]) -> Any:
        if path.endswith("instruments-info"):
            listed = [_bybit_market(coin, status) for coin, status in COINS.items()]
        elif path.endswith("kline"):
            listed = _window(self.rows, int(query["start"]), int(query["end"]), int(query["limit"]))
        else:
            listed = [{"symbol": f"{coin}USDT", "lastPrice": "101.25", "bid1Price": "101.20"} for coin in COINS]
        return {"retCode": 0, "retMsg": "OK", "result": {"category": "spot", "list": listed}}

    def _kraken(self, path: str, query: dict[str, str]) -> Any:
        if path.endswith("AssetPairs"):
            return {"error": [], "result": {f"{coin}USDT": _kraken_market(coin, s) for coin, s in COINS.items()}}
        if path.endswith("OHLC"):
            kept = [row for row in self.rows[-720:] if row[0] // 1000 > int(query.get("since", 0))]
            rows = [[row[0] // 1000, *row[1:5], "0", row[5], 3] for row in kept]
            return {"error": [], "result": {query["pair"]: rows, "last": 0}}
        asked = query["pair"].split(",") if "pair" in query else [f"{coin}USDT" for coin in COINS]
        ticker = {"a": ["101.30", "1", "1"], "b": ["101.20", "1", "1"], "c": ["101.25", "1"], "v": ["1", "5"],
                  "p": ["101", "101.25"], "l": ["1", "1"], "h": ["1", "1"], "o": "100"}  # fmt: skip
        return {"error": [], "result": dict.fromkeys(asked, ticker)}

    def _okx(self, path: str, query: dict[str, str]) -> Any:
        if path.endswith("instruments"):
            data: list[Any] = [_okx_market(coin, status) for coin, status in COINS.items()]
        elif path.endswith("candles"):
            data = _window(self.rows, int(query["before"]) + 1, int(query["after"]) - 1, min(int(query["limit"]), 300))
        else:
            data = [
                {"instType": "SPOT", "instId": f"{coin}-USDT", "last": "101.25", "bidPx": "", "askPx": "101.30",
                 "ts": "1700000000123", "vol24h": "5", "volCcy24h": "506.25"} for coin in COINS
            ]  # fmt: skip
        return {"code": "0", "msg": "", "data": data}


@contextmanager
def running_stub() -> Iterator[StubExchange]:
    """Serve a StubExchange until the block ends."""
    stub = StubExchange()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            stub.connections += 1

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(address.query).items()}
            stub.paths.append(address.path)
            stub.queries.append(query)
            canned = stub.canned.popleft() if stub.canned else None
            reply = canned or Canned(200, json.dumps(stub.answer(address.path, query)))
            if reply.status == 0:
                self.close_connection = True
                return
            body = reply.body.encode()
            head = {"Content-Type": "application/json", **reply.headers, "Content-Length": str(len(body))}
            self.send_response(reply.status)
            for name, value in head.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stub.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _window(rows: list[Row], first: int, last: int, limit: int) -> list[Any]:
    """Return the newest `limit` candles of a window of time, newest first, as Bybit and OKX do."""
    inside = [[str(row[0]), *row[1:], "0", "0", "1"] for row in rows if first <= row[0] <= last]
    return inside[::-1][:limit]


def _binance_market(coin: str, status: str) -> dict[str, Any]:
    return {
        "symbol": f"{coin}USDT", "baseAsset": coin, "quoteAsset": "USDT",
        "status": "TRADING" if status == "online" else "BREAK",
        "isSpotTradingAllowed": True, "permissionSets": [["SPOT"]],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01000000"},
            {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000", "stepSize": "0.00001000"},
        ],
    }  # fmt: skip


def _bybit_market(coin: str, status: str) -> dict[str, Any]:
    return {
        "symbol": f"{coin}USDT", "baseCoin": coin, "quoteCoin": "USDT",
        "status": "Trading" if status == "online" else "Closed",
        "lotSizeFilter": {"basePrecision": "0.000001", "minOrderQty": "0.000048"},
        "priceFilter": {"tickSize": "0.00000001"},
    }  # fmt: skip


def _kraken_market(coin: str, status: str) -> dict[str, Any]:
    return {
        "altname": f"{coin}USDT", "wsname": f"{coin}/USDT", "base": coin, "quote": "USDT", "pair_decimals": 5,
        "lot_decimals": 8, "fees": [[0, 0.26]], "fees_maker": [[0, 0.16]], "leverage_buy": [], "leverage_sell": [],
        "ordermin": "0.1", "status": "online" if status == "online" else "cancel_only",
    }  # fmt: skip


def _okx_market(coin: str, status: str) -> dict[str, Any]:
    return {
        "instType": "SPOT", "instId": f"{coin}-USDT", "baseCcy": coin, "quoteCcy": "USDT", "tickSz": "0.1",
        "lotSz": "0.0001", "minSz": "0.001", "state": "live" if status == "online" else "suspend", "listTime": "0",
    }  # fmt: skip
