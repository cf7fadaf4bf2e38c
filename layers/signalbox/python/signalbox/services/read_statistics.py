"""Sum the stored pieces of statistics that a question is about; every sum has the coin's beside it."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import NULL_STRATEGY, Origin, Status
from signalbox.domain.statistics.daily import DailyStatistics, total
from signalbox.domain.statistics.figures import Figures, compare
from signalbox.domain.statistics.keys import ALL, kind_of, value_of
from signalbox.domain.statistics.periods import Span, days, pieces_in, spans
from signalbox.ports.statistics import Pieces, Series, StatisticsReader


class Cut(StrEnum):
    """What signals can be told apart by, one at a time."""

    SYMBOL = "symbol"
    SIGNAL_TYPE = "signal_type"
    REGIME = "regime"


class Grouping(StrEnum):
    """What each row of an answer stands for."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    STRATEGY = "strategy"
    TIMEFRAME = "timeframe"
    SYMBOL = "symbol"
    SIGNAL_TYPE = "signal_type"
    REGIME = "regime"


MOST_PIECES = 75_000
"""Stored pieces that one answer by symbol, type or regime may be made of: with more it would come too late. A year of
a hundred symbols, nine strategies and two timeframes has some 74,000 at most."""
CUT_GROUPS = (Grouping.SYMBOL, Grouping.SIGNAL_TYPE, Grouping.REGIME)
"""Those that are a `Cut` of the same name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Signals created on the days [since, until), of one origin.

    Without a `strategy` all but the coin; without a `timeframe` all. `cut` with its `value` narrows them further; a
    regime may be named by one of its axes (`UP`).
    """

    origin: Origin
    since: date
    until: date
    strategy: str | None = None
    timeframe: Timeframe | None = None
    cut: Cut | None = None
    value: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """The statistics of one group, and the coin's of the same group; `group` is empty where there is but one."""

    group: str
    own: DailyStatistics
    base: DailyStatistics


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyRecord:
    """What one strategy came to: all of it, and by month of creation."""

    figures: Figures
    statistics: DailyStatistics
    months: Mapping[str, DailyStatistics]


@dataclass(frozen=True, slots=True)
class _Piece:
    series: Series
    cut: str
    day: date
    numbers: DailyStatistics


def group_statistics(question: Question, grouping: Grouping | None, reader: StatisticsReader) -> list[Row]:
    """Return a row per group, in order: without a grouping always one, with one those that have a signal of their own.

    Costs one query for what there is, and for each strategy and timeframe at most three: the days of the first broken
    month, whole months, the days of the last. By day and by week it is one, of all the days. One value of a cut is read
    by its keys. Raises InvalidValueError where there may be more than `MOST_PIECES`.
    """
    own: dict[str, list[DailyStatistics]] = defaultdict(list)
    base: dict[str, list[DailyStatistics]] = defaultdict(list)
    group_of = _group_of(grouping)
    for piece in _pieces(question, grouping, reader):
        group = group_of(piece)
        is_coin = piece.series.strategy == NULL_STRATEGY
        if _is_asked_for(piece.series, question):
            own[group].append(piece.numbers)
        if is_coin:
            base[ALL if grouping is Grouping.STRATEGY else group].append(piece.numbers)
    if grouping is None:
        return [Row("", total(own[""]), total(base[""]))]
    return [
        Row(group, total(own[group]), total(base[ALL if grouping is Grouping.STRATEGY else group]))
        for group in sorted(own)
    ]


