"""Every published figure, computed from sums alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import sqrt

from signalbox.domain.errors import InvalidValueError
from signalbox.domain.signals.signal import NULL_STRATEGY, Status
from signalbox.domain.statistics.bootstrap import bootstrap_interval
from signalbox.domain.statistics.calibration import Calibration, calibration
from signalbox.domain.statistics.clusters import OVERLAP_DAYS, mean_r
from signalbox.domain.statistics.daily import DailyStatistics
from signalbox.domain.statistics.edge import Edge, edges
from signalbox.domain.statistics.rates import Interval, Rate, profit_factor, rate

QUALITY_BANDS = tuple(range(0, 100, 10))


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityBand:
    """The signals of one band of quality scores, ten points wide from `least` on."""

    least: int
    n: int
    win_rate: Rate
    expectancy: float
    expectancy_interval: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is said of one set of signals. All R are net of costs; None is "not known", never zero.

    Attributes
    ----------
    published, open, booked : int
        Signals given; not ended yet; ended with an R, expired and delisted included.
    endings : mapping of str to int
        Signals by their ending.
    win_rate : Rate
        Targets of targets and stops, ties taken as stops; `optimistic_win_rate` takes them as targets.
    wins_of_all : Rate
        Targets of everything booked.
    expectancy, optimistic_expectancy : float or None
        Mean R over everything booked, ties taken as stops, or as targets.
    expectancy_interval : Interval or None
        Of `expectancy`, by the bootstrap by day.
    bounded_expectancy : float or None
        Mean R with each R bounded at 5 either way: what edges are judged by.
    deviation : float or None
        Standard deviation of R.
    profit_factor, optimistic_profit_factor : float or None
        Gains over losses.
    ambiguous_share : float or None
        Of everything booked, what touched both levels within the finest candle there was.
    extreme, extreme_r : int, float
        Signals beyond 5 R either way, filled so near their stop that the unit of R shrank; and the sum of their R.
    total_r, max_drawdown_r : float
        Sum of R, and the deepest fall of that sum from an earlier high (or from zero), by the day of the ending.
    excluded : mapping of str to int
        DATA_GAP and INVALIDATED: counted here, in nothing else.
    """

    published: int
    open: int
    booked: int
    endings: Mapping[str, int]
    win_rate: Rate
    optimistic_win_rate: Rate
    wins_of_all: Rate
    expectancy: float | None
    expectancy_interval: Interval | None
    optimistic_expectancy: float | None
    bounded_expectancy: float | None
    deviation: float | None
    mean_cost_r: float | None
    profit_factor: float | None
    optimistic_profit_factor: float | None
    ambiguous_share: float | None
    extreme: int
    extreme_r: float
    total_r: float
    max_drawdown_r: float
    excluded: Mapping[str, int]
    calibration: Calibration | None
    edge: Edge | None = None


def figures(
    statistics: DailyStatistics,
    base: DailyStatistics | None = None,
    *,
    overlap_days: int = OVERLAP_DAYS,
) -> Figures:
    """Return the figures of one set of signals; with `base` (the coin's) also whether it alone shows an edge.

    Where several strategies are looked at, use `compare`: one of many is bound to look good.
    """
    edge = None
    if base is not None:
        edge = edges({"": statistics.days}, base.days, overlap_days)[""]
    return _figures(statistics, edge, overlap_days)


def compare(
    by_strategy: Mapping[str, DailyStatistics],
    *,
    overlap_days: int = OVERLAP_DAYS,
) -> dict[str, Figures]:
    """Return the figures of every strategy, with edges judged over all of them against the coin, which has none.

    Raises InvalidValueError if the coin is not among them: nothing is shown without its base rate.
    """
    if NULL_STRATEGY not in by_strategy:
        raise InvalidValueError(f"statistics must hold {NULL_STRATEGY!r}, held {', '.join(sorted(by_strategy))}")
    others = {name: value.days for name, value in by_strategy.items() if name != NULL_STRATEGY}
    verdicts = edges(others, by_strategy[NULL_STRATEGY].days, overlap_days)
    return {name: _figures(value, verdicts.get(name), overlap_days) for name, value in by_strategy.items()}


