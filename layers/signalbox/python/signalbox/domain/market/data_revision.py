"""Data revisions: what an exchange changed about a candle after it had closed and was stored."""

from dataclasses import dataclass

from signalbox.domain.market.candles import Candle


@dataclass(frozen=True, slots=True)
class DataRevision:
    """One change of one candle.

    The stored candle stays: signals were made of it, and whatever is computed of stored candles comes out again. What
    came instead is kept here.

    Attributes
    ----------
    symbol : str
        Whose candle.
    stored, came : Candle
        What is stored and stays, and what the exchange says since, of the same open time.
    seen_at : int
        When that was seen: the close (epoch ms) of the newest candle of the turn.
    """

    symbol: str
    stored: Candle
    came: Candle
    seen_at: int