def strategy_records(question: Question, reader: StatisticsReader) -> dict[str, StrategyRecord]:
    """Return the record of every strategy, the coin first, with edges judged over all of them.

    A `strategy` in the question does not narrow this: an edge is judged among everything that was looked at. One of
    which nothing has ended is not among them: that it is there would tell of signals before a caller's tier may know.
    """
    months: dict[str, dict[str, list[DailyStatistics]]] = defaultdict(lambda: defaultdict(list))
    months[NULL_STRATEGY] = defaultdict(list)
    for piece in _pieces(question, Grouping.MONTH, reader, everybody=True):
        months[piece.series.strategy][f"{piece.day:%Y-%m}"].append(piece.numbers)
    by_month = {
        strategy: {month: total(values) for month, values in sorted(found.items())}
        for strategy, found in months.items()
    }
    sums = {strategy: total(found.values()) for strategy, found in by_month.items()}
    whole = {name: each for name, each in sums.items() if name == NULL_STRATEGY or each.ended(*Status)}
    judged = compare(whole)
    names = sorted(whole, key=lambda name: (name != NULL_STRATEGY, name))
    return {name: StrategyRecord(figures=judged[name], statistics=whole[name], months=by_month[name]) for name in names}


def _pieces(
    question: Question, grouping: Grouping | None, reader: StatisticsReader, *, everybody: bool = False
) -> Iterator[_Piece]:
    """Read what the question is about and the coin's, which is its base; `everybody`: of every strategy."""
    spans_asked = _spans(question, grouping)
    kind = str(grouping) if grouping in CUT_GROUPS else ALL
    wanted = [each for each in reader.series(question.origin) if _is_wanted(each, question, everybody=everybody)]
    cuts = sum(kind_of(cut) == kind for series in wanted for cut in series.cuts)
    if question.cut is None and cuts * sum(len(pieces_in(span)) for span in spans_asked) > MOST_PIECES:
        raise InvalidValueError(
            f"an answer must be made of at most {MOST_PIECES:,} days and months, this one may be of more: ask for one "
            "strategy or timeframe, for fewer days, or for whole months"
        )
    for series in wanted:
        for span in spans_asked:
            for cut, found in _read(series, kind, span, question, reader).items():
                yield from (_Piece(series, cut, day, numbers) for day, numbers in found.items())


def _read(series: Series, kind: str, span: Span, question: Question, reader: StatisticsReader) -> Pieces:
    if question.cut is None:
        return reader.pieces(question.origin, series, kind, span)
    asked = [cut for cut in sorted(series.cuts) if _fits(cut, question)]
    return {cut: reader.pieces_of(question.origin, series, cut, span) for cut in asked}


def _is_wanted(series: Series, question: Question, *, everybody: bool) -> bool:
    is_wanted = everybody or series.strategy == NULL_STRATEGY or _is_asked_for(series, question)
    return is_wanted and question.timeframe in (None, series.timeframe)


def _is_asked_for(series: Series, question: Question) -> bool:
    if question.strategy is None:
        return series.strategy != NULL_STRATEGY
    return series.strategy == question.strategy


def _spans(question: Question, grouping: Grouping | None) -> list[Span]:
    by_day = grouping in (Grouping.DAY, Grouping.WEEK)
    return (days if by_day else spans)(question.since, question.until)


def _fits(cut: str, question: Question) -> bool:
    """Return whether a cut is the one that the question names, or a regime of the axis that it names."""
    value = value_of(cut)
    same = value == question.value or (question.cut is Cut.REGIME and question.value in value.split("/"))
    return kind_of(cut) == question.cut and same


def _group_of(grouping: Grouping | None) -> Callable[[_Piece], str]:
    if grouping is None:
        return lambda _piece: ""
    if grouping in CUT_GROUPS:
        return lambda piece: value_of(piece.cut)
    return {
        Grouping.DAY: lambda piece: piece.day.isoformat(),
        Grouping.WEEK: lambda piece: (piece.day - timedelta(days=piece.day.weekday())).isoformat(),
        Grouping.MONTH: lambda piece: f"{piece.day:%Y-%m}",
        Grouping.STRATEGY: lambda piece: piece.series.strategy,
        Grouping.TIMEFRAME: lambda piece: str(piece.series.timeframe),
    }[grouping]
