"""Bring the stored candles of a shard up to the newest closed one, fetching only what is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from signalbox.domain.errors import ExchangeRefusedError, SignalboxError, TransientError, UnknownSymbolError
from signalbox.domain.market.candles import COLUMNS, Candle, CandleGrid
from signalbox.domain.market.health import clean_candles
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.suppression import SuppressionReason
from signalbox.ports.market import CandleStore, Exchange


@dataclass(frozen=True)
class CandleUpdate:
    """The candles of a shard up to its newest closed one.

    Attributes
    ----------
    grid : CandleGrid
        Stored and newly fetched candles of the span.
    fetched : int
        Candles that were new.
    refusals : mapping of str to (SuppressionReason, str)
        Symbols whose newest candle could not be had, with the reason.
    """

    grid: CandleGrid
    fetched: int
    refusals: Mapping[str, tuple[SuppressionReason, str]]


def update_candles(
    symbols: Sequence[str],
    *,
    timeframe: Timeframe,
    bucket: int,
    first_open: int,
    last_open: int,
    exchange: Exchange,
    store: CandleStore,
) -> CandleUpdate:
    """Return the candles of `symbols` from `first_open` to `last_open` (epoch ms, both included), storing new ones.

    A candle counts as closed only where the exchange already shows a later one; the caller has waited out the grace.
    What one symbol lacks never holds up another.

    Raises
    ------
    TransientError
        If the exchange failed for every symbol that lacks candles: the whole shard is worth another try.
    """
    grid = store.load(exchange.exchange_id, timeframe, bucket, symbols, first_open, last_open)
    new: dict[str, Sequence[Candle]] = {}
    refusals: dict[str, tuple[SuppressionReason, str]] = {}
    failures: list[TransientError] = []
    for symbol, since in _missing_since(grid, first_open).items():
        limit = (last_open - since) // timeframe.milliseconds + 2
        try:
            raw = exchange.candles(symbol, timeframe, since, limit)
        except (UnknownSymbolError, ExchangeRefusedError) as e:
            refusals[symbol] = (SuppressionReason.HALTED, str(e))
        except TransientError as e:
            failures.append(e)
            refusals[symbol] = (SuppressionReason.STALE, str(e))
        except SignalboxError as e:
            refusals[symbol] = (SuppressionReason.BAD_DATA, str(e))
        else:
            candles, _ = clean_candles(raw)
            new[symbol] = [candle for candle in candles if candle.time <= last_open]
            if not candles or candles[-1].time <= last_open:
                refusals[symbol] = (SuppressionReason.OPEN_CANDLE, "no later candle confirms that the last one closed")
                new[symbol] = [candle for candle in new[symbol] if candle.time < last_open]
    if failures and not new:
        raise failures[0]
    fetched = _store_new(new, grid, bucket, store)
    return CandleUpdate(grid=_merge(grid, new), fetched=fetched, refusals=refusals)


def _missing_since(grid: CandleGrid, first_open: int) -> dict[str, int]:
    """Return for each symbol that lacks the last candle the open time from which on it has none."""
    present = grid.present
    missing = {}
    for at, symbol in enumerate(grid.symbols):
        rows = np.flatnonzero(present[:, at])
        if not len(rows):
            missing[symbol] = first_open
        elif rows[-1] < len(grid.times) - 1:
            missing[symbol] = int(grid.times[rows[-1] + 1])
    return missing


def _store_new(new: dict[str, Sequence[Candle]], grid: CandleGrid, bucket: int, store: CandleStore) -> int:
    times = [candle.time for candles in new.values() for candle in candles]
    if not times:
        return 0
    columns = {symbol: candles for symbol, candles in new.items() if candles}
    store.save(CandleGrid.from_columns(grid.exchange, grid.timeframe, columns, min(times), max(times)), bucket)
    return len(times)


def _merge(grid: CandleGrid, new: dict[str, Sequence[Candle]]) -> CandleGrid:
    if not len(grid.times):
        return grid
    columns = {symbol: new.get(symbol, ()) for symbol in grid.symbols}
    fresh = CandleGrid.from_columns(grid.exchange, grid.timeframe, columns, int(grid.times[0]), int(grid.times[-1]))
    merged = (np.where(fresh.present, getattr(fresh, name), getattr(grid, name)) for name in COLUMNS)
    return CandleGrid(grid.exchange, grid.timeframe, grid.symbols, grid.times, *merged)
