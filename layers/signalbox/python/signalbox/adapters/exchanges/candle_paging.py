"""Candles from one open time on, in as many calls as an exchange's page size takes.

Exchanges mean two things by "since". Binance and Kraken answer the first candles from there on, however far away they
are. Bybit and OKX answer the newest ones of a window of time, so that a window must hold no more than a page, and an
empty one (a halt, or before the listing) says nothing about the next.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from signalbox.domain.market.candles import Candle

Row = list[Any]
"""One candle as ccxt gives it: open time (epoch ms), open, high, low, close, volume; any may be None."""

FetchRows = Callable[[int, int, int | None], list[Row]]
"""(since, limit, until) -> rows; times in epoch ms, both included; `until` None leaves the end open."""


@dataclass(frozen=True, slots=True)
class CandlePaging:
    """How one exchange hands out candles: at most `page_size` at once, by windows of time or from a moment on."""

    page_size: int
    by_window: bool = False

    def collect(self, fetch: FetchRows, since: int, limit: int, step: int, now: int) -> list[Candle]:
        """Return the first `limit` candles at or after `since`, oldest first, each once.

        Parameters
        ----------
        fetch : callable
            One call to the exchange.
        since : int
            Epoch ms; between two open times it means the later.
        limit : int
            Most candles to return.
        step : int
            Milliseconds of a candle.
        now : int
            Epoch ms; windows that begin later are not asked for.

        Returns
        -------
        list of Candle
            Holes that the exchange has stay holes. A candle with a value that is missing or not finite is left out.
        """
        first = -(-since // step) * step
        if self.by_window:
            return self._by_windows(fetch, first, limit, step, now)
        return self._onwards(fetch, first, limit)

    def _onwards(self, fetch: FetchRows, since: int, limit: int) -> list[Candle]:
        found: dict[int, Candle] = {}
        while len(found) < limit:
            asked = min(limit - len(found), self.page_size)
            rows = fetch(since, asked, None)
            last = _take(rows, since, found)
            if last is None or len(rows) < asked:
                break
            since = last + 1
        return _first(found, limit)

    def _by_windows(self, fetch: FetchRows, since: int, limit: int, step: int, now: int) -> list[Candle]:
        found: dict[int, Candle] = {}
        width = min(limit, self.page_size)
        horizon = now + 1
        while len(found) < limit:
            rows = fetch(since, self.page_size, since + width * step - 1)
            if width > self.page_size <= len(rows):
                # The newest page of a wide window: the oldest candles are further down.
                horizon = since + width * step
                width = max(width // 2, self.page_size)
                continue
            _take(rows, since, found)
            since += width * step
            if since > now:
                break
            if rows:
                width, horizon = self.page_size, now + 1
            else:
                # One wide window tells whether anything follows at all.
                width = max(-(-(horizon - since) // step), self.page_size)
        return _first(found, limit)


def _take(rows: Iterable[Row], since: int, found: dict[int, Candle]) -> int | None:
    """Add the whole candles of `rows` from `since` on to `found`; return the last open time seen, whole or not."""
    last = None
    for row in rows:
        if row[0] is None or row[0] < since:
            continue
        last = row[0] if last is None else max(last, row[0])
        if all(value is not None and math.isfinite(value) for value in row[1:6]):
            found[row[0]] = Candle(int(row[0]), *map(float, row[1:6]))
    return last


def _first(found: dict[int, Candle], limit: int) -> list[Candle]:
    return [found[time] for time in sorted(found)[:limit]]
