"""What is counted, how it is summed, what that costs to read, and how it is made anew."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.rebuild import rebuild
from signalbox.domain.caching.versions import MADE_ANEW
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.events import EventKind, SignalEvent
from signalbox.domain.signals.signal import NULL_STRATEGY, Origin, Signal, SignalType, Status
from signalbox.domain.statistics.daily import of, total
from signalbox.domain.statistics.keys import ALL
from signalbox.ports.statistics import Pieces, Series
from signalbox.services.read_statistics import (
    MOST_PIECES,
    Cut,
    Grouping,
    Question,
    group_statistics,
    strategy_records,
)
from signalbox.services.update_read_models import update_read_models
from tests.builders import NOW, ended, make_event, make_signal
from tests.fakes.caching import InMemoryVersions
from tests.fakes.signals import InMemorySignals
from tests.fakes.statistics import Generation, InMemoryStatistics
from tests.unit.domain.statistics.samples import random_signals

YEAR = Question(origin=Origin.LIVE, since=date(2024, 1, 1), until=date(2025, 1, 1))


def events_of(signals: Sequence[Signal]) -> list[SignalEvent]:
    kinds = (EventKind.PUBLISHED, EventKind.REVISED, EventKind.ENDED)
    return [
        make_event(signal, kind)
        for signal in signals
        for kind in kinds
        if kind is not EventKind.ENDED or signal.status is not Status.OPEN
    ]


def stored(signals: Sequence[Signal]) -> InMemorySignals:
    repository = InMemorySignals()
    for signal in signals:
        repository.add(signal)
    return repository


def counted(signals: Sequence[Signal]) -> InMemoryStatistics:
    statistics = InMemoryStatistics()
    update_read_models(
        events_of(signals), signals=stored(signals), statistics=statistics, versions=InMemoryVersions(), now=NOW
    )
    return statistics


SAMPLE = random_signals(seed=3, count=15)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_order_and_any_repetition_of_events_count_each_once(data: st.DataObject) -> None:
    events = events_of(SAMPLE)
    again = data.draw(st.lists(st.sampled_from(events), max_size=30))
    shuffled = data.draw(st.permutations(events + again))
    cut = data.draw(st.integers(0, len(shuffled)))
    statistics = InMemoryStatistics()
    for part in (shuffled[:cut], shuffled[cut:]):
        update_read_models(part, signals=stored(SAMPLE), statistics=statistics, versions=InMemoryVersions(), now=NOW)
    (row,) = group_statistics(YEAR, None, statistics.reader())
    assert row.own == total(map(of, SAMPLE))


def test_revisions_are_not_counted() -> None:
    signal = make_signal()
    revised = make_event(signal, EventKind.REVISED)
    report = update_read_models(
        [revised], signals=stored([signal]), statistics=InMemoryStatistics(), versions=InMemoryVersions(), now=NOW
    )
    assert (report.events, report.counted) == (0, 0)


def test_an_event_of_a_signal_that_is_not_there_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="must be stored, was not found"):
        update_read_models(
            events_of([make_signal()]),
            signals=stored([]),
            statistics=InMemoryStatistics(),
            versions=InMemoryVersions(),
            now=NOW,
        )


def test_the_ending_of_an_open_signal_is_refused_rather_than_counted_as_nothing() -> None:
    signal = make_signal()
    with pytest.raises(InvalidValueError, match="must have ended"):
        update_read_models(
            [make_event(signal, EventKind.ENDED)],
            signals=stored([signal]),
            statistics=InMemoryStatistics(),
            versions=InMemoryVersions(),
            now=NOW,
        )


def test_made_anew_from_the_signals_the_statistics_are_what_they_were() -> None:
    signals = [*SAMPLE, ended(make_signal(strategy=NULL_STRATEGY)), ended(make_signal(NOW - timedelta(days=400)))]
    statistics = counted(signals)
    kept = statistics.reader().stored
    versions = InMemoryVersions()
    report = rebuild(stored(signals), statistics, versions, now=NOW + timedelta(days=90), pause=lambda _seconds: None)
    assert statistics.reader().stored == kept
    assert statistics.reader().stored is not kept
    assert report.signals == len(signals)
    assert set(versions.stored) == {MADE_ANEW}


@pytest.fixture
def various() -> list[Signal]:
    """Two strategies and the coin, two symbols, both types, over ten weeks; some still open."""
    return [
        ended(signal, r=r) if number % 4 else signal
        for number, (strategy, r) in enumerate([("a", 1.0), ("b", -1.0), (NULL_STRATEGY, 0.25)] * 12)
        for signal in [
            make_signal(
                NOW + timedelta(days=2 * number),
                strategy=strategy,
                symbol=("BTC/USDT", "ETH/USDT")[number % 2],
                signal_type=(SignalType.BUY, SignalType.SELL)[number // 2 % 2],
                regime=("UP/LOW", "UP/HIGH", "RANGE/LOW")[number // 3 % 3],
            )
        ]
    ]


GROUPS = {
    Grouping.DAY: lambda signal: f"{signal.created_at:%Y-%m-%d}",
    Grouping.WEEK: lambda signal: str(signal.created_at.date() - timedelta(days=signal.created_at.weekday())),
    Grouping.MONTH: lambda signal: f"{signal.created_at:%Y-%m}",
    Grouping.STRATEGY: lambda signal: signal.strategy,
    Grouping.TIMEFRAME: lambda signal: str(signal.timeframe),
    Grouping.SYMBOL: lambda signal: signal.symbol,
    Grouping.SIGNAL_TYPE: lambda signal: str(signal.signal_type),
    Grouping.REGIME: lambda signal: signal.regime,
}


@pytest.mark.parametrize("grouping", list(Grouping))
def test_every_grouping_equals_a_recount_of_the_signals(various: list[Signal], grouping: Grouping) -> None:
    since, until = date(2024, 1, 9), date(2024, 3, 4)
    question = Question(origin=Origin.LIVE, since=since, until=until)
    rows = group_statistics(question, grouping, counted(various).reader())
    within = [each for each in various if since <= each.created_at.date() < until]
    own = [each for each in within if each.strategy != NULL_STRATEGY]
    coin = [each for each in within if each.strategy == NULL_STRATEGY]
    group = GROUPS[grouping]
    assert [row.group for row in rows] == sorted({group(each) for each in own})
    for row in rows:
        assert row.own == total(of(each) for each in own if group(each) == row.group)
        whole = grouping is Grouping.STRATEGY
        assert row.base == total(of(each) for each in coin if whole or group(each) == row.group)


def test_a_cut_narrows_every_sum_and_a_regime_may_be_one_axis(various: list[Signal]) -> None:
    reader = counted(various).reader()
    for cut, value, fits in (
        (Cut.SYMBOL, "BTC/USDT", lambda each: each.symbol == "BTC/USDT"),
        (Cut.REGIME, "UP", lambda each: each.regime.startswith("UP/")),
        (Cut.REGIME, "UP/LOW", lambda each: each.regime == "UP/LOW"),
    ):
        question = Question(origin=Origin.LIVE, since=YEAR.since, until=YEAR.until, cut=cut, value=value, strategy="a")
        (row,) = group_statistics(question, None, reader)
        assert row.own == total(of(each) for each in various if each.strategy == "a" and fits(each))


@dataclass
class CountingReader:
    """A reader that knows how many queries it made, and how many items they may have read."""

    inner: Generation
    queries: int = 0
    items: list[int] = field(default_factory=list)

    def series(self, origin: Origin) -> list[Series]:
        self.queries += 1
        return self.inner.series(origin)

    def pieces(self, *asked: Any) -> Pieces:
        self.queries += 1
        found = self.inner.pieces(*asked)
        self.items.append(sum(map(len, found.values())))
        return found


def test_a_year_of_one_strategy_costs_three_queries_of_months_and_of_the_days_of_broken_months() -> None:
    statistics = InMemoryStatistics()
    daily = [make_signal(NOW + timedelta(days=at)) for at in range(-400, 100)]
    update_read_models(
        events_of(daily), signals=stored(daily), statistics=statistics, versions=InMemoryVersions(), now=NOW
    )
    reader = CountingReader(statistics.reader())
    question = Question(
        origin=Origin.LIVE, since=date(2023, 2, 15), until=date(2024, 2, 15), strategy="trend_following"
    )
    (row,) = group_statistics(question, None, reader)
    assert row.own.count("published") == 365
    assert reader.queries == 1 + 3
    assert reader.items == [14, 11, 14]


class ManySymbols:
    """`ports.StatisticsReader` of eight strategies and the coin, on so many timeframes, each with so many symbols;
    counts queries."""

    def __init__(self, symbols: int, timeframes: Sequence[Timeframe]) -> None:
        self._cuts = frozenset(f"symbol=S{number}/USDT" for number in range(symbols))
        self._timeframes = timeframes
        self.queries = 0

    def series(self, _origin: Origin) -> list[Series]:
        names = [NULL_STRATEGY, *(f"s{number}" for number in range(8))]
        return [Series(name, timeframe, self._cuts) for name in names for timeframe in self._timeframes]

    def pieces(self, *_asked: object) -> Pieces:
        self.queries += 1
        return {}


@pytest.mark.parametrize("timeframes", [[Timeframe.H1], [Timeframe.H1, Timeframe.H4]])
def test_a_year_by_symbol_costs_three_queries_for_each_strategy_and_timeframe(timeframes: list[Timeframe]) -> None:
    reader = ManySymbols(100, timeframes)
    question = Question(origin=Origin.LIVE, since=date(2023, 2, 15), until=date(2024, 2, 15))
    assert group_statistics(question, Grouping.SYMBOL, reader) == []
    assert reader.queries == 3 * 9 * len(timeframes)


def test_a_question_about_more_pieces_than_an_answer_may_be_made_of_is_refused_before_the_first() -> None:
    most = MOST_PIECES // (12 * 9)
    assert group_statistics(YEAR, Grouping.SYMBOL, ManySymbols(most, [Timeframe.H1])) == []
    reader = ManySymbols(most + 1, [Timeframe.H1])
    with pytest.raises(InvalidValueError, match=f"at most {MOST_PIECES:,} days and months, this one may be of more"):
        group_statistics(YEAR, Grouping.SYMBOL, reader)
    assert reader.queries == 0


def test_the_coin_is_there_before_anything_was_counted() -> None:
    assert list(strategy_records(YEAR, InMemoryStatistics().reader())) == [NULL_STRATEGY]


def test_a_strategys_record_is_whole_and_by_month_with_the_coin_first(various: list[Signal]) -> None:
    records = strategy_records(YEAR, counted(various).reader())
    assert list(records) == [NULL_STRATEGY, "a", "b"]
    for name, record in records.items():
        own = [each for each in various if each.strategy == name]
        assert record.statistics == total(map(of, own)) == total(record.months.values())
        assert (record.figures.edge is None) == (name == NULL_STRATEGY)
    assert records["a"].statistics.numbers.keys() >= {"published", "booked"}
    assert ALL not in records


def test_a_strategy_of_which_nothing_has_ended_leaves_every_record_as_it_was(various: list[Signal]) -> None:
    before = strategy_records(YEAR, counted(various).reader())
    opened = make_signal(NOW + timedelta(days=1), strategy="c")
    assert strategy_records(YEAR, counted([*various, opened]).reader()) == before
