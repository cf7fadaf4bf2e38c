"""The prices of a symbol as a topic: what price frames hold is what was told, so that nothing is written for it."""

from datetime import datetime, timedelta
from typing import Any

from signalbox.domain.delivery.facts import price_facts
from signalbox.domain.delivery.topics import cycle_of, price_number, symbol_of
from signalbox.domain.instants import EPOCH
from signalbox.ports.market import PriceFrameStore
from signalbox.ports.work import Clock, UniverseRepository

UNIVERSE_LIFE = timedelta(minutes=1)
"""How long a symbol that was just watched may still be unknown; a member never changes its bucket."""
_FOREVER = datetime(9999, 1, 1, tzinfo=EPOCH.tzinfo)
_LOOK_BACK = 5
"""In how many of the newest frames a symbol's last price is looked for."""


class FramedPriceTopics:
    """Implements `ports.PriceTopics` on the universe, which knows a symbol's bucket, and the buckets' frames.

    Parameters
    ----------
    universes, frames
        Where they are stored.
    clock : Clock
        The system clock, by which universes are dated.
    """

    def __init__(self, universes: UniverseRepository, frames: PriceFrameStore, clock: Clock) -> None:
        self._universes = universes
        self._frames = frames
        self._clock = clock
        self._buckets: dict[str, int] = {}
        self._read_at: datetime | None = None

    def bucket(self, symbol: str) -> int | None:
        """Return the bucket of a symbol, or None if it is not watched."""
        now = self._clock.now()
        if self._read_at is None or abs(now - self._read_at) >= UNIVERSE_LIFE:
            universe = self._universes.current(now)
            self._buckets = {member.symbol: member.bucket for member in universe.members} if universe else {}
            self._read_at = now
        return self._buckets.get(symbol)

    def last(self, topic: str) -> int:
        """Return the number of the newest entry, 0 where none of the last cycles had one."""
        symbol, bucket = _place(topic, self)
        newest = [] if bucket is None else self._frames.before(bucket, _FOREVER, _LOOK_BACK)
        return next((price_number(frame.as_of) for frame in newest if symbol in frame.prices), 0)

    def oldest(self, topic: str) -> int:
        """Return the number from which on all entries are kept: of the oldest frame; 0 where there is none."""
        _, bucket = _place(topic, self)
        first = [] if bucket is None else self._frames.after(bucket, EPOCH, 1)
        return price_number(first[0].as_of) if first else 0

    def after(self, topic: str, sequence: int, limit: int) -> list[tuple[int, dict[str, Any]]]:
        """Return the first `limit` entries after `sequence` with their numbers, oldest first."""
        symbol, bucket = _place(topic, self)
        found: list[tuple[int, dict[str, Any]]] = []
        start = cycle_of(min(sequence, price_number(_FOREVER)))
        while bucket is not None and len(found) < limit:
            frames = self._frames.after(bucket, start, limit)
            found += [
                (price_number(frame.as_of), price_facts(frame.prices[symbol], frame.as_of))
                for frame in frames
                if symbol in frame.prices
            ]
            if len(frames) < limit:
                break
            start = frames[-1].as_of
        return found[:limit]


def _place(topic: str, topics: FramedPriceTopics) -> tuple[str, int | None]:
    symbol = symbol_of(topic)
    return symbol, topics.bucket(symbol)
