"""Candles: one by one at the edges, one array for a whole shard inside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.market.candle import Candle as Candle  # noqa: PLC0414 - candles are found here too
from signalbox.domain.market.timeframe import Timeframe

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

COLUMNS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, eq=False)
class CandleGrid:
    """The candles of many symbols of one exchange and timeframe, side by side.

    Attributes
    ----------
    exchange : str
        The home exchange of every symbol here, a ccxt id.
    timeframe : Timeframe
        Length of every candle.
    symbols : tuple of str
        One per column.
    times : (n_candles,) int64 array
        Open times in epoch ms, strictly ascending, every candle of the span present (a hole is a NaN cell).
    open, high, low, close : (n_candles, n_symbols) float64 arrays
        Prices in quote currency; NaN in all five columns where a symbol has no candle.
    volume : (n_candles, n_symbols) float64 array
        Base currency.
    """

    exchange: str
    timeframe: Timeframe
    symbols: tuple[str, ...]
    times: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray

    def __post_init__(self) -> None:
        shape = (len(self.times), len(self.symbols))
        for name in COLUMNS:
            found = getattr(self, name).shape
            if found != shape:
                raise InvalidValueError(f"{name} must have shape {shape}, was {found}")
        if len(self.times) > 1 and not (np.diff(self.times) == self.timeframe.milliseconds).all():
            raise InvalidValueError(f"times must ascend by one {self.timeframe} candle each")

    @property
    def present(self) -> BoolArray:
        """(n_candles, n_symbols): where a symbol has a candle."""
        return ~np.isnan(self.close)

    def upto(self, last_open: int) -> "CandleGrid":
        """Return the candles whose open time is at most `last_open` (epoch ms)."""
        return self.rows(0, int(np.searchsorted(self.times, last_open, side="right")))

    def since(self, first_open: int) -> "CandleGrid":
        """Return the candles whose open time is at least `first_open` (epoch ms)."""
        return self.rows(int(np.searchsorted(self.times, first_open, side="left")), len(self.times))

    def rows(self, start: int, stop: int) -> "CandleGrid":
        """Return the candles from row `start` up to, not with, row `stop`."""
        return CandleGrid(
            self.exchange,
            self.timeframe,
            self.symbols,
            self.times[start:stop],
            *(getattr(self, name)[start:stop] for name in COLUMNS),
        )

    def column(self, symbol: str) -> list[Candle]:
        """Return the candles of one symbol, oldest first, holes left out."""
        at = self.symbols.index(symbol)
        values = np.stack([getattr(self, name)[:, at] for name in COLUMNS], axis=1)
        return [
            Candle(int(time), *map(float, row))
            for time, row in zip(self.times, values, strict=True)
            if not np.isnan(row[3])
        ]

    @classmethod
    def from_columns(
        cls,
        exchange: str,
        timeframe: Timeframe,
        columns: Mapping[str, Sequence[Candle]],
        first_open: int,
        last_open: int,
    ) -> "CandleGrid":
        """Lay the candles of many symbols side by side over the span from `first_open` to `last_open` (epoch ms, both
        included). Candles outside the span are left out, and of two with one time the later in the sequence counts.
        """
        step = timeframe.milliseconds
        times = np.arange(first_open, last_open + 1, step, dtype=np.int64)
        cells = np.full((len(COLUMNS), len(times), len(columns)), np.nan)
        for at, candles in enumerate(columns.values()):
            for candle in candles:
                row, offset = divmod(candle.time - first_open, step)
                if offset == 0 and 0 <= row < len(times):
                    cells[:, row, at] = candle[1:]
        return cls(exchange, timeframe, tuple(columns), times, *cells)
