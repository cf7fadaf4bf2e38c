"""What the services need of the market: exchanges, candles, prices.

Every method may raise `TransientError` (try again) or `PermanentError` (do not). A conditional write says so and
returns whether it took effect, so that a message handled twice leaves what one handling leaves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from signalbox.domain.market.consensus import PriceFrame
from signalbox.domain.market.quotes import Quote
from signalbox.domain.market.timeframe import Timeframe

if TYPE_CHECKING:
    # Candles bring numpy, which most functions do without.
    from signalbox.domain.market.candles import Candle, CandleGrid


@dataclass(frozen=True, slots=True)
class Market:
    """A symbol as an exchange lists it. `price_step` is the smallest price difference, in quote currency."""

    symbol: str
    active: bool
    price_step: Decimal


class Exchange(Protocol):
    """One exchange's public data."""

    @property
    def exchange_id(self) -> str:
        """ccxt's id."""
        ...

    def markets(self) -> Mapping[str, Market]:
        """Return the spot markets by symbol, those that are halted or delisted marked inactive."""
        ...

    def candles(self, symbol: str, timeframe: Timeframe, since: int, limit: int) -> list[Candle]:
        """Return up to `limit` candles from open time `since` (epoch ms) on, oldest first, the open one included.

        Raises UnknownSymbolError, RateLimitedError, ExchangeUnavailableError, ExchangeRefusedError, ExchangeReplyError.
        """
        ...

    def quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        """Return the quotes of those of `symbols` that the exchange lists, by symbol, in one call if it can."""
        ...


class CandleStore(Protocol):
    """Closed candles, kept as frames: one item holds one candle of many symbols."""

    def load(  # noqa: PLR0913, PLR0917 - the key of a series, and the span
        self, exchange: str, timeframe: Timeframe, bucket: int, symbols: Sequence[str], first_open: int, last_open: int
    ) -> CandleGrid:
        """Return what is stored of `symbols` over the span (epoch ms, both ends included); holes are NaN."""
        ...

    def save(self, grid: CandleGrid, bucket: int) -> None:
        """Store every row of `grid` that holds a candle. Saving the same candles twice leaves them once."""
        ...


class PriceFrameStore(Protocol):
    """The consensus price of every symbol, one item per bucket and cycle."""

    def save(self, frame: PriceFrame) -> None:
        """Store a frame, merged with what other shards of its bucket and cycle stored."""
        ...

    def latest(self, bucket: int) -> PriceFrame | None:
        """Return the newest frame of a bucket, or None."""
        ...

    def before(self, bucket: int, moment: datetime, count: int) -> list[PriceFrame]:
        """Return the newest `count` frames of cycles before `moment`, newest first."""
        ...
