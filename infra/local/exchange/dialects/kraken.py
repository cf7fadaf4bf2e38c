"""Kraken's spot REST API, public part."""

from collections.abc import Mapping
from typing import Any, ClassVar

from infra.local.exchange.candles import CLOSE, MINUTE, OPEN, Candles
from infra.local.exchange.dialects.base import (
    Answer,
    Dialect,
    Route,
    View,
    amount,
    depth,
    joined,
    price,
    whole,
)
from infra.local.exchange.limits import Budget
from infra.local.exchange.market import Listing, Summary
from infra.local.exchange.rows import Shape, Window, plain

_LARGEST = 720
_OWN_NAMES = {"BTC": "XBT", "DOGE": "XDG"}
_OLD_ASSETS = {"XBT", "XDG", "ETH", "XRP", "LTC", "ETC", "XLM", "XMR", "ZEC", "MLN"}
_REFUSALS = {
    "rate_limit": "EAPI:Rate limit exceeded",
    "ban": "EGeneral:Temporary lockout",
    "maintenance": "EService:Unavailable",
    "region": "EGeneral:Permission denied",
    "bad_symbol": "EQuery:Unknown asset pair",
    "bad_interval": "EGeneral:Invalid arguments",
    "bad_value": "EGeneral:Invalid arguments",
    "bad_path": "EGeneral:Unknown method",
}


class KrakenDialect(Dialect):
    """`api.kraken.com`: names of its own (`XBTUSDT`), at most 720 candles however old, every error with HTTP 200."""

    exchange = "kraken"
    intervals: ClassVar[Mapping[str, int]] = {str(n): n * MINUTE for n in (1, 5, 15, 30, 60, 240, 1440)}
    budget = Budget(weight=60, seconds=60)
    status_path = "/0/public/SystemStatus"

    def routes(self) -> Mapping[str, Route]:
        """Return what answers each path."""
        return {
            "/0/public/Time": lambda _query, view: _result({"unixtime": view.now // 1000, "rfc1123": ""}),
            "/0/public/Assets": self._assets,
            "/0/public/AssetPairs": self._pairs,
            "/0/public/OHLC": self._ohlc,
            "/0/public/Ticker": self._tickers,
            self.status_path: self._status,
        }

    def market_id(self, listing: Listing) -> str:
        """Return `XBTUSDT`."""
        return _OWN_NAMES.get(listing.base, listing.base) + listing.quote

    def refusal(self, kind: str, retry_after: float | None, now: int) -> Answer:  # noqa: ARG002 - tells no time
        """Return how Kraken says no."""
        headers = {"Retry_After": str(round(retry_after))} if retry_after else {}
        return Answer.of({"error": [_REFUSALS[kind]]}, 200, **headers)

    def write_rows(self, candles: Candles, shape: Shape) -> list[str]:
        """Return rows: time in seconds, prices, volume-weighted average, volume, trades."""
        digits = shape.price_decimals
        typical = candles.values[:, OPEN : CLOSE + 1].mean(axis=1).tolist()
        return [
            f'[{t // 1000},"{o:.{digits}f}","{h:.{digits}f}","{low:.{digits}f}",'
            f'"{c:.{digits}f}","{mean:.{digits}f}","{plain(v)}",{int(v * mean / 900) + (v > 0)}]'
            for t, (o, h, low, c, v), mean in zip(candles.times.tolist(), candles.values.tolist(), typical, strict=True)
        ]

    def _status(self, _query: Mapping[str, str], view: View) -> Answer:
        return _result({"status": "maintenance" if view.maintenance else "online", "timestamp": ""})

    def _assets(self, _query: Mapping[str, str], view: View) -> Answer:
        names = {_asset(listing.base): listing.amount_decimals for listing in self.listings(view)} | {"USDT": 8}
        return _result(
            {
                name: {
                    "aclass": "currency",
                    "altname": name[1:] if name[1:] in _OLD_ASSETS else name,
                    "decimals": decimals,
                    "display_decimals": min(5, decimals),
                    "status": "enabled",
                }
                for name, decimals in names.items()
            }
        )

    def _pairs(self, _query: Mapping[str, str], view: View) -> Answer:
        return _result({self.market_id(listing): self._pair(listing) for listing in self.listings(view)})

    def _pair(self, listing: Listing) -> dict[str, Any]:
        name = _OWN_NAMES.get(listing.base, listing.base)
        return {
            "altname": self.market_id(listing),
            "wsname": f"{name}/{listing.quote}",
            "aclass_base": "currency",
            "base": _asset(listing.base),
            "aclass_quote": "currency",
            "quote": listing.quote,
            "lot": "unit",
            "cost_decimals": 8,
            "pair_decimals": listing.price_decimals,
            "lot_decimals": listing.amount_decimals,
            "lot_multiplier": 1,
            "leverage_buy": [],
            "leverage_sell": [],
            "fees": [[0, 0.4]],
            "fees_maker": [[0, 0.25]],
            "ordermin": f"{10.0**-listing.amount_decimals:.{listing.amount_decimals}f}",
            "costmin": "0.5",
            "tick_size": f"{10.0**-listing.price_decimals:.{listing.price_decimals}f}",
            "status": "online" if listing.active else "cancel_only",
        }

    def _ohlc(self, query: Mapping[str, str], view: View) -> Answer:
        listing, step = self.find(query.get("pair"), view), self.step(query.get("interval", "1"))
        since = whole(query, "since", 0) * 1000
        rows = self.rows(listing, Window(step, since + 1, view.now, _LARGEST, newest=True), view)
        last = (view.data_now // step - 1) * step // 1000
        return Answer(f'{{"error":[],"result":{{"{self.market_id(listing)}":{joined(rows)},"last":{last}}}}}'.encode())

    def _tickers(self, query: Mapping[str, str], view: View) -> Answer:
        if "pair" in query:
            listings = [self.find(market_id, view) for market_id in query["pair"].split(",")]
            found = [summary for listing in listings if (summary := self.summary(listing, view))]
        else:
            found = self.summaries(view)
        return _result({self.market_id(summary.listing): _ticker(summary) for summary in found})


def _asset(base: str) -> str:
    name = _OWN_NAMES.get(base, base)
    return f"X{name}" if name in _OLD_ASSETS else name


def _result(result: dict[str, Any]) -> Answer:
    return Answer.of({"error": [], "result": result})


def _ticker(summary: Summary) -> dict[str, Any]:
    listing = summary.listing
    average = summary.quote_volume / summary.volume if summary.volume else summary.last
    size, trades = amount(depth(summary), listing), int(summary.quote_volume / 900)
    return {
        "a": [price(summary.ask, listing), str(int(depth(summary))), size],
        "b": [price(summary.bid, listing), str(int(depth(summary))), size],
        "c": [price(summary.last, listing), size],
        "v": [amount(summary.volume, listing)] * 2,
        "p": [price(average, listing)] * 2,
        "t": [trades] * 2,
        "l": [price(summary.low, listing)] * 2,
        "h": [price(summary.high, listing)] * 2,
        "o": price(summary.open, listing),
    }
