"""What the services need of the market: exchanges, candles, prices.

Every method may raise `TransientError` (try again) or `PermanentError` (do not). A conditional write says so and
returns whether it took effect, so that a message handled twice leaves what one handling leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from signalbox.domain.market.consensus import ConsensusPrice, PriceFrame
from signalbox.domain.market.quotes import Quote
from signalbox.domain.market.timeframe import Timeframe

if TYPE_CHECKING:
    # Grids bring numpy, which most functions do without.
    from signalbox.domain.market.candle import Candle
    from signalbox.domain.market.candles import CandleGrid
    from signalbox.domain.market.data_revision import DataRevision
    from signalbox.domain.market.gaps import Gap, StoredCandles


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


class ExchangeBudgets(Protocol):
    """What all workers together may ask of each exchange, and the silence that one of them was told to keep.

    Everything is by the wall clock, also in stepped runs: exchanges count real minutes.
    """

    def reserve(self, exchange_id: str, weight: int, limit: int, now: datetime) -> None:
        """Take `weight` out of the `limit` of the minute that `now` is in.

        Raises RateLimitedError, taking nothing, while a ban lasts or if less is left; `retry_after` is what remains of
        the ban or the minute. Raises InvalidValueError if `weight` is more than `limit`.
        """
        ...

    def ban(self, exchange_id: str, until: datetime) -> None:
        """Let nobody call the exchange until `until`; a ban that ends later stays."""
        ...


class CandleStore(Protocol):
    """Closed candles. A stored candle stays as it is; what an exchange changes later is kept beside it."""

    def load(  # noqa: PLR0913, PLR0917 - the key of a series, and the span
        self, exchange: str, timeframe: Timeframe, bucket: int, symbols: Sequence[str], first_open: int, last_open: int
    ) -> CandleGrid:
        """Return what is stored of `symbols` over the span (epoch ms, both ends included); holes are NaN."""
        ...

    def read(  # noqa: PLR0913, PLR0917 - the key of a series, and the span
        self, exchange: str, timeframe: Timeframe, bucket: int, symbols: Sequence[str], first_open: int, last_open: int
    ) -> StoredCandles:
        """Return what `load` does, and what is known of gaps in it."""
        ...

    def save(self, grid: CandleGrid, bucket: int) -> CandleGrid:
        """Store every row of `grid` that holds a candle, and return the grid as it is stored then.

        Of a candle that was stored before, that one stays and is returned. Saving the same candles twice leaves them
        once.
        """
        ...

    def note_gaps(self, exchange: str, timeframe: Timeframe, bucket: int, gaps: Sequence[Gap]) -> None:
        """Count one more attempt for each gap, which its symbol and last candle name, and keep its `first_open`.

        A gap whose `asked_at` was counted, or a later one, is left as it is.
        """
        ...

    def add_revisions(self, exchange: str, timeframe: Timeframe, revisions: Sequence[DataRevision]) -> int:
        """Store revisions; return how many were not stored before. The same change of a candle is stored once."""
        ...

    def revisions_of(self, exchange: str, timeframe: Timeframe, symbol: str) -> list[DataRevision]:
        """Return a symbol's revisions by time of the candle, then in the order they were seen."""
        ...


class CandleReader(Protocol):
    """The candles of one symbol at a time, for readers: what `CandleStore` keeps, without arrays."""

    def read(  # noqa: PLR0913, PLR0917 - the key of a series, and the span
        self, exchange: str, timeframe: Timeframe, bucket: int, symbol: str, first_open: int, last_open: int
    ) -> list[Candle]:
        """Return the stored candles of a symbol over the span (epoch ms, both ends included), oldest first."""
        ...

    def newest_open(self, exchange: str, timeframe: Timeframe, bucket: int) -> int | None:
        """Return when the newest stored candle of a bucket opened (epoch ms), or None before the first."""
        ...


@dataclass(frozen=True, slots=True)
class Compaction:
    """What was packed: chunks written, frames deleted, and stored candles of which two versions were found."""

    chunks: int = 0
    frames: int = 0
    data_revisions: int = 0


class CandleCompactor(Protocol):
    """Packs the history of candles; what `CandleStore.load` returns stays the same before, meanwhile and after."""

    def compact(
        self, exchange: str, timeframe: Timeframe, bucket: int, symbols: Sequence[str], upto: int
    ) -> Compaction:
        """Pack a bucket's candles until the one that opens at `upto` (epoch ms); `symbols` are all that it may hold.

        Gaps between packed candles are genuine from then on. What is packed until later than `upto` stays.
        """
        ...

    def packed_upto(self, exchange: str, timeframe: Timeframe, bucket: int) -> int | None:
        """Return the open time (epoch ms) of the candle until which a bucket is packed, or None if it never was."""
        ...


class CurrentPrices(Protocol):
    """What symbols cost now, for readers; seconds old at worst."""

    def of(self, symbols: Iterable[str], now: datetime) -> Mapping[str, ConsensusPrice]:
        """Return the newest consensus price of each of `symbols` that has one, as of the system clock's `now`.

        A price older than a reference may be is stale, and is none.
        """
        ...


class PriceFrameStore(Protocol):
    """The consensus price of every symbol, one item per bucket and cycle."""

    def save(self, frame: PriceFrame) -> bool:
        """Store a frame, merged with what other shards of its bucket and cycle stored.

        Returns False, changing nothing, if the same shard stored newer quotes for this cycle. A frame without prices is
        older than any with some, and says why there are none.
        """
        ...

    def latest(self, bucket: int) -> PriceFrame | None:
        """Return the newest frame of a bucket, or None."""
        ...

    def before(self, bucket: int, moment: datetime, count: int) -> list[PriceFrame]:
        """Return the newest `count` frames of cycles before `moment`, newest first."""
        ...

    def after(self, bucket: int, moment: datetime, count: int) -> list[PriceFrame]:
        """Return the first `count` frames of cycles after `moment`, oldest first."""
        ...
