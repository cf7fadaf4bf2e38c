"""Candles as the text of one exchange's replies, kept once formatted: a stepped run asks for the same ones often."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from infra.local.exchange.candles import CLOSE, HIGH, LOW, VOLUME, Candles
from infra.local.exchange.market import Listing, Market, chunk_length


@dataclass(frozen=True, slots=True)
class Shape:
    """What candles to be written have in common: length (ms), decimals of their prices, whether they are over."""

    step_ms: int
    price_decimals: int
    closed: bool


RowWriter = Callable[[Candles, Shape], list[str]]
"""Gives one JSON text per candle."""


@dataclass(frozen=True, slots=True)
class Spike:
    """Prices multiplied by `factor` from `since_ms` on."""

    since_ms: int
    factor: float


@dataclass(frozen=True, slots=True)
class Window:
    """Which candles: open times (epoch ms) in [`first`, `last`], at most `limit`, the oldest or the newest of them."""

    step_ms: int
    first: int
    last: int
    limit: int
    newest: bool


class RowStore:
    """One exchange's candles as JSON texts."""

    def __init__(self, market: Market, exchange: str, write: RowWriter) -> None:
        self._market = market
        self._exchange = exchange
        self._write = write
        self._chunk = lru_cache(maxsize=2000)(self._make_chunk)

    def rows(self, listing: Listing, window: Window, now: int, spike: Spike | None = None) -> list[str]:
        """Return the rows of a window as known at `now`, oldest first, the candle that is still open included."""
        step = window.step_ms
        first = max(window.first, listing.listed_ms, self._market.span_ms[0])
        last_closed = min(window.last, now - step)
        running = self._market.open_candle(self._exchange, listing.symbol, step, now).between(first, window.last)
        rows = self._write(_spiked(running, spike, step), Shape(step, listing.price_decimals, closed=False))
        numbers = range(first // chunk_length(step), last_closed // chunk_length(step) + 1)
        for number in reversed(numbers) if window.newest else numbers:
            room = window.limit - len(rows) if window.newest else window.limit - len(rows) + len(running)
            if room <= 0:
                break
            times, chunk = self._closed(listing, step, number, spike)
            part = chunk[bisect_left(times, first) : bisect_right(times, last_closed)]
            if window.newest:
                rows[:0] = part[max(0, len(part) - room) :]
            else:
                rows[len(rows) - len(running) : len(rows) - len(running)] = part[:room]
        return rows[: window.limit]

    def _closed(self, listing: Listing, step: int, number: int, spike: Spike | None) -> tuple[list[int], list[str]]:
        if spike is None:
            return self._chunk(listing.symbol, step, number, listing.price_decimals)
        candles = _spiked(self._market.chunk(self._exchange, listing.symbol, step, number), spike, step)
        return candles.times.tolist(), self._write(candles, Shape(step, listing.price_decimals, closed=True))

    def _make_chunk(self, symbol: str, step: int, number: int, price_decimals: int) -> tuple[list[int], list[str]]:
        candles = self._market.chunk(self._exchange, symbol, step, number)
        return candles.times.tolist(), self._write(candles, Shape(step, price_decimals, closed=True))


def plain(number: float) -> str:
    """Return the shortest decimal text that reads back as `number`, without an exponent."""
    text = repr(number)
    return format(Decimal(text), "f") if "e" in text else text


def _spiked(candles: Candles, spike: Spike | None, step: int) -> Candles:
    """Multiply the prices of what traded after the spike began; the candle it began in keeps its open."""
    if spike is None or not len(candles):
        return candles
    values = candles.values.copy()
    values[candles.times >= spike.since_ms, :VOLUME] *= spike.factor
    at = (candles.times < spike.since_ms) & (candles.times + step > spike.since_ms)
    values[at, CLOSE] *= spike.factor
    values[at, HIGH] = values[at][:, [HIGH, CLOSE]].max(axis=1)
    values[at, LOW] = values[at][:, [LOW, CLOSE]].min(axis=1)
    return Candles(candles.times, values)
