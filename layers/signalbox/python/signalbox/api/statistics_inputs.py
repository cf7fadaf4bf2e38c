"""What statistics and performance can be asked for: days, one cut at a time, one grouping."""

from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from signalbox import bootstrap
from signalbox.api.inputs import Symbol
from signalbox.api.problems import refused
from signalbox.domain.history.values import CLOSED_SETS
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import Origin, SignalType
from signalbox.services.read_statistics import CUT_GROUPS, Cut, Grouping, Question
from signalbox.settings import settings

FIRST = date(2010, 1, 1)
LAST = date(2200, 1, 1)
DEFAULT_DAYS = 365
MOST_DAYS = 3700
"""About ten years."""
MOST_DAYS_APART = 400
"""Days that an answer by day or by week may cover."""


def _day(text: object) -> date:
    if isinstance(text, date):
        return text
    try:
        found = date.fromisoformat(str(text))
    except ValueError as e:
        raise ValueError("must be a day such as 2024-01-05") from e
    if not FIRST <= found <= LAST or str(text) != found.isoformat():
        raise ValueError(f"must be a day such as 2024-01-05, from {FIRST:%Y} to {LAST:%Y}")
    return found


def _regime(text: str) -> str:
    if text not in CLOSED_SETS["regime"]:
        raise ValueError(f"must be one of {', '.join(CLOSED_SETS['regime'])}")
    return text


Day = Annotated[date, BeforeValidator(_day)]
Strategy = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,40}$")]
Regime = Annotated[str, AfterValidator(_regime)]


class PerformanceQuery(BaseModel):
    """Parameters of the performance: days of `created_at` (`from` included, `to` not; the last 365 days by default), a
    timeframe, and where the record comes from (by default what this system records)."""

    model_config = ConfigDict(extra="forbid", defer_build=True, populate_by_name=False)

    timeframe: Timeframe | None = None
    origin: Origin | None = None
    since: Day | None = Field(default=None, alias="from")
    until: Day | None = Field(default=None, alias="to")

    def question(self) -> Question:
        """Return the question; raise ProblemError (400) if the span is upside down or too long."""
        since, until = self.span()
        return Question(
            origin=self.origin or settings().origin, since=since, until=until, timeframe=self.timeframe
        )  # fmt: skip

    def span(self) -> tuple[date, date]:
        """Return the first day and the one after the last."""
        tomorrow = bootstrap.clock().now().date() + timedelta(days=1)
        until = self.until or max(tomorrow, (self.since or FIRST) + timedelta(days=1))
        since = self.since or max(until - timedelta(days=DEFAULT_DAYS), date.min + timedelta(days=1))
        if since >= until:
            raise refused("to", f"must be after `from`, {since}, was {until}")
        if (until - since).days > MOST_DAYS:
            raise refused("from", f"must be at most {MOST_DAYS} days before `to`, was {(until - since).days}")
        return since, until


class ReportFormat(StrEnum):
    """How the report is written."""

    JSON = "json"
    HTML = "html"


class ReportQuery(PerformanceQuery):
    """Parameters of the report: those of the performance, and how it is written (else as `Accept` says)."""

    format: ReportFormat | None = None


class StatisticsQuery(PerformanceQuery):
    """Parameters of the statistics. At most one of `symbol`, `signal_type` and `regime` can be asked for at a time, and
    grouped by another one of them not at all: sums are kept by one cut. A regime may be named by one axis (`UP`)."""

    strategy: Strategy | None = None
    symbol: Symbol | None = None
    signal_type: SignalType | None = None
    regime: Regime | None = None
    group_by: Grouping | None = None

    def question(self) -> Question:
        """Return the question; raise ProblemError (400) for what no sum is kept of."""
        since, until = self.span()
        if self.group_by in (Grouping.DAY, Grouping.WEEK) and (until - since).days > MOST_DAYS_APART:
            detail = (
                f"must not be by {self.group_by} over more than {MOST_DAYS_APART} days, were {(until - since).days}"
            )
            raise refused("group_by", detail)
        cuts = {cut: str(value) for cut in Cut if (value := getattr(self, cut.value)) is not None}
        if len(cuts) > 1:
            raise refused(list(cuts)[-1], f"must be asked for alone, was asked for with {next(iter(cuts))}")
        cut = next(iter(cuts), None)
        if cut is not None and self.group_by in CUT_GROUPS and self.group_by.value != cut.value:
            raise refused("group_by", f"must not be {self.group_by} where {cut} is asked for")
        return Question(
            origin=self.origin or settings().origin,
            since=since,
            until=until,
            strategy=self.strategy,
            timeframe=self.timeframe,
            cut=cut,
            value=cuts[cut] if cut is not None else "",
        )
