"""What the feed and the history can be asked for, read into one filter whichever way it was written."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from signalbox.api.inputs import Moment, Symbol
from signalbox.api.problems import refused
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.history.filters import Between, SignalFilter, Sort
from signalbox.domain.history.search import LONGEST_SEARCH, Search, SearchError, parse
from signalbox.domain.history.values import CLOSED_SETS, MOST_VALUES
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import Origin, SignalType, Status

FIRST = datetime(1970, 1, 1, tzinfo=UTC)
LAST = datetime(2200, 1, 1, tzinfo=UTC)
"""The span in which there may be signals."""


class Order(StrEnum):
    """Which way a page is sorted."""

    DESCENDING = "desc"
    ASCENDING = "asc"


def _listed(text: Any) -> Any:
    """Split a comma separated list."""
    values = str(text).split(",")
    if len(values) > MOST_VALUES:
        raise ValueError(f"must be at most {MOST_VALUES} values, were {len(values)}")
    return values


def _regime(text: str) -> str:
    if text not in CLOSED_SETS["regime"]:
        raise ValueError(f"must be one of {', '.join(CLOSED_SETS['regime'])}")
    return text


def _search(text: str) -> str:
    try:
        parse(text)
    except SearchError as e:
        raise ValueError(str(e)) from e
    return text


def _in_span(moment: datetime) -> datetime:
    if not FIRST <= moment <= LAST:
        raise ValueError(f"must lie from {FIRST:%Y} to {LAST:%Y}")
    return moment


_Strategy = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,40}$")]
Symbols = Annotated[frozenset[Symbol], BeforeValidator(_listed)]
SignalTypes = Annotated[frozenset[SignalType], BeforeValidator(_listed)]
Strategies = Annotated[frozenset[_Strategy], BeforeValidator(_listed)]
Timeframes = Annotated[frozenset[Timeframe], BeforeValidator(_listed)]
Statuses = Annotated[frozenset[Status], BeforeValidator(_listed)]
Regimes = Annotated[frozenset[Annotated[str, AfterValidator(_regime)]], BeforeValidator(_listed)]
Origins = Annotated[frozenset[Origin], BeforeValidator(_listed)]
Quality = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Confidence = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
SearchText = Annotated[str, StringConstraints(max_length=LONGEST_SEARCH), AfterValidator(_search)]
SpanMoment = Annotated[Moment, AfterValidator(_in_span)]


class SignalsQuery(BaseModel):
    """Parameters of the feed of signals; lists are separated by commas, and any of their values fits.

    The null strategy is shown only where `strategy` names it.
    """

    model_config = ConfigDict(extra="forbid", defer_build=True)

    symbol: Symbols = frozenset()
    signal_type: SignalTypes = frozenset()
    strategy: Strategies = frozenset()
    timeframe: Timeframes = frozenset()
    status: Statuses = frozenset()
    regime: Regimes = frozenset()
    origin: Origins = frozenset()
    quality_min: Quality | None = None
    quality_max: Quality | None = None
    confidence_min: Confidence | None = None
    confidence_max: Confidence | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, StringConstraints(min_length=1, max_length=2000)] | None = None

    def where(self) -> SignalFilter:
        """Return the filter that the parameters ask for; raise ProblemError (400) if a range is upside down."""
        return SignalFilter(
            symbols=self.symbol,
            signal_types=self.signal_type,
            strategies=self.strategy,
            timeframes=self.timeframe,
            statuses=self.status,
            regimes=self.regime,
            origins=self.origin,
            quality=_between("quality", self.quality_min, self.quality_max),
            confidence=_between("confidence", self.confidence_min, self.confidence_max),
        )


class HistoryQuery(SignalsQuery):
    """Parameters of the history: the feed's, a search, a span of `created_at` (`from` included, `to` not), an order."""

    model_config = ConfigDict(extra="forbid", defer_build=True, populate_by_name=False)

    q: SearchText = ""
    since: SpanMoment | None = Field(default=None, alias="from")
    until: SpanMoment | None = Field(default=None, alias="to")
    sort: Sort = Sort.CREATED
    order: Order = Order.DESCENDING

    def search(self) -> Search:
        """Return what parameters and search ask for together.

        Raises ProblemError (400) if they ask for the same twice, or the span ends before it begins.
        """
        typed = parse(self.q)
        if (self.since and typed.since) or (self.until and typed.until):
            raise refused("q", "the span must be given once, by `from` and `to` or by `since:` and `until:`")
        since, until = self.since or typed.since, self.until or typed.until
        for each in (typed.since, typed.until):
            if each is not None and not FIRST <= each <= LAST:
                raise refused("q", f"moments must lie from {FIRST:%Y} to {LAST:%Y}")
        if since and until and until < since:
            raise refused("to", "must not be before the span's beginning")
        try:
            return Search(typed.where.joined(self.where()), since, until)
        except InvalidValueError as e:
            raise refused("q", str(e)) from e


def _between(name: str, low: float | None, high: float | None) -> Between:
    if low is not None and high is not None and low > high:
        raise refused(f"{name}_max", f"must be at least {name}_min, {low:g}, was {high:g}")
    bounds = {side: value for side, value in (("low", low), ("high", high)) if value is not None}
    return Between(**bounds)
