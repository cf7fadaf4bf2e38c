"""What befalls symbols and exchanges of the simulated market, by the calendar: listings, delistings, halts, outages.

Everything recurs, so that whatever moment a run starts at, its span soon holds some of each.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from infra.local.exchange.candles import DAY, HOUR, MINUTE, IntArray
from infra.local.exchange.coins import LASTING, PASSING, Coin
from infra.local.exchange.market import EXCHANGES, MarketEvent
from infra.local.exchange.noise import fraction, generator

SEASON = 5 * DAY
LIFE = 4 * SEASON
RETURN = 6 * SEASON
SHOWN_AFTER_DELISTING = SEASON
_OUTAGE_BLOCK = 8 * DAY


class Span(NamedTuple):
    """A stretch of time in epoch ms, the start included, the end not."""

    start: int
    end: int

    def holds(self, moment: int) -> bool:
        """Return whether `moment` lies in the span."""
        return self.start <= moment < self.end


def life_at(coin: Coin, moment: int) -> Span:
    """Return the newest life of a passing coin that began at or before `moment`."""
    shift = PASSING.index(coin) * SEASON + 8 * HOUR
    start = (moment - shift) // RETURN * RETURN + shift
    return Span(start, start + LIFE)


def halt_of(seed: int, season: int) -> tuple[Coin, Span]:
    """Return the coin that is halted in a season, and for how long: three to eight hours, on every exchange."""
    smaller = LASTING[6:]
    coin = smaller[int(fraction(seed, "halt", season) * len(smaller))]
    start = season * SEASON + int(fraction(seed, "halt start", season) * (SEASON - 10 * HOUR)) // MINUTE * MINUTE
    length = 3 * HOUR + int(fraction(seed, "halt length", season) * 5 * HOUR) // MINUTE * MINUTE
    return coin, Span(start, start + length)


def is_halted(seed: int, coin: Coin, moment: int) -> bool:
    """Return whether trading in `coin` is halted at `moment`."""
    halted, span = halt_of(seed, moment // SEASON)
    return halted == coin and span.holds(moment)


def outage_of(seed: int, exchange: str, block: int) -> Span | None:
    """Return when `exchange` traded nothing in a block of eight days (one to three hours), or None: most have none."""
    if fraction(seed, "outage", exchange, block) > 0.15:
        return None
    start = block * _OUTAGE_BLOCK + int(fraction(seed, "outage start", exchange, block) * 188) * HOUR
    return Span(start, start + (1 + int(fraction(seed, "outage length", exchange, block) * 3)) * HOUR)


def traded(seed: int, exchange: str, coin: Coin, times: IntArray) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which minutes have a candle.

    Parameters
    ----------
    times : (n,) int64 array
        Open times of minutes in epoch ms, ascending, without holes, inside one block of eight days.

    Returns
    -------
    (n,) bool array
        False outside a passing coin's lives, in halts and outages, and in the odd minute or hour that an exchange lost.
    """
    first, last = int(times[0]), int(times[-1])
    block = first // _OUTAGE_BLOCK
    random = generator(seed, "lost", exchange, coin.base, block)
    lost_hours = np.repeat(random.random(_OUTAGE_BLOCK // HOUR) < 1 / 1500, 60)
    lost = lost_hours | (random.random(_OUTAGE_BLOCK // MINUTE) < min(0.01, 0.004 / coin.turnover))
    start = (first - block * _OUTAGE_BLOCK) // MINUTE
    missing = lost[start : start + len(times)].copy()
    for span in _silences(seed, exchange, coin, first, last):
        missing |= (times >= span.start) & (times < span.end)
    return ~missing


def _silences(seed: int, exchange: str, coin: Coin, first: int, last: int) -> Iterator[Span]:
    outage = outage_of(seed, exchange, first // _OUTAGE_BLOCK)
    if outage:
        yield outage
    for season in range(first // SEASON, last // SEASON + 1):
        halted, span = halt_of(seed, season)
        if halted == coin:
            yield span
    if coin in PASSING:
        before, after = life_at(coin, first), life_at(coin, last)
        yield Span(before.end, after.start if after != before else before.start + RETURN)


def events(seed: int, first: int, last: int) -> list[MarketEvent]:
    """Return the events that touch [`first`, `last`] (epoch ms), in the order of their start."""
    found = []
    for season in range((first - SEASON) // SEASON, last // SEASON + 1):
        coin, span = halt_of(seed, season)
        found.append(MarketEvent("halt", coin.symbol, None, span.start, span.end))
    for exchange in EXCHANGES:
        for block in range(first // _OUTAGE_BLOCK, last // _OUTAGE_BLOCK + 1):
            outage = outage_of(seed, exchange, block)
            if outage:
                found.append(MarketEvent("outage", None, exchange, outage.start, outage.end))
    for coin in PASSING:
        for start in range(life_at(coin, first).start, last + 1, RETURN):
            found.append(MarketEvent("listing", coin.symbol, None, start, start))
            found.append(MarketEvent("delisting", coin.symbol, None, start + LIFE, start + LIFE))
    touching = [event for event in found if event.start_ms <= last and (event.end_ms or event.start_ms) >= first]
    return sorted(touching, key=lambda event: event.start_ms)
