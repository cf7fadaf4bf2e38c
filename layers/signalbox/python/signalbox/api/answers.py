"""The shapes of answers about signals and the market: types for whoever builds them, schemas for whoever reads them.

They cost nothing at a cold start: only the documentation makes schemas of them.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema
from typing_extensions import TypedDict

from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import Origin, SignalType, Status

MomentText = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
"""ISO 8601 in UTC, with `Z`."""
Exact = Annotated[str, Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$")]
"""An exact decimal number, as text: prices in quote currency, volumes in base currency."""
Count = Annotated[int, Field(ge=0)]


class FieldProblem(TypedDict):
    """One input that was wrong."""

    field: str
    detail: str


class _ProblemParts(TypedDict):
    type: str
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str


class Problem(_ProblemParts, total=False):
    """Why a request was refused (RFC 9457)."""

    errors: list[FieldProblem]


class LevelsDocument(TypedDict):
    """Prices of a signal, in quote currency."""

    entry_price: Exact
    target_price: Exact
    stop_loss: Exact


class EndingDocument(TypedDict):
    """How a signal ended. `r` is net of `cost_r`; `optimistic_r` is what it would be had the target come first."""

    status: Literal["TARGET_HIT", "STOP_HIT", "EXPIRED", "INVALIDATED", "DELISTED", "DATA_GAP"]
    ended_at: MomentText
    exit_price: Exact | None
    r: float | None
    optimistic_r: float | None
    cost_r: float | None
    ambiguous: bool
    candles_hash: str
    rules_version: int


class CurrentDocument(TypedDict):
    """What an open signal is worth now; prices and R are null where no price is known."""

    price: Exact | None
    price_time: MomentText | None
    low_trust: bool | None
    to_target_r: float | None
    to_stop_r: float | None
    unrealised_r: float | None
    age_seconds: float
    revision: Count
    levels: LevelsDocument
    reward_risk: float | None
    may_act: bool


class SignalDocument(TypedDict):
    """A signal as it stands: everything above `status` was published once and never changes."""

    id: str
    symbol: str
    exchange: str
    timeframe: Timeframe
    strategy: str
    strategy_version: int
    signal_type: SignalType
    entry_price: Exact
    target_price: Exact
    stop_loss: Exact
    created_at: MomentText
    published_at: MomentText
    expires_at: MomentText
    quality_score: Annotated[float, Field(ge=0, le=100)]
    quality_parts: dict[str, float]
    confidence: Annotated[float, Field(ge=0, le=1)] | None
    regime: str
    reasons: dict[str, float]
    summary: str
    origin: Origin
    code_version: str
    status: Status
    is_valid: bool
    revision: Count
    filled_price: Exact | None
    filled_at: MomentText | None
    mfe_r: float
    mae_r: float
    ending: EndingDocument | None


class CurrentSignalDocument(SignalDocument):
    """A signal, and what it is worth now: null once it has ended."""

    current: CurrentDocument | None


class FullSignalDocument(CurrentSignalDocument):
    """A signal with its record: what it was computed from, and every revision, oldest first."""

    features: dict[str, float | None]
    revisions: list[dict[str, Any]]


class FeedPage(TypedDict):
    """A page of the feed; `next` is the cursor of the page after it, null on the last."""

    signals: list[CurrentSignalDocument]
    next: str | None


class HistoryPage(TypedDict):
    """A page of the history; `next` is the cursor of the page after it, null on the last."""

    signals: list[SignalDocument]
    next: str | None


class RegimeDocument(TypedDict):
    """A regime, and since when."""

    since: MomentText
    direction: str
    volatility: str
    regime: str


class RegimesAnswer(TypedDict):
    """The regime now, null before the first is known, and its changes, newest first."""

    symbol: str
    timeframe: Timeframe
    current: RegimeDocument | None
    changes: list[RegimeDocument]


class SourceShare(TypedDict):
    """What one source of news said."""

    n: Count
    mean: float


class SentimentDocument(TypedDict):
    """The mood of the news at one moment; `score` is null where too little was said."""

    created_at: MomentText
    published_at: MomentText
    score: float | None
    mean: float | None
    n: Count
    effective_n: float
    dispersion: float | None
    shrinkage: float
    sources: dict[str, SourceShare]
    rules_version: int


class SentimentRule(TypedDict):
    """How items are weighed together."""

    half_life_hours: float
    shrinkage_k: float
    minimum_n: float


class IndexValue(TypedDict):
    """One day's value of the Fear & Greed index, 0 to 100."""

    day: MomentText
    known_at: MomentText
    value: Annotated[int, Field(ge=0, le=100)]
    classification: str


class IndexDocument(TypedDict):
    """The Fear & Greed index, and where it is from."""

    source: str
    partly_price_derived: bool
    note: str
    values: list[IndexValue]


class SentimentAnswer(TypedDict):
    """The mood of the news about an asset, newest first, and the index beside it."""

    asset: str
    timeframe: Timeframe
    weight_in_signals: float
    rule: SentimentRule
    sentiment: list[SentimentDocument]
    fear_greed: IndexDocument


class CandleDocument(TypedDict):
    """A candle, named by its open time. Prices in quote currency, volume in base currency."""

    time: MomentText
    open: Exact
    high: Exact
    low: Exact
    close: Exact
    volume: Exact


CandlesSpan = TypedDict("CandlesSpan", {"from": MomentText, "to": MomentText})
"""Open times: of the first candle, and of the one after the last."""


class CandlesAnswer(TypedDict):
    """The closed candles of a span, oldest first, and the spans for which none is stored."""

    symbol: str
    exchange: str
    timeframe: Timeframe
    span: CandlesSpan
    candles: list[CandleDocument]
    missing: list[CandlesSpan]


class TurnDocument(TypedDict):
    """The newest turn that was planned of one job."""

    job: str
    timeframe: Timeframe
    as_of: MomentText
    planned_at: MomentText
    shards: Count
    symbols: Count


class HealthAnswer(TypedDict):
    """`ok`, `late` where a turn is overdue, or `starting` before the first one."""

    status: Literal["ok", "late", "starting"]
    now: MomentText
    turns: list[TurnDocument]
