"""Binance's spot REST API, public part."""

import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from infra.local.exchange.candles import CLOSE, DAY, HOUR, MINUTE, OPEN, Candles
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

_WEIGHTS = {"/api/v3/exchangeInfo": 20, "/api/v3/klines": 2, "/api/v3/ticker/24hr": 80, "/api/v3/ticker/bookTicker": 4}
_LARGEST = 1000
_CURRENCY_DECIMALS = 8


class BinanceDialect(Dialect):
    """`api.binance.com`: bare symbols (`BTCUSDT`), weights, 429 then 418, errors as `{"code", "msg"}`."""

    exchange = "binance"
    intervals: ClassVar[Mapping[str, int]] = {
        **{f"{n}m": n * MINUTE for n in (1, 3, 5, 15, 30)},
        **{f"{n}h": n * HOUR for n in (1, 2, 4, 6, 8, 12)},
        "1d": DAY,
    }
    budget = Budget(weight=6000, seconds=60)
    status_path = "/sapi/v1/system/status"

    def routes(self) -> Mapping[str, Route]:
        """Return what answers each path."""
        return {
            "/api/v3/ping": lambda _query, _view: Answer.of({}),
            "/api/v3/time": lambda _query, view: Answer.of({"serverTime": view.now}),
            "/api/v3/exchangeInfo": self._exchange_info,
            "/api/v3/klines": self._klines,
            "/api/v3/ticker/24hr": lambda query, view: self._tickers(query, view, _day_ticker),
            "/api/v3/ticker/bookTicker": lambda query, view: self._tickers(query, view, _book_ticker),
            "/api/v3/ticker/price": lambda query, view: self._tickers(query, view, _price_ticker),
            self.status_path: self._status,
        }

    def market_id(self, listing: Listing) -> str:
        """Return `BTCUSDT`."""
        return listing.base + listing.quote

    def weight(self, path: str, query: Mapping[str, str]) -> int:
        """Return the documented weight of a request."""
        if path == "/api/v3/ticker/24hr" and "symbol" in query:
            return 2
        return _WEIGHTS.get(path, 1)

    def limit_headers(self, usage: Usage, now: int) -> Mapping[str, str]:  # noqa: ARG002 - tells no time
        """Return the weight used in this minute."""
        return {"X-MBX-USED-WEIGHT": str(usage.used), "X-MBX-USED-WEIGHT-1M": str(usage.used)}

    def refusal(self, kind: str, retry_after: float | None, now: int) -> Answer:
        """Return how Binance says no."""
        seconds = str(round(retry_after or (120 if kind == "ban" else 30)))
        if kind == "rate_limit":
            text = f"Too much request weight used; current limit is {self.budget.weight} request weight per 1 MINUTE."
            return _error(-1003, f"{text} Please use WebSocket Streams for live updates.", 429, Retry_After=seconds)
        if kind == "ban":
            text = f"Way too much request weight used; IP banned until {now + int(seconds) * 1000}."
            return _error(-1003, f"{text} Please use WebSocket Streams.", 418, Retry_After=seconds)
        if kind == "maintenance":
            return _error(1, "System is under maintenance.", 503)
        if kind == "region":
            text = "Service unavailable from a restricted location according to 'b. Eligibility' in the terms of use."
            return _error(0, text, 451)
        if kind == "bad_path":
            return Answer.page("404 Not found", 404)
        code, text = {
            "bad_symbol": (-1121, "Invalid symbol."),
            "bad_interval": (-1120, "Invalid interval."),
            "bad_value": (-1100, "Illegal characters found in a parameter."),
        }[kind]
        return _error(code, text, 400)

    def write_rows(self, candles: Candles, shape: Shape) -> list[str]:
        """Return klines: open time, prices, volume, close time, quote volume, trades, taker volumes, `0`."""
        digits = max(shape.price_decimals, _CURRENCY_DECIMALS)
        typical = candles.values[:, OPEN : CLOSE + 1].mean(axis=1).tolist()
        return [
            f'[{t},"{o:.{digits}f}","{h:.{digits}f}","{low:.{digits}f}","{c:.{digits}f}","{plain(v)}",'
            f'{t + shape.step_ms - 1},"{v * mean:.8f}",{int(v * mean / 900) + (v > 0)},'
            f'"{v / 2:.8f}","{v * mean / 2:.8f}","0"]'
            for t, (o, h, low, c, v), mean in zip(candles.times.tolist(), candles.values.tolist(), typical, strict=True)
        ]

    def _status(self, _query: Mapping[str, str], view: View) -> Answer:
        return Answer.of(
            {"status": 1, "msg": "system maintenance"} if view.maintenance else {"status": 0, "msg": "normal"}
        )

    def _exchange_info(self, _query: Mapping[str, str], view: View) -> Answer:
        limit = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": self.budget.weight}
        return Answer.of(
            {
                "timezone": "UTC",
                "serverTime": view.now,
                "rateLimits": [limit],
                "exchangeFilters": [],
                "symbols": [self._symbol_info(listing) for listing in self.listings(view)],
            }
        )

    def _symbol_info(self, listing: Listing) -> dict[str, Any]:
        tick, lot = step_of(listing.price_decimals), step_of(listing.amount_decimals)
        return {
            "symbol": self.market_id(listing),
            "status": "TRADING" if listing.active else "BREAK",
            "baseAsset": listing.base,
            "baseAssetPrecision": _CURRENCY_DECIMALS,
            "quoteAsset": listing.quote,
            "quotePrecision": _CURRENCY_DECIMALS,
            "quoteAssetPrecision": _CURRENCY_DECIMALS,
            "orderTypes": ["LIMIT", "MARKET"],
            "isSpotTradingAllowed": True,
            "isMarginTradingAllowed": False,
            "filters": [
                {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000.00000000", "tickSize": tick},
                {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": "92141578.00000000", "stepSize": lot},
                {"filterType": "NOTIONAL", "minNotional": "5.00000000", "maxNotional": "9000000.00000000"},
            ],
            "permissions": [],
            "permissionSets": [["SPOT"]],
        }

    def _klines(self, query: Mapping[str, str], view: View) -> Answer:
        listing, step = self.find(query.get("symbol"), view), self.step(query.get("interval"))
        limit = min(whole(query, "limit", 500), _LARGEST)
        if limit < 1:
            raise RefusedError("bad_value")
        first, last = whole(query, "startTime", 0), whole(query, "endTime", view.now)
        window = Window(step, first, last, limit, newest="startTime" not in query)
        return Answer(joined(self.rows(listing, window, view)).encode())

    def _tickers(self, query: Mapping[str, str], view: View, write: Callable[[str, Summary], dict[str, Any]]) -> Answer:
        if "symbol" in query:
            listing = self.find(query["symbol"], view)
            summary = self.summary(listing, view)
            return Answer.of(write(self.market_id(listing), summary) if summary else {})
        if "symbols" not in query:
            return Answer.of([write(self.market_id(found.listing), found) for found in self.summaries(view)])
        try:
            wanted = json.loads(query["symbols"])
        except ValueError as e:
            raise RefusedError("bad_value") from e
        found = [self.summary(self.find(market_id, view), view) for market_id in wanted]
        return Answer.of([write(self.market_id(one.listing), one) for one in found if one])


def _error(code: int, text: str, status: int, **headers: str) -> Answer:
    return Answer.of({"code": code, "msg": text}, status, **headers)


def _day_ticker(market_id: str, summary: Summary) -> dict[str, Any]:
    listing = summary.listing
    average = summary.quote_volume / summary.volume if summary.volume else summary.last
    size = amount(depth(summary) if listing.active else 0.0, listing)
    return {
        "symbol": market_id,
        "priceChange": price(summary.last - summary.open, listing),
        "priceChangePercent": f"{100 * (summary.last / summary.open - 1):.3f}",
        "weightedAvgPrice": price(average, listing),
        "prevClosePrice": price(summary.open, listing),
        "lastPrice": price(summary.last, listing),
        "lastQty": size,
        "bidPrice": price(summary.bid, listing),
        "bidQty": size,
        "askPrice": price(summary.ask, listing),
        "askQty": size,
        "openPrice": price(summary.open, listing),
        "highPrice": price(summary.high, listing),
        "lowPrice": price(summary.low, listing),
        "volume": amount(summary.volume, listing),
        "quoteVolume": f"{summary.quote_volume:.8f}",
        "openTime": summary.time - DAY,
        "closeTime": summary.time,
        "firstId": 1,
        "lastId": 1 + int(summary.quote_volume / 900),
        "count": 1 + int(summary.quote_volume / 900),
    }


def _book_ticker(market_id: str, summary: Summary) -> dict[str, Any]:
    whole_ticker = _day_ticker(market_id, summary)
    return {name: whole_ticker[name] for name in ("symbol", "bidPrice", "bidQty", "askPrice", "askQty")}


def _price_ticker(market_id: str, summary: Summary) -> dict[str, Any]:
    return {"symbol": market_id, "price": price(summary.last, summary.listing)}
