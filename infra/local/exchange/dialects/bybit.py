"""Bybit's v5 REST API, public part, category spot."""

from collections.abc import Mapping
from typing import Any, ClassVar

from infra.local.exchange.candles import CLOSE, DAY, MINUTE, OPEN, Candles
from infra.local.exchange.dialects.base import (
    Answer,
    Dialect,
    RefusedError,
    Route,
    View,
    amount,
    depth,
    joined,
    price,
    step_of,
    whole,
)
from infra.local.exchange.limits import Budget, Usage
from infra.local.exchange.market import Listing, Summary
from infra.local.exchange.rows import Shape, Window, plain

_LARGEST = 1000
_REFUSALS = {
    "rate_limit": (10006, "Too many visits. Exceeded the API Rate Limit.", 200),
    "ban": (10018, "Exceeded the IP Rate Limit.", 403),
    "region": (10024, "The product or service is not available to you due to regulatory restrictions.", 200),
    "bad_symbol": (10001, "Not supported symbols", 200),
    "bad_interval": (10001, "Invalid period!", 200),
    "bad_value": (10001, "Request parameter error.", 200),
}


class BybitDialect(Dialect):
    """`api.bybit.com`: bare symbols, newest candle first, HTTP 200 with `retCode` for most errors."""

    exchange = "bybit"
    intervals: ClassVar[Mapping[str, int]] = {
        **{str(n): n * MINUTE for n in (1, 3, 5, 15, 30, 60, 120, 240, 360, 720)},
        "D": DAY,
    }
    budget = Budget(weight=600, seconds=5)
    status_path = "/v5/system/status"

    def routes(self) -> Mapping[str, Route]:
        """Return what answers each path."""
        return {
            "/v5/market/time": self._time,
            "/v5/market/instruments-info": self._instruments,
            "/v5/market/kline": self._kline,
            "/v5/market/tickers": self._tickers,
            self.status_path: self._status,
        }

    def market_id(self, listing: Listing) -> str:
        """Return `BTCUSDT`."""
        return listing.base + listing.quote

    def limit_headers(self, usage: Usage, now: int) -> Mapping[str, str]:
        """Return what is left of the window, and when it ends."""
        return {
            "X-Bapi-Limit": str(usage.limit),
            "X-Bapi-Limit-Status": str(max(0, usage.limit - usage.used)),
            "X-Bapi-Limit-Reset-Timestamp": str(now + round(usage.reset_seconds * 1000)),
        }

    def refusal(self, kind: str, retry_after: float | None, now: int) -> Answer:
        """Return how Bybit says no."""
        headers = {"Retry_After": str(round(retry_after))} if retry_after else {}
        if kind == "maintenance":
            return Answer.page("503 Service Temporarily Unavailable", 503, **headers)
        if kind == "bad_path":
            return Answer.page("404 Not found", 404)
        code, text, status = _REFUSALS[kind]
        if kind in ("rate_limit", "ban"):
            headers["X_Bapi_Limit_Reset_Timestamp"] = str(now + round((retry_after or 5) * 1000))
        return Answer.of(_envelope(code, text, {}, now), status, **headers)

    def write_rows(self, candles: Candles, shape: Shape) -> list[str]:
        """Return klines: start time, prices, volume, turnover, all as texts."""
        digits = shape.price_decimals
        typical = candles.values[:, OPEN : CLOSE + 1].mean(axis=1).tolist()
        return [
            f'["{t}","{o:.{digits}f}","{h:.{digits}f}","{low:.{digits}f}",'
            f'"{c:.{digits}f}","{plain(v)}","{v * mean:.8f}"]'
            for t, (o, h, low, c, v), mean in zip(candles.times.tolist(), candles.values.tolist(), typical, strict=True)
        ]

    def _time(self, _query: Mapping[str, str], view: View) -> Answer:
        result = {"timeSecond": str(view.now // 1000), "timeNano": str(view.now * 1_000_000)}
        return Answer.of(_envelope(0, "OK", result, view.now))

    def _status(self, _query: Mapping[str, str], view: View) -> Answer:
        notice = {"id": "1", "title": "Maintenance", "state": "ongoing", "begin": str(view.now), "end": "", "href": ""}
        return Answer.of(_envelope(0, "", {"list": [notice] if view.maintenance else []}, view.now))

    def _instruments(self, query: Mapping[str, str], view: View) -> Answer:
        spot = _is_spot(query)
        listed = [self._instrument(listing) for listing in self.listings(view)] if spot else []
        return Answer.of(_envelope(0, "OK", {"category": query.get("category"), "list": listed}, view.now))

    def _instrument(self, listing: Listing) -> dict[str, Any]:
        lot = step_of(listing.amount_decimals)
        return {
            "symbol": self.market_id(listing),
            "baseCoin": listing.base,
            "quoteCoin": listing.quote,
            "innovation": "0",
            "status": "Trading" if listing.active else "Closed",
            "marginTrading": "none",
            "lotSizeFilter": {
                "basePrecision": lot,
                "quotePrecision": "0.00000001",
                "minOrderQty": lot,
                "maxOrderQty": "92141578",
                "minOrderAmt": "1",
                "maxOrderAmt": "4000000",
            },
            "priceFilter": {"tickSize": step_of(listing.price_decimals)},
        }

    def _kline(self, query: Mapping[str, str], view: View) -> Answer:
        if not _is_spot(query):
            raise RefusedError("bad_symbol")
        listing, step = self.find(query.get("symbol"), view), self.step(query.get("interval"))
        limit = min(whole(query, "limit", 200), _LARGEST)
        if limit < 1:
            raise RefusedError("bad_value")
        first, last = whole(query, "start", 0), whole(query, "end", view.now)
        newest = "start" not in query or "end" in query
        rows = self.rows(listing, Window(step, first, last, limit, newest), view)
        head = f'{{"retCode":0,"retMsg":"OK","result":{{"category":"spot","symbol":"{self.market_id(listing)}","list":'
        return Answer(f'{head}{joined(rows[::-1])}}},"retExtInfo":{{}},"time":{view.now}}}'.encode())

    def _tickers(self, query: Mapping[str, str], view: View) -> Answer:
        if not _is_spot(query):
            found = []
        elif "symbol" in query:
            summary = self.summary(self.find(query["symbol"], view), view)
            found = [summary] if summary else []
        else:
            found = self.summaries(view)
        tickers = [self._ticker(summary) for summary in found if summary.listing.active]
        result = {"category": query.get("category"), "list": tickers}
        return Answer.of(_envelope(0, "OK", result, view.now))

    def _ticker(self, summary: Summary) -> dict[str, Any]:
        listing = summary.listing
        return {
            "symbol": self.market_id(listing),
            "bid1Price": price(summary.bid, listing),
            "bid1Size": amount(depth(summary), listing),
            "ask1Price": price(summary.ask, listing),
            "ask1Size": amount(depth(summary), listing),
            "lastPrice": price(summary.last, listing),
            "prevPrice24h": price(summary.open, listing),
            "price24hPcnt": f"{summary.last / summary.open - 1:.4f}",
            "highPrice24h": price(summary.high, listing),
            "lowPrice24h": price(summary.low, listing),
            "turnover24h": f"{summary.quote_volume:.4f}",
            "volume24h": amount(summary.volume, listing),
        }


def _is_spot(query: Mapping[str, str]) -> bool:
    return query.get("category") == "spot"


def _envelope(code: int, text: str, result: dict[str, Any], now: int) -> dict[str, Any]:
    return {"retCode": code, "retMsg": text, "result": result, "retExtInfo": {}, "time": now}
