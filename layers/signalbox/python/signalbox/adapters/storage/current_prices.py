"""What every symbol costs now, for readers: one query per bucket, kept for seconds."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from math import ceil

from signalbox.adapters.caching.ages import note_age
from signalbox.domain.instants import to_ms
from signalbox.domain.market.consensus import ConsensusPrice
from signalbox.domain.market.quote_checks import DEFAULT_LIMITS
from signalbox.ports.market import PriceFrameStore
from signalbox.ports.work import UniverseRepository

PRICES_LIFE = timedelta(seconds=3)
"""A price frame is made once a minute: readers see it this much later at worst, and are told so by the answer's age."""

UNIVERSE_LIFE = timedelta(minutes=5)
"""A member never changes its bucket, so an old universe lacks new symbols and is never wrong."""

_FRAMES = 2
"""The shards of a bucket store their parts of a frame one after another: the frame before it has the rest."""

_AHEAD = timedelta(minutes=2)
"""The newest cycle's `as_of` may lie this far ahead of a clock that is behind."""


class FramedCurrentPrices:
    """Implements `ports.CurrentPrices` on the universe, which knows a symbol's bucket, and the buckets' frames.

    Lives are counted on the system clock that callers bring, so that a stepped market is never shown as it was a step
    ago.
    """

    def __init__(self, universes: UniverseRepository, frames: PriceFrameStore) -> None:
        self._universes = universes
        self._frames = frames
        self._buckets: dict[str, int] = {}
        self._buckets_read: datetime | None = None
        self._prices: dict[int, tuple[datetime, dict[str, ConsensusPrice]]] = {}

    def of(self, symbols: Iterable[str], now: datetime) -> dict[str, ConsensusPrice]:
        """Return the newest price of each of `symbols` that has one; a stale price is none."""
        wanted = set(symbols)
        if not wanted:
            return {}
        if _is_over(self._buckets_read, now, UNIVERSE_LIFE) or not wanted <= self._buckets.keys():
            self._read_buckets(now)
        found: dict[str, ConsensusPrice] = {}
        for bucket in {self._buckets[symbol] for symbol in wanted if symbol in self._buckets}:
            found |= self._of_bucket(bucket, now)
        oldest = to_ms(now) - DEFAULT_LIMITS.max_reference_age_ms
        return {symbol: found[symbol] for symbol in sorted(wanted & found.keys()) if found[symbol].time >= oldest}

    def _read_buckets(self, now: datetime) -> None:
        # A symbol that nobody knows must not cost every request a read.
        if self._buckets_read is not None and not _is_over(self._buckets_read, now, PRICES_LIFE):
            return
        universe = self._universes.current(now)
        self._buckets = {member.symbol: member.bucket for member in universe.members} if universe else {}
        self._buckets_read = now

    def _of_bucket(self, bucket: int, now: datetime) -> dict[str, ConsensusPrice]:
        read, prices = self._prices.get(bucket, (None, {}))
        if read is None or _is_over(read, now, PRICES_LIFE):
            prices = {}
            for frame in reversed(self._frames.before(bucket, now + _AHEAD, _FRAMES)):
                prices |= frame.prices
            self._prices[bucket] = (now, prices)
        elif read < now:
            note_age(ceil((now - read).total_seconds()))
        return prices


def _is_over(read: datetime | None, now: datetime, life: timedelta) -> bool:
    return read is None or abs(now - read) >= life
