"""News items: a headline of a source, when it was published, when it became known here, and how it was scored."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.sentiment.titles import normalised

ID_LENGTH = 32
"""Hex digits of an item's id: 128 bits of SHA-256."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsItem:
    """A headline.

    `guid` is the source's own name of the item, empty where it gives none; `url` may be empty too. `published_at` is
    what the source says; None where it says nothing.
    """

    source: str
    title: str
    guid: str = ""
    url: str = ""
    published_at: datetime | None = None

    def __post_init__(self) -> None:
        if not self.source or not self.title.strip():
            raise InvalidValueError(f"item must have a source and a title, had {self.source!r} and {self.title!r}")

    @property
    def item_id(self) -> str:
        """The same for the same item, however often and with whichever others it is fetched."""
        own_name = f"guid {self.guid}" if self.guid else f"title {normalised(self.title)}"
        return sha256(f"{self.source}\n{own_name}".encode()).hexdigest()[:ID_LENGTH]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredItem:
    """An item as it was scored when it became known; it never changes again.

    `time` is when it was published: never later than `known_at`, the system clock when it was first fetched, which
    also stands in where the source names no time. `polarity` lies in [-1, 1], `weight` (its source's) in (0, 1].
    `assets` are the codes its title speaks of (`BTC`), in order.
    """

    item_id: str
    source: str
    title: str
    url: str
    time: datetime
    known_at: datetime
    polarity: float
    weight: float
    assets: tuple[str, ...]
    scorer: str

    def __post_init__(self) -> None:
        if not -1 <= self.polarity <= 1:
            raise InvalidValueError(f"polarity must be in [-1, 1], was {self.polarity}")
        if not 0 < self.weight <= 1:
            raise InvalidValueError(f"weight must be in (0, 1], was {self.weight}")
        if self.time > self.known_at:
            raise InvalidValueError(f"item cannot be known at {self.known_at} before it is published at {self.time}")


def first_known(items: Iterable[ScoredItem]) -> list[ScoredItem]:
    """Return each item once, as it was known first, in the order of their ids.

    Ties are broken by the item itself, so that the order of `items` never matters.
    """
    first: dict[str, ScoredItem] = {}
    for item in items:
        known = first.get(item.item_id)
        if known is None or (item.known_at, item.time, item.title) < (known.known_at, known.time, known.title):
            first[item.item_id] = item
    return [first[item_id] for item_id in sorted(first)]
