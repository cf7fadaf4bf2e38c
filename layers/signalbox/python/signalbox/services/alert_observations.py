"""What was seen of a shard's symbols since alerts were last checked: closed candles, then the price now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from signalbox.domain.alerts.alert import Window
from signalbox.domain.alerts.checks import Check
from signalbox.domain.alerts.moves import Moves, move_between
from signalbox.domain.alerts.prices import Observation
from signalbox.domain.instants import from_ms, to_ms
from signalbox.domain.market.candles import Candle
from signalbox.domain.market.consensus import ConsensusPrice
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.barriers import is_price
from signalbox.domain.universe.shards import Shard
from signalbox.ports.market import CandleStore, PriceFrameStore

CATCH_UP = 48
"""How many missed candles are caught up; what was longer ago is no news."""
PATIENCE = 2
"""For how many candles one that was not stored is waited for."""


@dataclass(frozen=True, slots=True)
class Sightings:
    """What was seen of one symbol, oldest first, and up to where its candles were now looked at."""

    seen: tuple[Observation, ...]
    candles_until: datetime

    def range_since(self, begin: datetime) -> tuple[Decimal, Decimal] | None:
        """Return the highest and the lowest price of what began at `begin` or later, or None if nothing did."""
        seen = [each for each in self.seen if each.begin >= begin]
        return (max(each.high for each in seen), min(each.low for each in seen)) if seen else None


def look(
    shard: Shard,
    prices: Mapping[str, ConsensusPrice],
    known: Mapping[str, Check],
    *,
    candles: CandleStore,
    closed_by: datetime,
) -> dict[str, Sightings]:
    """Return what was seen of each symbol since its last check: stored candles that closed by `closed_by`, the price.

    A symbol without a check starts now: no alert on it can be older. A candle that is not stored yet is waited for; one
    whose prices are none was never seen.
    """
    step = timedelta(milliseconds=shard.timeframe.milliseconds)
    newest = from_ms(shard.timeframe.last_closed_open(to_ms(closed_by))) + step
    earliest = newest - CATCH_UP * step
    until = {
        symbol: max(known[symbol].candles_until, earliest) if symbol in known else newest for symbol in shard.symbols
    }
    behind = [symbol for symbol in shard.symbols if until[symbol] < newest]
    columns: dict[str, list[Candle]] = {}
    if behind:
        first, last = min(until[symbol] for symbol in behind), newest - step
        grid = candles.load(shard.exchange, shard.timeframe, shard.bucket, behind, to_ms(first), to_ms(last))
        columns = {symbol: grid.column(symbol) for symbol in behind}
    given_up = newest - PATIENCE * step
    found = {}
    for symbol in shard.symbols:
        new = [_of_candle(candle, shard.timeframe) for candle in columns.get(symbol, ()) if is_price(candle)]
        new = [each for each in new if each.begin >= until[symbol]]
        looked = max([until[symbol], given_up, *(each.end for each in new)])
        now = [_of_price(prices[symbol])] if symbol in prices else []
        found[symbol] = Sightings((*new, *now), looked)
    return found


def moves_of(
    shard: Shard, sightings: Mapping[str, Sightings], *, frames: PriceFrameStore, now: datetime
) -> dict[str, Moves]:
    """Return how far each symbol moved within each window, from the consensus price that long ago, if there was one."""
    frames_of: dict[Window, Mapping[str, ConsensusPrice]] = {}
    for window in Window:
        then = shard.as_of - window.length
        frame = next(iter(frames.before(shard.bucket, then + timedelta(milliseconds=1), 1)), None)
        if frame is not None and then - frame.as_of <= window.length / 4:
            frames_of[window] = frame.prices
    found = {}
    for symbol, sighted in sightings.items():
        before = {window: _decimal(prices[symbol].price) for window, prices in frames_of.items() if symbol in prices}
        up: dict[Window, Decimal] = {}
        down: dict[Window, Decimal] = {}
        for window, price in before.items():
            reached = sighted.range_since(now - window.length)
            if reached is not None:
                up[window], down[window] = move_between(price, *reached)
        found[symbol] = Moves(up, down, before)
    return found


def _of_candle(candle: Candle, timeframe: Timeframe) -> Observation:
    begin = from_ms(candle.time)
    end = from_ms(candle.time + timeframe.milliseconds)
    return Observation(begin, end, _decimal(candle.high), _decimal(candle.low))


def _of_price(price: ConsensusPrice) -> Observation:
    at, value = from_ms(price.time), _decimal(price.price)
    return Observation(at, at, value, value)


def _decimal(number: float) -> Decimal:
    return Decimal(repr(float(number)))
