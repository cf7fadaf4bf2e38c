"""Sentiment in DynamoDB: one item per asset, timeframe and `created_at`; the Fear & Greed index is one more series."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Any

from pynamodb.attributes import UnicodeAttribute

from signalbox.adapters.storage.attributes import (
    CompactJSONAttribute,
    FloatAttribute,
    MomentAttribute,
    WholeAttribute,
    sortable_iso,
)
from signalbox.adapters.storage.dynamo import RawItem, Table
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import MILLISECOND
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.sentiment.aggregation import SentimentAggregate, SourceShare
from signalbox.domain.sentiment.fear_greed import FearGreed

FEAR_GREED = "fear_greed#1d"
"""The series of the index: no asset is spelled in small letters."""


class SentimentItem(Table):
    """One aggregate, or one value of the index."""

    class Meta:
        table_name = ""

    setting = "SENTIMENT_TABLE"
    series = UnicodeAttribute(hash_key=True)  # asset#timeframe
    created_at = MomentAttribute(range_key=True)
    published_at = MomentAttribute()
    score = FloatAttribute(null=True)
    mean = FloatAttribute(null=True)
    n = WholeAttribute(null=True)
    effective_n = FloatAttribute(null=True)
    dispersion = FloatAttribute(null=True)
    shrinkage = FloatAttribute(null=True)
    sources = CompactJSONAttribute(null=True)
    rules_version = WholeAttribute(null=True)
    value = WholeAttribute(null=True)  # of the index
    classification = UnicodeAttribute(null=True)


_STORED_AS_IS = (
    "created_at", "published_at", "score", "mean", "n", "effective_n", "dispersion", "shrinkage", "rules_version",
)  # fmt: skip


class DynamoSentimentRepository:
    """Implements `ports.SentimentRepository`."""

    def add(self, aggregate: SentimentAggregate) -> bool:
        """Store it; return False, changing nothing, if its asset, timeframe and `created_at` are stored."""
        return SentimentItem(
            f"{aggregate.asset}#{aggregate.timeframe}",
            sources={source: asdict(share) for source, share in aggregate.sources.items()},
            **{name: getattr(aggregate, name) for name in _STORED_AS_IS},
        ).put_new()

    def between(
        self, asset: str, timeframe: Timeframe, since: datetime, until: datetime, limit: int
    ) -> list[SentimentAggregate]:
        """Return the newest `limit` aggregates created in [since, until), newest first."""
        found = _newest(f"{asset}#{timeframe}", since, until, limit)
        return [_aggregate_of(asset, timeframe, raw) for raw in found]

    def add_index(self, value: FearGreed) -> bool:
        """Store it; return False, changing nothing, if its day has one."""
        return SentimentItem(
            FEAR_GREED,
            value.time,
            published_at=value.known_at,
            value=value.value,
            classification=value.classification,
        ).put_new()

    def index_between(self, since: datetime, until: datetime, limit: int) -> list[FearGreed]:
        """Return the newest `limit` index values for days in [since, until), newest first."""
        found = [SentimentItem.values(raw) for raw in _newest(FEAR_GREED, since, until, limit)]
        return [
            FearGreed(each["value"], each["classification"], each["created_at"], each["published_at"]) for each in found
        ]


def _newest(series: str, since: datetime, until: datetime, limit: int) -> list[RawItem]:
    if limit < 1:
        raise InvalidValueError(f"limit must be at least 1, was {limit}")
    if until - since < timedelta(milliseconds=1):
        return []
    last = sortable_iso(until - MILLISECOND)
    pages = SentimentItem.query_raw(
        "#series = :series AND #created_at BETWEEN :since AND :last",
        {":series": {"S": series}, ":since": {"S": sortable_iso(since)}, ":last": {"S": last}},
        Limit=limit,
        ScanIndexForward=False,
    )
    return list(islice(chain.from_iterable(pages), limit))


def _aggregate_of(asset: str, timeframe: Timeframe, raw: RawItem) -> SentimentAggregate:
    values = SentimentItem.values(raw)
    shares: Mapping[str, Mapping[str, Any]] = values["sources"]
    return SentimentAggregate(
        asset=asset,
        timeframe=timeframe,
        sources={source: SourceShare(**share) for source, share in shares.items()},
        **{name: values[name] for name in _STORED_AS_IS},
    )