def quality_bands(statistics: DailyStatistics, overlap_days: int = OVERLAP_DAYS) -> list[QualityBand]:
    """Return what the signals of each band of quality scores came to, the lowest first, without empty bands."""
    bands = []
    for least in QUALITY_BANDS:
        days = statistics.quality_days(least)
        targets, stops = (statistics.count(f"quality:{least}:{ending}") for ending in ("targets", "stops"))
        expectancy = mean_r(days)
        if expectancy is not None:
            bands.append(
                QualityBand(
                    least=least,
                    n=sum(day.n for day in days.values()),
                    win_rate=rate(targets, targets + stops),
                    expectancy=expectancy,
                    expectancy_interval=bootstrap_interval(days, overlap_days),
                )
            )
    return bands


def mean_quality(statistics: DailyStatistics) -> float | None:
    """Return the mean of the middles of the bands that booked signals are in, None if there is none."""
    counts = {least: sum(day.n for day in statistics.quality_days(least).values()) for least in QUALITY_BANDS}
    n = sum(counts.values())
    return sum(count * (least + 5) for least, count in counts.items()) / n if n else None


def equity_curve(statistics: DailyStatistics) -> list[tuple[date, float]]:
    """Return the sum of net R at the end of each day on which a signal ended."""
    curve, so_far = [], 0.0
    for day, r in statistics.endings.items():
        so_far += r
        curve.append((day, so_far))
    return curve


def max_drawdown(statistics: DailyStatistics) -> float:
    """Return the deepest fall of the equity curve from an earlier high or from zero, in R, not negative."""
    high = deepest = 0.0
    for _, level in equity_curve(statistics):
        high = max(high, level)
        deepest = max(deepest, high - level)
    return deepest


def _figures(s: DailyStatistics, edge: Edge | None, overlap_days: int) -> Figures:
    booked, ambiguous = s.count("booked"), s.count("ambiguous")
    targets, stops = s.ended(Status.TARGET_HIT), s.ended(Status.STOP_HIT)
    ends = {str(status): s.ended(status) for status in Status if status is not Status.OPEN}
    return Figures(
        published=s.count("published"),
        open=s.count("published") - sum(ends.values()),
        booked=booked,
        endings=ends,
        win_rate=rate(targets, targets + stops),
        optimistic_win_rate=rate(targets + ambiguous, targets + stops),
        wins_of_all=rate(targets, booked),
        expectancy=s.amount("r") / booked if booked else None,
        expectancy_interval=bootstrap_interval(s.days, overlap_days),
        optimistic_expectancy=s.amount("optimistic_r") / booked if booked else None,
        bounded_expectancy=sum(day.bounded for day in s.days.values()) / booked if booked else None,
        deviation=_deviation(s),
        mean_cost_r=s.amount("cost") / booked if booked else None,
        profit_factor=profit_factor(s.amount("gain"), s.amount("loss")),
        optimistic_profit_factor=profit_factor(s.amount("optimistic_gain"), s.amount("optimistic_loss")),
        ambiguous_share=ambiguous / booked if booked else None,
        extreme=s.count("extreme"),
        extreme_r=s.amount("extreme_r"),
        total_r=s.amount("r"),
        max_drawdown_r=max_drawdown(s),
        excluded={str(status): s.ended(status) for status in (Status.DATA_GAP, Status.INVALIDATED)},
        calibration=calibration(s.confidence_bins),
        edge=edge,
    )


def _deviation(s: DailyStatistics) -> float | None:
    n = s.count("booked")
    if n < 2:
        return None
    return sqrt(max(s.amount("rr") - s.amount("r") ** 2 / n, 0.0) / (n - 1))
