"""`/signals/api/sentiment`: the mood of the news about an asset as it was known, the Fear & Greed index beside it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from chalice.app import Blueprint, Response

from signalbox import bootstrap
from signalbox.api.answers import SentimentAnswer
from signalbox.api.endpoint import Endpoints
from signalbox.api.inputs import SentimentQuery, require_order
from signalbox.api.kept import answered, kept
from signalbox.api.pages import DAY, day_of
from signalbox.domain.caching.versions import SENTIMENT
from signalbox.domain.instants import to_iso
from signalbox.domain.sentiment.aggregation import SentimentAggregate, rule_of
from signalbox.domain.sentiment.fear_greed import PARTLY_PRICE_DERIVED, FearGreed

DEFAULT_SPAN = timedelta(days=7)
INDEX_VALUES = 90
"""Most days of the index in one answer."""

endpoints = Endpoints(Blueprint(__name__))


@endpoints.add("GET", "/signals/api/sentiment", SentimentAnswer, query=SentimentQuery, is_checked=True)
def sentiment(query: SentimentQuery) -> Response:
    """Return the aggregates of an asset, newest first; of the market and the last 7 days where none is asked for.

    Sentiment has no weight in signals. Every tier sees the same.
    """
    require_order(query.since, query.until)
    now = bootstrap.clock().now()
    until = query.until or day_of(now) + 2 * DAY
    since = query.since or (query.until or day_of(now)) - DEFAULT_SPAN
    asked = {"of": "sentiment", "asset": query.asset, "timeframe": str(query.timeframe), "limit": query.limit}
    asked |= {"since": to_iso(since), "until": to_iso(until)}
    return answered(kept(asked, (SENTIMENT,), lambda: _document(query, since, until), now=now))


def _document(query: SentimentQuery, since: datetime, until: datetime) -> dict[str, Any]:
    record = bootstrap.sentiment_repository()
    rule = rule_of(query.timeframe)
    return {
        "asset": query.asset,
        "timeframe": query.timeframe,
        "weight_in_signals": 0,
        "rule": {
            "half_life_hours": rule.half_life / timedelta(hours=1),
            "shrinkage_k": rule.shrinkage,
            "minimum_n": rule.minimum,
        },
        "sentiment": [_represent(each) for each in record.between(
            query.asset, query.timeframe, since, until, query.limit
        )],
        "fear_greed": _index(record.index_between(day_of(since), until, INDEX_VALUES)),
    }  # fmt: skip


def _represent(aggregate: SentimentAggregate) -> dict[str, Any]:
    return {
        "created_at": to_iso(aggregate.created_at),
        "published_at": to_iso(aggregate.published_at),
        "score": aggregate.score,
        "mean": aggregate.mean,
        "n": aggregate.n,
        "effective_n": aggregate.effective_n,
        "dispersion": aggregate.dispersion,
        "shrinkage": aggregate.shrinkage,
        "sources": {source: {"n": share.n, "mean": share.mean} for source, share in aggregate.sources.items()},
        "rules_version": aggregate.rules_version,
    }


def _index(values: Sequence[FearGreed]) -> dict[str, Any]:
    return {
        "source": "alternative.me",
        "partly_price_derived": True,
        "note": PARTLY_PRICE_DERIVED,
        "values": [
            {
                "day": to_iso(value.time),
                "known_at": to_iso(value.known_at),
                "value": value.value,
                "classification": value.classification,
            }
            for value in values
        ],
    }
