"""One candle of one symbol. Apart from `candles`, for code that does without arrays."""

from typing import NamedTuple


class Candle(NamedTuple):
    """One candle of one symbol: open time in epoch ms, prices in quote currency, volume in base currency."""

    time: int
    open: float
    high: float
    low: float
    close: float
    volume: float
