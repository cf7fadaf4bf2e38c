"""OKX's v5 REST API, public part, instrument type SPOT."""

from collections.abc import Mapping
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
from infra.local.exchange.limits import Budget
from infra.local.exchange.market import Listing, Summary
from infra.local.exchange.rows import Shape, Window, plain

_LARGEST = 300
_REFUSALS = {
    "rate_limit": ("50011", "Too Many Requests", 429),
    "ban": ("50011", "Too Many Requests. This address is blocked for a while.", 429),
    "maintenance": ("50001", "Service temporarily unavailable. Please try again later", 503),
    "region": ("51155", "You can't trade this pair due to local compliance restrictions.", 451),
    "bad_symbol": ("51001", "Instrument ID does not exist", 200),
    "bad_interval": ("51000", "Parameter bar error", 400),
    "bad_value": ("51000", "Parameter error", 400),
    "bad_path": ("404", "Not Found", 404),
}


class OkxDialect(Dialect):
    """`www.okx.com`: dashed symbols (`BTC-USDT`), newest candle first, `{"code", "msg", "data"}`."""

    exchange = "okx"
    intervals: ClassVar[Mapping[str, int]] = {
        **{f"{n}m": n * MINUTE for n in (1, 3, 5, 15, 30)},
        **{f"{n}H": n * HOUR for n in (1, 2, 4)},
        **{f"{n}Hutc": n * HOUR for n in (6, 12)},
        "1Dutc": DAY,
    }
    budget = Budget(weight=40, seconds=2)
    status_path = "/api/v5/system/status"

    def routes(self) -> Mapping[str, Route]:
        """Return what answers each path."""
        return {
            "/api/v5/public/time": lambda _query, view: _data([{"ts": str(view.now)}]),
            "/api/v5/public/instruments": self._instruments,
            "/api/v5/market/candles": self._candles,
            "/api/v5/market/history-candles": self._candles,
            "/api/v5/market/tickers": self._tickers,
            "/api/v5/market/ticker": self._one_ticker,
            self.status_path: self._status,
        }

    def market_id(self, listing: Listing) -> str:
        """Return `BTC-USDT`."""
        return f"{listing.base}-{listing.quote}"

    def refusal(self, kind: str, retry_after: float | None, now: int) -> Answer:  # noqa: ARG002 - tells no time
        """Return how OKX says no."""
        headers = {"Retry_After": str(round(retry_after))} if retry_after else {}
        code, text, status = _REFUSALS[kind]
        return Answer.of({"code": code, "msg": text, "data": []}, status, **headers)

    def write_rows(self, candles: Candles, shape: Shape) -> list[str]:
        """Return rows: time, prices, base volume, quote volume twice, whether the candle is confirmed, all as texts."""
        digits = shape.price_decimals
        typical = candles.values[:, OPEN : CLOSE + 1].mean(axis=1).tolist()
        return [
            f'["{t}","{o:.{digits}f}","{h:.{digits}f}","{low:.{digits}f}",'
            f'"{c:.{digits}f}","{plain(v)}","{v * mean:.8f}","{v * mean:.8f}","{int(shape.closed)}"]'
            for t, (o, h, low, c, v), mean in zip(candles.times.tolist(), candles.values.tolist(), typical, strict=True)
        ]

    def _status(self, _query: Mapping[str, str], view: View) -> Answer:
        notice = {"title": "Maintenance", "state": "ongoing", "begin": str(view.now), "end": "", "href": ""}
        return _data([notice] if view.maintenance else [])

    def _instruments(self, query: Mapping[str, str], view: View) -> Answer:
        return _data([self._instrument(listing) for listing in self.listings(view)] if _is_spot(query) else [])

    def _instrument(self, listing: Listing) -> dict[str, Any]:
        lot = step_of(listing.amount_decimals)
        return {
            "instType": "SPOT",
            "instId": self.market_id(listing),
            "baseCcy": listing.base,
            "quoteCcy": listing.quote,
            "settleCcy": "",
            "uly": "",
            "instFamily": "",
            "category": "1",
            "listTime": str(listing.listed_ms),
            "expTime": "",
            "lever": "",
            "tickSz": step_of(listing.price_decimals),
            "lotSz": lot,
            "minSz": lot,
            "maxLmtSz": "9999999999",
            "maxMktSz": "1000000",
            "state": "live" if listing.active else "suspend",
        }

    def _candles(self, query: Mapping[str, str], view: View) -> Answer:
        listing, step = self.find(query.get("instId"), view), self.step(query.get("bar", "1m"))
        limit = min(whole(query, "limit", 100), _LARGEST)
        if limit < 1:
            raise RefusedError("bad_value")
        first, last = whole(query, "before", -1) + 1, whole(query, "after", view.now + 1) - 1
        rows = self.rows(listing, Window(step, first, last, limit, newest=True), view)
        return Answer(f'{{"code":"0","msg":"","data":{joined(rows[::-1])}}}'.encode())

    def _tickers(self, query: Mapping[str, str], view: View) -> Answer:
        found = self.summaries(view) if _is_spot(query) else []
        return _data([self._ticker(summary) for summary in found if summary.listing.active])

    def _one_ticker(self, query: Mapping[str, str], view: View) -> Answer:
        summary = self.summary(self.find(query.get("instId"), view), view)
        return _data([self._ticker(summary)] if summary else [])

    def _ticker(self, summary: Summary) -> dict[str, Any]:
        listing = summary.listing
        size = amount(depth(summary), listing)
        return {
            "instType": "SPOT",
            "instId": self.market_id(listing),
            "last": price(summary.last, listing),
            "lastSz": size,
            "askPx": price(summary.ask, listing),
            "askSz": size,
            "bidPx": price(summary.bid, listing),
            "bidSz": size,
            "open24h": price(summary.open, listing),
            "high24h": price(summary.high, listing),
            "low24h": price(summary.low, listing),
            "volCcy24h": f"{summary.quote_volume:.8f}",
            "vol24h": amount(summary.volume, listing),
            "ts": str(summary.time),
        }


def _is_spot(query: Mapping[str, str]) -> bool:
    return query.get("instType") == "SPOT"


def _data(data: list[dict[str, Any]]) -> Answer:
    return Answer.of({"code": "0", "msg": "", "data": data})
