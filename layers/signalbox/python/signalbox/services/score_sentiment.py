"""Read the news, score what is new, and on the hour record the mood as it was known then.

An aggregate at t uses only items published and known by t. What is fetched in t's own turn is known a moment later and
counts from the next turn on; so an aggregate depends on nothing but what was stored, and a turn handled again, late or
after a crash, records what it would have recorded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from signalbox.domain.errors import SignalboxError
from signalbox.domain.instants import from_ms, to_ms
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.sentiment.aggregation import RULES, aggregates, rule_of
from signalbox.domain.sentiment.items import NewsItem, ScoredItem
from signalbox.domain.sentiment.recognition import assets_in
from signalbox.ports.sentiment import IndexSource, NewsRepository, NewsSource, SentimentRepository, SentimentScorer

QUARTER = Timeframe.M15
"""How often the news are read."""

TOLERATED_SKEW = timedelta(minutes=10)
"""How far a source's clock may run ahead; an item dated later than that is not taken for now."""


@dataclass(frozen=True, slots=True)
class SentimentReport:
    """What was read and recorded.

    `dated_ahead` items claim a time that is yet to come; they are taken when it has. `flaws` and `failures` say, by
    source, what could not be read of a feed, and why a source gave nothing.
    """

    sources: int
    fetched: int
    new_items: int
    dated_ahead: int
    aggregates: int
    index_values: int
    failed: int
    flaws: Mapping[str, str] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Findings:
    """What came of the sources read so far: items fetched, new, and dated ahead; what was wrong, by source."""

    fetched: int = 0
    new: int = 0
    ahead: int = 0
    flaws: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


def score_sentiment(
    *,
    scheduled_at: datetime,
    now: datetime,
    sources: Sequence[NewsSource],
    index: IndexSource | None,
    scorer: SentimentScorer,
    news: NewsRepository,
    record: SentimentRepository,
) -> SentimentReport:
    """Record the aggregates of the turn that `scheduled_at` falls into, then read every source.

    A source that fails stops neither the others nor the aggregates; the report names it. Without any source there is
    nothing to record.
    """
    as_of = from_ms(QUARTER.floor(to_ms(scheduled_at)))
    recorded = _record_aggregates(as_of, now, news, record) if sources else 0
    found = _Findings()
    for source in sources:
        _read_source(source, scorer, news, now, found)
    index_values = _record_index(index, now, record, found.failures)
    return SentimentReport(
        sources=len(sources),
        fetched=found.fetched,
        new_items=found.new,
        dated_ahead=found.ahead,
        aggregates=recorded,
        index_values=index_values,
        failed=len(found.failures),
        flaws=found.flaws,
        failures=found.failures,
    )


def _read_source(
    source: NewsSource, scorer: SentimentScorer, news: NewsRepository, now: datetime, found: _Findings
) -> None:
    """Score and store what is new of one source, and note in `found` what came of it."""
    try:
        reading = source.read(news.feed_state(source.source))
    except SignalboxError as e:
        found.failures[source.source] = str(e)
        return
    early = [item for item in reading.items if item.published_at and item.published_at > now + TOLERATED_SKEW]
    timely = [item for item in reading.items if item not in early]
    found.new += news.add([_scored(item, source.weight, scorer, now) for item in timely])
    # Only now: had this died before, the next reading must be told everything again.
    if reading.state and not early:
        news.keep_feed_state(source.source, reading.state)
    found.fetched += len(reading.items)
    found.ahead += len(early)
    if reading.flaw:
        found.flaws[source.source] = reading.flaw


def _record_aggregates(as_of: datetime, now: datetime, news: NewsRepository, record: SentimentRepository) -> int:
    due = [timeframe for timeframe in RULES if to_ms(as_of) % timeframe.milliseconds == 0]
    if not due:
        return 0
    window = max(rule_of(timeframe).window for timeframe in due)
    items = news.published(as_of - window, as_of)
    return sum(
        record.add(each)
        for timeframe in due
        for each in aggregates(items, timeframe=timeframe, created_at=as_of, published_at=now)
    )


def _record_index(
    index: IndexSource | None, now: datetime, record: SentimentRepository, failures: dict[str, str]
) -> int:
    if index is None:
        return 0
    try:
        values = index.read(now)
    except SignalboxError as e:
        failures["fear_greed"] = str(e)
        return 0
    return sum(record.add_index(value) for value in values)


def _scored(item: NewsItem, weight: float, scorer: SentimentScorer, now: datetime) -> ScoredItem:
    return ScoredItem(
        item_id=item.item_id,
        source=item.source,
        title=item.title,
        url=item.url,
        time=min(item.published_at or now, now),
        known_at=now,
        polarity=scorer.polarity(item.title),
        weight=weight,
        assets=assets_in(item.title),
        scorer=scorer.version,
    )
