"""The shapes of answers about statistics: types for whoever builds them, schemas for whoever reads them."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from signalbox.api.answers import Count, MomentText
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import Origin
from signalbox.services.read_statistics import Grouping

Share = Annotated[float, Field(ge=0, le=1)]
Spread = list[float]
"""The two ends of a 95 % interval."""
DayText = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
MonthText = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}$")]


class RateDocument(TypedDict):
    """`hits` of `n` with its Wilson interval; `too_few` below 30."""

    value: Share | None
    hits: Count
    n: Count
    interval: Spread | None
    too_few: bool


class FiguresDocument(TypedDict):
    """What the ended signals of one set came to. R are net of costs and null is "not known". Ties count as stops, and
    as targets in what is called optimistic; bounded means each R at 5 either way; the drawdown is of the sum of R."""

    ended: Count
    booked: Count
    too_few: bool
    endings: dict[str, int]
    excluded: dict[str, int]
    win_rate: RateDocument
    win_rate_optimistic: RateDocument
    wins_of_all: RateDocument
    expectancy: float | None
    expectancy_interval: Spread | None
    expectancy_optimistic: float | None
    expectancy_bounded: float | None
    deviation: float | None
    mean_cost_r: float | None
    profit_factor: float | None
    profit_factor_optimistic: float | None
    ambiguous_share: Share | None
    extreme: Count
    extreme_r: float
    total_r: float
    max_drawdown_r: float


class StatisticsRow(TypedDict):
    """One group's figures, and the coin's of the same group; `group` is null where there is but one."""

    group: str | None
    figures: FiguresDocument
    base: FiguresDocument


_About = TypedDict(
    "_About",
    {
        "origin": Origin,
        "from": DayText,
        "to": DayText,
        "strategy": str | None,
        "timeframe": Timeframe | None,
        "rules_version": int,
        "base": str,
    },
)


class StatisticsAnswer(_About):
    """Figures by group, for signals created on the days from `from` on and before `to`."""

    group_by: Grouping | None
    rows: list[StatisticsRow]


class EdgeDocument(TypedDict):
    """Whether a strategy's expectancy clears the coin's, judged among all that were looked at."""

    verdict: Literal["shown", "not shown"]
    reason: str
    difference: float | None
    adjusted_p: Share
    looked_at: Count


class ReliabilityDocument(TypedDict):
    """Signals of similar confidence, and the share of them that hit the target."""

    n: Count
    confidence: Share
    observed: Share


class CalibrationDocument(TypedDict):
    """How confidences and outcomes agree. `hit_rate` is the share of settled signals (target, stop or expired) that hit
    the target, `base_hit_rate` the coin's; `skill` is against always saying `hit_rate`."""

    n: Count
    too_few: bool
    hit_rate: RateDocument
    base_hit_rate: RateDocument
    brier: float
    skill: float | None
    ece: float
    table: list[ReliabilityDocument]


class BesideDocument(TypedDict):
    """The two figures that everything is judged by, and the coin's of the same group: null where it has none."""

    win_rate: RateDocument
    expectancy: float | None
    expectancy_interval: Spread | None
    base_win_rate: RateDocument | None
    base_expectancy: float | None
    base_expectancy_interval: Spread | None


class QualityDocument(BesideDocument):
    """Signals whose quality score lies from `least` on, ten points wide; `n` and the coin's `base_n` were booked."""

    least: Count
    n: Count
    too_few: bool
    base_n: Count


class MonthDocument(BesideDocument):
    """A point of the trend: signals created in a month; `quality_about` is the mean middle of their bands."""

    month: MonthText
    ended: Count
    booked: Count
    base_booked: Count
    quality_about: float | None


class EquityPoint(TypedDict):
    """The sum of R at the end of a day on which a signal ended."""

    day: DayText
    r: float


class StrategyDocument(FiguresDocument):
    """What one strategy came to, and the coin beside it."""

    strategy: str
    is_base: bool
    base: FiguresDocument
    edge: EdgeDocument | None
    calibration: CalibrationDocument | None
    quality: list[QualityDocument]
    months: list[MonthDocument]
    equity_curve: list[EquityPoint]


class PerformanceAnswer(_About):
    """What every strategy came to, the coin first."""

    as_of: MomentText
    strategies: list[StrategyDocument]
