"""What the services need to know the mood of the news: sources, a scorer, the items known, and the record.

Every method may raise `TransientError` (try again) or `PermanentError` (do not). A conditional write says so and
returns whether it took effect, so that a message handled twice leaves what one handling leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.sentiment.aggregation import SentimentAggregate
from signalbox.domain.sentiment.fear_greed import FearGreed
from signalbox.domain.sentiment.items import NewsItem, ScoredItem


@dataclass(frozen=True, slots=True)
class FeedState:
    """What a source said of its newest version (`ETag`, `Last-Modified`), sent back so that it need not repeat it."""

    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a source had to say.

    `items` is empty where nothing is new since `state` was told. `state` is to be kept once the items are stored; None
    where the feed was flawed, so that the next reading asks for all of it again. `flaw` says what could not be read.
    """

    items: Sequence[NewsItem]
    state: FeedState | None
    flaw: str = ""


class NewsSource(Protocol):
    """One feed of headlines."""

    @property
    def source(self) -> str:
        """Its name."""
        ...

    @property
    def weight(self) -> float:
        """How much its items count, in (0, 1]."""
        ...

    def read(self, state: FeedState | None) -> Reading:
        """Return what is new since `state`.

        Raises FeedUnavailableError (no answer, throttled, 5xx) or FeedUnreadableError (refused, or no feed at all).
        """
        ...


class IndexSource(Protocol):
    """The Fear & Greed index."""

    def read(self, now: datetime) -> list[FearGreed]:
        """Return the newest values, oldest first, as known at `now`.

        Raises FeedUnavailableError or FeedUnreadableError.
        """
        ...


class SentimentScorer(Protocol):
    """Turns a headline into a polarity."""

    @property
    def version(self) -> str:
        """Which scorer with which words: stored with every item it scored."""
        ...

    def polarity(self, text: str) -> float:
        """Return how good the news is, in [-1, 1]."""
        ...


class NewsRepository(Protocol):
    """Scored items, kept as long as an aggregate may look back; and what each feed said of its newest version."""

    def add(self, items: Iterable[ScoredItem]) -> int:
        """Store those that are new, each by its id; what is stored never changes. Return how many were new."""
        ...

    def published(self, after: datetime, until: datetime) -> list[ScoredItem]:
        """Return the items published in (after, until]."""
        ...

    def feed_state(self, source: str) -> FeedState | None:
        """Return what `source` said last, or None."""
        ...

    def keep_feed_state(self, source: str, state: FeedState) -> None:
        """Keep what `source` said."""
        ...


class SentimentRepository(Protocol):
    """The record of aggregates, and the Fear & Greed index beside it. Nothing in it ever changes."""

    def add(self, aggregate: SentimentAggregate) -> bool:
        """Store it; return False, changing nothing, if its asset, timeframe and `created_at` are stored."""
        ...

    def between(
        self, asset: str, timeframe: Timeframe, since: datetime, until: datetime, limit: int
    ) -> list[SentimentAggregate]:
        """Return the newest `limit` aggregates created in [since, until), newest first."""
        ...

    def add_index(self, value: FearGreed) -> bool:
        """Store it; return False, changing nothing, if its day has one."""
        ...

    def index_between(self, since: datetime, until: datetime, limit: int) -> list[FearGreed]:
        """Return the newest `limit` index values for days in [since, until), newest first."""
        ...
