"""Sentiment of an asset at a moment: docs/definitions.md, "sentiment".

`sum(w * exp(-age / half_life) * polarity) / sum(w * exp(-age / half_life))` over distinct items, shrunk towards 0 by
n / (n + k), and no score at all below a minimum n. `exp(-age / half_life)` is taken as written: after one `half_life`
an item counts 37 %, not 50 %.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.sentiment.items import ScoredItem, first_known
from signalbox.domain.sentiment.titles import distinct

MARKET = "MARKET"
"""The asset that stands for all of them: every item counts, whatever it speaks of."""

RULES_VERSION = 2
"""Stored with every aggregate; raised with any change of `RULES`, of duplicates, or of the sum."""


@dataclass(frozen=True, slots=True)
class SentimentRule:
    """How items become one number on one timeframe.

    `half_life` is the age at which an item counts 1/e, `shrinkage` the k of n / (n + k), `minimum` the least n that is
    given a score.
    """

    half_life: timedelta
    shrinkage: float
    minimum: int

    @property
    def window(self) -> timedelta:
        """How old an item may be to count: six half-lives, after which it weighs 0.25 %."""
        return 6 * self.half_life


RULES: Mapping[Timeframe, SentimentRule] = {
    Timeframe.H1: SentimentRule(timedelta(hours=6), shrinkage=5.0, minimum=3),
    Timeframe.H4: SentimentRule(timedelta(hours=24), shrinkage=8.0, minimum=5),
    Timeframe.D1: SentimentRule(timedelta(hours=72), shrinkage=12.0, minimum=8),
}
"""The timeframes that have a sentiment. News come by the hour: shorter ones would repeat the same number."""

LONGEST_WINDOW = max(rule.window for rule in RULES.values())
"""How far back any aggregate looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceShare:
    """What one source contributed: its distinct items and their own weighted mean polarity, not shrunk."""

    n: int
    mean: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SentimentAggregate:
    """Sentiment of `asset` as known at `created_at`.

    `score` in [-1, 1] is None below the minimum n. `mean` is the same before shrinking, None without any item. `n`
    counts distinct items; `effective_n` = (sum of weights)^2 / sum of squared weights says how many equally weighted
    ones would be as steady; `dispersion` is the weighted standard deviation of polarity (None without any item);
    `shrinkage` the factor n / (n + k). `published_at` is the system clock when it was committed.
    """

    asset: str
    timeframe: Timeframe
    created_at: datetime
    published_at: datetime
    score: float | None
    mean: float | None
    n: int
    effective_n: float
    dispersion: float | None
    shrinkage: float
    sources: Mapping[str, SourceShare] = field(default_factory=dict)
    rules_version: int = RULES_VERSION


def known_at(items: Iterable[ScoredItem], moment: datetime, window: timedelta) -> list[ScoredItem]:
    """Return each item once that was published and known by `moment` and is younger than `window`, duplicates gone.

    Of near-duplicate titles the one of the weightiest source counts; among equals the first that was published.
    """
    known = [item for item in items if item.known_at <= moment and moment - window < item.time <= moment]
    return distinct(first_known(known), rank=lambda item: (-item.weight, item.time, item.item_id))


def aggregate(
    items: Iterable[ScoredItem], *, asset: str, timeframe: Timeframe, created_at: datetime, published_at: datetime
) -> SentimentAggregate:
    """Return the sentiment of one asset over `items`, which `known_at` chose and which speak of it."""
    rule = rule_of(timeframe)
    counted = sorted(items, key=lambda item: item.item_id)
    weights = [item.weight * math.exp(-((created_at - item.time) / rule.half_life)) for item in counted]
    mean, dispersion = _moments([item.polarity for item in counted], weights)
    shrinkage = len(counted) / (len(counted) + rule.shrinkage)
    return SentimentAggregate(
        asset=asset,
        timeframe=timeframe,
        created_at=created_at,
        published_at=published_at,
        score=None if mean is None or len(counted) < rule.minimum else mean * shrinkage,
        mean=mean,
        n=len(counted),
        effective_n=math.fsum(weights) ** 2 / math.fsum(w * w for w in weights) if weights else 0.0,
        dispersion=dispersion,
        shrinkage=shrinkage,
        sources=_by_source(counted, weights),
    )


def aggregates(
    items: Iterable[ScoredItem], *, timeframe: Timeframe, created_at: datetime, published_at: datetime
) -> list[SentimentAggregate]:
    """Return the sentiment of the market, and of every asset that an item known at `created_at` speaks of.

    A pure function of what was known: items published or known later change nothing.
    """
    distinct_items = known_at(items, created_at, rule_of(timeframe).window)
    by_asset: dict[str, list[ScoredItem]] = {MARKET: distinct_items}
    for item in distinct_items:
        for asset in item.assets:
            by_asset.setdefault(asset, []).append(item)
    return [
        aggregate(by_asset[asset], asset=asset, timeframe=timeframe, created_at=created_at, published_at=published_at)
        for asset in sorted(by_asset)
    ]


def rule_of(timeframe: Timeframe) -> SentimentRule:
    """Return the rule of a timeframe; raise InvalidValueError if it has none."""
    try:
        return RULES[timeframe]
    except KeyError as e:
        known = ", ".join(RULES)
        raise InvalidValueError(f"timeframe of a sentiment must be one of {known}, was {timeframe!r}") from e


def _moments(values: list[float], weights: list[float]) -> tuple[float | None, float | None]:
    """Return the weighted mean and standard deviation, or None twice where there is nothing."""
    total = math.fsum(weights)
    if not total:
        return None, None
    mean = math.fsum(w * v for w, v in zip(weights, values, strict=True)) / total
    variance = math.fsum(w * (v - mean) ** 2 for w, v in zip(weights, values, strict=True)) / total
    return mean, math.sqrt(variance)


def _by_source(items: list[ScoredItem], weights: list[float]) -> dict[str, SourceShare]:
    shares = {}
    for source in sorted({item.source for item in items}):
        own = [(item.polarity, weight) for item, weight in zip(items, weights, strict=True) if item.source == source]
        mean, _ = _moments([polarity for polarity, _ in own], [weight for _, weight in own])
        shares[source] = SourceShare(n=len(own), mean=mean or 0.0)
    return shares
