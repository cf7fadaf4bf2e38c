"""The market behind the exchanges: what a tape (simulated or recorded) holds, as it may be known at a moment.

A tape knows the whole path of every symbol. A `Market` shows of it what is over at `now`, plus the open price of the
base candle that runs at `now`, which is the price at that moment: nothing later than `now` can leak from here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from infra.local.exchange.candles import CLOSE, DAY, HIGH, HOUR, LOW, OPEN, VOLUME, Candles, aggregate

HOME_EXCHANGE = "binance"
EXCHANGES = (HOME_EXCHANGE, "bybit", "kraken", "okx")


@dataclass(frozen=True, slots=True)
class Listing:
    """A symbol as one exchange lists it at one moment. `half_spread` is a share of the price."""

    symbol: str
    active: bool
    price_decimals: int
    amount_decimals: int
    half_spread: float
    listed_ms: int

    @property
    def base(self) -> str:
        """The currency that is traded."""
        return self.symbol.partition("/")[0]

    @property
    def quote(self) -> str:
        """The currency that pays for it."""
        return self.symbol.partition("/")[2]


@dataclass(frozen=True, slots=True)
class MarketEvent:
    """A halt, delisting, listing or outage: what a runner may want its span to hold. Times are epoch ms."""

    kind: str
    symbol: str | None
    exchange: str | None
    start_ms: int
    end_ms: int | None


@dataclass(frozen=True, slots=True)
class Summary:
    """One symbol on one exchange at one moment, over the last 24 hours: what a ticker shows.

    Prices are in quote currency, `volume` in base and `quote_volume` in quote currency. `bid` and `ask` are 0 where
    trading is halted.
    """

    listing: Listing
    time: int
    last: float
    bid: float
    ask: float
    open: float
    high: float
    low: float
    volume: float
    quote_volume: float


class Tape(Protocol):
    """The whole path of a market, past and future.

    Attributes
    ----------
    source : str
        `simulated`, or the file or folder.
    symbols : tuple of str
        Every symbol that the home exchange lists at some time.
    base_step : int
        Length (ms) of the shortest candles; only multiples of it can be served.
    span_ms : tuple of int
        Open times (epoch ms) of the first and the last base candle.
    """

    source: str
    symbols: tuple[str, ...]
    base_step: int
    span_ms: tuple[int, int]

    def listings(self, exchange: str, now: int) -> Sequence[Listing]:
        """Return what `exchange` lists at `now`, in a fixed order, halted and freshly delisted symbols as inactive."""
        ...

    def candles(self, exchange: str, symbol: str, first_open: int, last_open: int) -> Candles:
        """Return the base candles whose open times lie in [`first_open`, `last_open`] (epoch ms), as published."""
        ...

    def events(self, first: int, last: int) -> list[MarketEvent]:
        """Return what happens to symbols and exchanges in [`first`, `last`] (epoch ms)."""
        ...


def chunk_length(step_ms: int) -> int:
    """Return the length (ms) of the chunks in which candles of `step_ms` are made and kept: a day, or eight."""
    return DAY if step_ms < HOUR else 8 * DAY


class Market:
    """A tape, seen at a moment. Every `now` is in epoch ms; times and prices are as in `Candles`."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self.source = tape.source
        self.symbols = tape.symbols
        self.span_ms = tape.span_ms
        self.base_step = tape.base_step
        # Two caches: a day of minutes is 70 kB, a chunk of hours 9 kB, and neither may push the other out.
        self._base_chunk = lru_cache(maxsize=1500)(self._make_chunk)
        self._longer_chunk = lru_cache(maxsize=6000)(self._make_chunk)
        self._listings = lru_cache(maxsize=64)(self._make_listings)
        self._summary = lru_cache(maxsize=1000)(self._make_summary)

    def events(self, first: int, last: int) -> list[MarketEvent]:
        """Return the halts, outages, listings and delistings that touch [`first`, `last`] (epoch ms)."""
        return self._tape.events(first, last)

    def listings(self, exchange: str, now: int) -> dict[str, Listing]:
        """Return what `exchange` lists at `now`, by symbol."""
        return self._listings(exchange, now - now % self.base_step)

    def chunk(self, exchange: str, symbol: str, step_ms: int, number: int) -> Candles:
        """Return chunk `number` of the candles of `step_ms`, past and future: callers cut off what is not over."""
        kept = self._base_chunk if step_ms == self.base_step else self._longer_chunk
        return kept(exchange, symbol, step_ms, number)

    def candles(self, exchange: str, symbol: str, step_ms: int, span: tuple[int, int], now: int) -> Candles:
        """Return the candles of a span as known at `now`, the one that is still open included.

        `step_ms` must be a multiple of `base_step` that divides a day. The span is given by its first and last open
        times, both included.
        """
        first_open, last_open = span
        length = chunk_length(step_ms)
        last_closed = min(last_open, now - step_ms)
        parts = [
            self.chunk(exchange, symbol, step_ms, number).between(first_open, last_closed)
            for number in range(first_open // length, last_closed // length + 1)
        ]
        running = self.open_candle(exchange, symbol, step_ms, now).between(first_open, last_open)
        return Candles.joined([*parts, running])

    def open_candle(self, exchange: str, symbol: str, step_ms: int, now: int) -> Candles:
        """Return the one candle of `step_ms` that is open at `now`, made of what is over; none in a gap or halt."""
        first = now - now % step_ms
        running_open = now - now % self.base_step
        length = chunk_length(self.base_step)
        known = Candles.joined(
            [
                self.chunk(exchange, symbol, self.base_step, number).between(first, running_open)
                for number in range(first // length, running_open // length + 1)
            ]
        )
        if len(known) and known.times[-1] == running_open:
            values = known.values.copy()
            values[-1, [HIGH, LOW, CLOSE]] = values[-1, OPEN]
            values[-1, VOLUME] = 0.0
            known = Candles(known.times, values)
        return aggregate(known, step_ms)

    def summary(self, exchange: str, symbol: str, now: int) -> Summary | None:
        """Return the last 24 hours of a symbol at `now`, or None where it is not listed or never traded."""
        return self._summary(exchange, symbol, now - now % self.base_step)

    def _make_listings(self, exchange: str, now: int) -> dict[str, Listing]:
        return {listing.symbol: listing for listing in self._tape.listings(exchange, now)}

    def _make_chunk(self, exchange: str, symbol: str, step_ms: int, number: int) -> Candles:
        length = chunk_length(step_ms)
        first = number * length
        candles = self._tape.candles(exchange, symbol, first, first + length - 1)
        return candles if step_ms == self.base_step else aggregate(candles, step_ms)

    def _make_summary(self, exchange: str, symbol: str, now: int) -> Summary | None:
        listing = self.listings(exchange, now).get(symbol)
        if listing is None:
            return None
        step = max(HOUR, self.base_step)
        this_open = now - now % step
        day = self.candles(exchange, symbol, step, (this_open - DAY + step, this_open), now)
        recent = day if len(day) else self.candles(exchange, symbol, step, (this_open - 30 * DAY, this_open), now)
        if not len(recent):
            return None
        values, last = day.values, float(recent.values[-1, CLOSE])
        trades = len(values) > 0
        price_step = 10.0**-listing.price_decimals
        half = max(last * listing.half_spread, price_step / 2)
        return Summary(
            listing=listing,
            time=now,
            last=last,
            bid=float(np.floor((last - half) / price_step) * price_step) if listing.active else 0.0,
            ask=float(np.ceil((last + half) / price_step) * price_step) if listing.active else 0.0,
            open=float(values[0, OPEN]) if trades else last,
            high=float(values[:, HIGH].max()) if trades else last,
            low=float(values[:, LOW].min()) if trades else last,
            volume=float(values[:, VOLUME].sum()) if trades else 0.0,
            quote_volume=float((values[:, VOLUME] * values[:, OPEN : CLOSE + 1].mean(axis=1)).sum()) if trades else 0.0,
        )
