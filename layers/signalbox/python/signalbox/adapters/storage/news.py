"""News items in DynamoDB: each by its id, so that it counts once however often it is fetched, and by the day it was
published, so that the window of an aggregate is a few queries. What each feed said last lies beside them.

The index is read a moment after it is written, and may then lack the newest items. Aggregates use only what was known
when their turn began, which was stored a quarter of an hour before.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from pynamodb.attributes import TTLAttribute, UnicodeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex

from signalbox.adapters.clocks import WallClock
from signalbox.adapters.storage.attributes import FloatAttribute, MomentAttribute, WordsAttribute, sortable_iso
from signalbox.adapters.storage.dynamo import RawItem, Table, call
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.sentiment.items import ScoredItem
from signalbox.ports.sentiment import FeedState
from signalbox.ports.work import Clock
from signalbox.settings import settings

_DAY = timedelta(days=1)
_MOST_KEYS = 100
"""Keys of one BatchGetItem."""


class NewsByDay(GlobalSecondaryIndex["NewsTableItem"]):  # type: ignore[no-untyped-call] # PynamoDB leaves it untyped
    """The items of one day by time. Sparse: what a feed said last has no day."""

    class Meta:
        index_name = "by-day"
        projection = AllProjection()

    day = UnicodeAttribute(hash_key=True)
    time = MomentAttribute(range_key=True)


class NewsTableItem(Table):
    """One scored item, or under `feed#<source>` what a feed said last."""

    class Meta:
        table_name = ""

    setting = "NEWS_TABLE"
    item_id = UnicodeAttribute(hash_key=True)
    ttl = TTLAttribute()
    day = UnicodeAttribute(null=True)
    time = MomentAttribute(null=True)
    known_at = MomentAttribute(null=True)
    source = UnicodeAttribute(null=True)
    title = UnicodeAttribute(null=True)
    url = UnicodeAttribute(null=True)
    polarity = FloatAttribute(null=True)
    weight = FloatAttribute(null=True)
    assets = WordsAttribute(null=True)
    scorer = UnicodeAttribute(null=True)
    etag = UnicodeAttribute(null=True)
    last_modified = UnicodeAttribute(null=True)
    by_day = NewsByDay()


_STORED_AS_IS = ("item_id", "source", "title", "url", "time", "known_at", "polarity", "weight", "assets", "scorer")


class DynamoNewsRepository:
    """Implements `ports.NewsRepository`.

    Parameters
    ----------
    clock : Clock, optional
        What items expire by: the wall clock, also in stepped runs.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or WallClock()

    def add(self, items: Iterable[ScoredItem]) -> int:
        """Store those that are new, each by its id; what is stored never changes. Return how many were new.

        Feeds repeat themselves, and a read costs a tenth of a refused write: so what is known is asked first.
        """
        by_id = {item.item_id: item for item in items}
        expiry = _end(self._clock.now())
        known = _known(list(by_id))
        return sum(
            NewsTableItem(
                day=_day(item.time), ttl=expiry, **{name: getattr(item, name) for name in _STORED_AS_IS}
            ).put_new()
            for item in by_id.values()
            if item.item_id not in known
        )

    def published(self, after: datetime, until: datetime) -> list[ScoredItem]:
        """Return the items published in (after, until], oldest first."""
        found = [raw for day in _days(after, until) for page in _of_day(day, after, until) for raw in page]
        items = [_item_of(raw) for raw in found]
        return [item for item in items if after < item.time <= until]

    def feed_state(self, source: str) -> FeedState | None:
        """Return what `source` said last, or None."""
        found = NewsTableItem.fetch(item_id=f"feed#{source}")
        return None if found is None else FeedState(found["etag"] or "", found["last_modified"] or "")

    def keep_feed_state(self, source: str, state: FeedState) -> None:
        """Keep what `source` said."""
        expiry = _end(self._clock.now())
        NewsTableItem(
            f"feed#{source}", ttl=expiry, etag=state.etag or None, last_modified=state.last_modified or None
        ).save()


def _known(item_ids: Sequence[str]) -> set[str]:
    """Return those of `item_ids` that are stored. One that is overlooked is refused when it is written."""
    table, found = NewsTableItem.name(), set()
    for first in range(0, len(item_ids), _MOST_KEYS):
        keys = [{"item_id": {"S": item_id}} for item_id in item_ids[first : first + _MOST_KEYS]]
        reply = call("BatchGetItem", {"RequestItems": {table: {"Keys": keys, "ProjectionExpression": "item_id"}}})
        found |= {raw["item_id"]["S"] for raw in reply["Responses"][table]}
    return found


def _day(moment: datetime) -> str:
    return sortable_iso(moment)[:10]


def _days(after: datetime, until: datetime) -> Iterator[str]:
    if until - after > 366 * _DAY:
        raise InvalidValueError(f"span of news must be at most a year, was {until - after}")
    day = after
    while _day(day) <= _day(until):
        yield _day(day)
        day += _DAY


def _of_day(day: str, after: datetime, until: datetime) -> Iterator[list[RawItem]]:
    return NewsTableItem.query_raw(
        "#day = :day AND #time BETWEEN :after AND :until",
        {":day": {"S": day}, ":after": {"S": sortable_iso(after)}, ":until": {"S": sortable_iso(until)}},
        IndexName="by-day",
    )


def _item_of(raw: RawItem) -> ScoredItem:
    values = NewsTableItem.values(raw)
    return ScoredItem(**{name: values[name] for name in _STORED_AS_IS})


def _end(now: datetime) -> datetime:
    return now + timedelta(days=settings().news_kept_days)
