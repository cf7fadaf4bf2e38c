"""News and what they said, in memory."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.sentiment.aggregation import SentimentAggregate
from signalbox.domain.sentiment.fear_greed import FearGreed
from signalbox.domain.sentiment.items import NewsItem, ScoredItem
from signalbox.ports.sentiment import FeedState, Reading
from tests.fakes.storing import add_once, require_limit


class InMemoryNews:
    """`ports.NewsRepository`."""

    def __init__(self) -> None:
        self.stored: dict[str, ScoredItem] = {}
        self.states: dict[str, FeedState] = {}

    def add(self, items: Iterable[ScoredItem]) -> int:
        return sum(
            add_once(self.stored, item.item_id, item) for item in {each.item_id: each for each in items}.values()
        )

    def published(self, after: datetime, until: datetime) -> list[ScoredItem]:
        found = [item for item in self.stored.values() if after < item.time <= until]
        return sorted(found, key=lambda item: item.time)

    def feed_state(self, source: str) -> FeedState | None:
        return self.states.get(source)

    def keep_feed_state(self, source: str, state: FeedState) -> None:
        self.states[source] = state


class InMemorySentiment:
    """`ports.SentimentRepository`."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, Timeframe, datetime], SentimentAggregate] = {}
        self.index: dict[datetime, FearGreed] = {}

    def add(self, aggregate: SentimentAggregate) -> bool:
        return add_once(self.stored, (aggregate.asset, aggregate.timeframe, aggregate.created_at), aggregate)

    def between(
        self, asset: str, timeframe: Timeframe, since: datetime, until: datetime, limit: int
    ) -> list[SentimentAggregate]:
        require_limit(limit)
        of_series = [each for each in self.stored.values() if (each.asset, each.timeframe) == (asset, timeframe)]
        found = [each for each in of_series if since <= each.created_at < until]
        return sorted(found, key=lambda each: each.created_at, reverse=True)[:limit]

    def add_index(self, value: FearGreed) -> bool:
        return add_once(self.index, value.time, value)

    def index_between(self, since: datetime, until: datetime, limit: int) -> list[FearGreed]:
        require_limit(limit)
        return [self.index[time] for time in sorted(self.index, reverse=True) if since <= time < until][:limit]


@dataclass
class FakeNewsSource:
    """`ports.NewsSource` that answers what it was given; an error is raised. `asked` lists the states it was shown."""

    source: str = "wire"
    weight: float = 1.0
    items: list[NewsItem] = field(default_factory=list)
    state: FeedState | None = None
    flaw: str = ""
    error: Exception | None = None
    asked: list[FeedState | None] = field(default_factory=list)

    def read(self, state: FeedState | None) -> Reading:
        self.asked.append(state)
        if self.error:
            raise self.error
        return Reading(self.items, self.state, self.flaw)
