"""What the exchanges' dialects share: requests, answers, and how a request finds its symbol, interval and candles."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from infra.local.exchange.candles import DAY, Candles
from infra.local.exchange.limits import Budget, Usage
from infra.local.exchange.market import Listing, Market, Summary
from infra.local.exchange.rows import RowStore, Shape, Spike, Window

JSON = "application/json;charset=UTF-8"
HTML = "text/html; charset=UTF-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    body: bytes
    status: int = 200
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, value: object, status: int = 200, **headers: str) -> "Answer":
        """Return `value` as JSON; in header names `_` stands for `-`."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return cls(json.dumps(value, separators=(",", ":")).encode(), status, JSON, named)

    @classmethod
    def page(cls, title: str, status: int, **headers: str) -> "Answer":
        """Return the HTML page that a load balancer shows in place of the exchange."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return cls(f"<html><head><title>{title}</title></head></html>".encode(), status, HTML, named)


class RefusedError(Exception):
    """A request that the exchange refuses; `kind` is `bad_symbol`, `bad_interval`, `bad_value` or `bad_path`."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class View:
    """What one request sees of the world. Times are epoch ms.

    `now` is the market's time, `data_now` what the market data is as of: earlier where prices are frozen. `spike_of`
    and `is_bad` ask the faults about a symbol.
    """

    now: int
    data_now: int
    maintenance: bool
    spike_of: Callable[[str], Spike | None]
    is_bad: Callable[[str], bool]


Route = Callable[[Mapping[str, str], View], Answer]
"""(query, view) -> answer."""


class Dialect(ABC):
    """One exchange's public REST dialect, over one market."""

    exchange: ClassVar[str]
    intervals: ClassVar[Mapping[str, int]]
    budget: ClassVar[Budget]
    status_path: ClassVar[str]

    def __init__(self, market: Market) -> None:
        self.market = market
        self.row_store = RowStore(market, self.exchange, self.write_rows)
        self._routes = self.routes()

    @abstractmethod
    def routes(self) -> Mapping[str, Route]:
        """Return what answers each path."""

    @abstractmethod
    def market_id(self, listing: Listing) -> str:
        """Return the exchange's own name of a symbol."""

    @abstractmethod
    def write_rows(self, candles: Candles, shape: Shape) -> list[str]:
        """Return one JSON text per candle."""

    @abstractmethod
    def refusal(self, kind: str, retry_after: float | None, now: int) -> Answer:
        """Return how the exchange says no.

        `kind` is one of a fault's (`rate_limit`, `ban`, `maintenance`, `region`) or of a RefusedError's; `retry_after`
        the seconds to wait, None where the exchange's own habit decides.
        """

    def weight(self, path: str, query: Mapping[str, str]) -> int:  # noqa: ARG002 - some weigh by these
        """Return what a request takes from the budget."""
        return 1

    def limit_headers(self, usage: Usage, now: int) -> Mapping[str, str]:  # noqa: ARG002 - some tell the time
        """Return the headers that tell how much of the budget is used."""
        return {}

    def respond(self, path: str, query: Mapping[str, str], view: View) -> Answer:
        """Answer a request."""
        route = self._routes.get(path)
        if route is None:
            return self.refusal("bad_path", None, view.now)
        try:
            return route(query, view)
        except RefusedError as e:
            return self.refusal(e.kind, None, view.now)

    def listings(self, view: View) -> list[Listing]:
        """Return what is listed, halted and freshly delisted symbols included."""
        return list(self.market.listings(self.exchange, view.data_now).values())

    def find(self, market_id: str | None, view: View) -> Listing:
        """Return the listing with the exchange's own name `market_id`; raise RefusedError if there is none."""
        for listing in self.market.listings(self.exchange, view.data_now).values():
            if self.market_id(listing) == market_id:
                if view.is_bad(listing.symbol):
                    break
                return listing
        raise RefusedError("bad_symbol")

    def step(self, interval: str | None) -> int:
        """Return the length (ms) of an interval; raise RefusedError if the exchange or the market's data has none."""
        step = self.intervals.get(interval or "")
        if step is None or step % self.market.base_step or DAY % step:
            raise RefusedError("bad_interval")
        return step

    def rows(self, listing: Listing, window: Window, view: View) -> list[str]:
        """Return the candles of a window as JSON texts, oldest first."""
        return self.row_store.rows(listing, window, view.data_now, view.spike_of(listing.symbol))

    def summaries(self, view: View) -> list[Summary]:
        """Return the last 24 hours of every symbol that ever traded."""
        found = (self.summary(listing, view) for listing in self.listings(view))
        return [summary for summary in found if summary]

    def summary(self, listing: Listing, view: View) -> Summary | None:
        """Return the last 24 hours of a symbol, or None if it never traded."""
        summary = self.market.summary(self.exchange, listing.symbol, view.data_now)
        if summary is None:
            return None
        spike = view.spike_of(listing.symbol)
        factor = spike.factor if spike else 1.0
        return replace(
            summary,
            time=view.data_now,
            last=summary.last * factor,
            bid=summary.bid * factor,
            ask=summary.ask * factor,
            high=max(summary.high, summary.last * factor),
            low=min(summary.low, summary.last * factor),
        )


def whole(query: Mapping[str, str], name: str, default: int) -> int:
    """Return a whole number from the query; raise RefusedError if it is none."""
    text = query.get(name)
    if not text:
        return default
    try:
        return int(text)
    except ValueError as e:
        raise RefusedError("bad_value") from e


def price(value: float, listing: Listing) -> str:
    """Return a price on the listing's step."""
    return f"{value:.{listing.price_decimals}f}"


def amount(value: float, listing: Listing) -> str:
    """Return an amount on the listing's step."""
    return f"{value:.{listing.amount_decimals}f}"


def step_of(decimals: int) -> str:
    """Return the smallest difference of values with `decimals` decimals: 2 -> `0.01`."""
    return f"{10.0**-decimals:.{decimals}f}"


def joined(rows: list[str]) -> str:
    """Return rows as one JSON list."""
    return f"[{','.join(rows)}]"


def depth(summary: Summary) -> float:
    """Return a plausible base amount at the best price: what is traded in a second or two."""
    return max(summary.volume / 50_000, 10.0**-summary.listing.amount_decimals)
