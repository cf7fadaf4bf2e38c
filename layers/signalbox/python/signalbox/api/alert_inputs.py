"""Strict input about alerts and regimes."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema

from signalbox.api.account_inputs import PlainSymbol, Strict
from signalbox.api.inputs import Moment
from signalbox.domain.accounts.channel import Channel
from signalbox.domain.alerts.alert import NOTE_LENGTH, Alert, AlertKind, Terms, Window
from signalbox.domain.errors import InvalidValueError
from signalbox.domain.instants import to_iso
from signalbox.domain.market.timeframe import Timeframe

DEFAULT_LIFE = timedelta(days=30)
LONGEST_LIFE = timedelta(days=366)


def _plain(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be plain text: no line breaks, no control characters")
    return text


def _timeframe(text: str) -> str:
    return str(Timeframe.of(text))


AlertSymbol = PlainSymbol | Literal["*", "market"]
PriceText = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,15}(\.[0-9]{1,18})?$")]
TimeframeName = Annotated[
    str,
    StringConstraints(max_length=3),
    AfterValidator(_timeframe),
    WithJsonSchema({"type": "string", "enum": [str(each) for each in Timeframe]}),
]


class AlertRequest(Strict):
    """What is to be told when. Prices are text, exact; `price`, `percent`, `window`, `timeframe` and `minimum_quality`
    are each for some kinds only. `near_target` and `near_stop` tell of a price that comes near: one that already is has
    to go further away first. Without `expires_at` an alert lives for 30 days."""

    kind: AlertKind
    symbol: AlertSymbol
    price: PriceText | None = None
    percent: Annotated[float, Field(ge=-100, le=100, strict=True, allow_inf_nan=False)] | None = None
    window: Window | None = None
    timeframe: TimeframeName | None = None
    minimum_quality: Annotated[float, Field(ge=0, le=100, strict=True, allow_inf_nan=False)] | None = None
    repeat: Annotated[bool, Field(strict=True)] = False
    cooldown_seconds: Annotated[int, Field(ge=0, le=2_592_000, strict=True)] = 3600
    hysteresis_percent: Annotated[float, Field(ge=0, le=50, strict=True, allow_inf_nan=False)] = 0.2
    expires_at: Moment | None = None
    note: Annotated[str, StringConstraints(max_length=NOTE_LENGTH), AfterValidator(_plain)] = ""
    channels: Annotated[frozenset[Channel], Field(min_length=1)] = frozenset({Channel.EMAIL})

    def terms(self, now: datetime) -> Terms:
        """Return the terms that are asked for; raise InvalidValueError, naming the field first, if none are."""
        expires_at = now + DEFAULT_LIFE if self.expires_at is None else self.expires_at
        if not now < expires_at <= now + LONGEST_LIFE:
            limit = f"later than now and within {LONGEST_LIFE.days} days"
            raise InvalidValueError(f"expires_at must be {limit}, was {to_iso(expires_at)}")
        return Terms(
            kind=self.kind,
            symbol=self.symbol,
            expires_at=expires_at,
            price=None if self.price is None else Decimal(self.price),
            percent=None if self.percent is None else Decimal(repr(self.percent)),
            window=self.window,
            timeframe=None if self.timeframe is None else Timeframe(self.timeframe),
            minimum_quality=self.minimum_quality,
            repeat=self.repeat,
            cooldown=timedelta(seconds=self.cooldown_seconds),
            hysteresis_percent=Decimal(repr(self.hysteresis_percent)),
            note=self.note,
            channels=self.channels,
        )


class AlertPatch(Strict):
    """Some fields of an alert to change; null takes a field away that its kind does not need."""

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)


def requested(alert: Alert) -> dict[str, Any]:
    """Return the request that would make this alert, made of JSON's own types."""
    terms = alert.terms
    return {
        "kind": str(terms.kind),
        "symbol": terms.symbol,
        "price": None if terms.price is None else f"{terms.price:f}",
        "percent": None if terms.percent is None else float(terms.percent),
        "window": terms.window and str(terms.window),
        "timeframe": terms.timeframe and str(terms.timeframe),
        "minimum_quality": terms.minimum_quality,
        "repeat": terms.repeat,
        "cooldown_seconds": int(terms.cooldown.total_seconds()),
        "hysteresis_percent": float(terms.hysteresis_percent),
        "expires_at": to_iso(terms.expires_at),
        "note": terms.note,
        "channels": sorted(terms.channels),
    }


class AlertsQuery(BaseModel):
    """Which part of the list is wanted, and how many of the newest signals."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    part: Literal["all", "signals", "own"] = "all"
    symbol: PlainSymbol | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20


class RegimesQuery(BaseModel):
    """Whose regime, and the span of its changes (`from` included, `to` not)."""

    model_config = ConfigDict(extra="forbid", defer_build=True, populate_by_name=False)

    symbol: PlainSymbol | Literal["market"] = "market"
    timeframe: TimeframeName = "1h"
    since: Moment | None = Field(default=None, alias="from")
    until: Moment | None = Field(default=None, alias="to")
    limit: Annotated[int, Field(ge=1, le=500)] = 100
