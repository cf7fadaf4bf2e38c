"""Strict input about accounts and subscriptions. Every text is checked here, once."""

import re
from datetime import time
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from signalbox.domain.accounts.account import Scope
from signalbox.domain.accounts.channel import Channel
from signalbox.domain.accounts.texts import LONGEST_EMAIL, checked_email, checked_name
from signalbox.domain.delivery.devices import LONGEST_TOKEN
from signalbox.domain.delivery.timing import Digest, QuietHours, zone
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import SignalType

_SYMBOL_PART = r"[^\s/\\<>\"'`&={}@*#$%;,|\x00-\x20\x7f]{1,30}"
_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d")


def _local_time(text: object) -> time:
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        raise ValueError("must be a time of day, as 22:30")
    return time.fromisoformat(text)


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be printable")
    return text


def _zone_name(text: str) -> str:
    return zone(text).key


Email = Annotated[str, StringConstraints(max_length=LONGEST_EMAIL), AfterValidator(checked_email)]
Name = Annotated[str, StringConstraints(max_length=200), AfterValidator(checked_name)]
Secret = Annotated[str, StringConstraints(min_length=16, max_length=200, pattern=r"^[A-Za-z0-9_.-]+$")]
DeviceToken = Annotated[
    str, StringConstraints(min_length=16, max_length=LONGEST_TOKEN, pattern=r"^[A-Za-z0-9_:.%/+=-]+$")
]
PlainSymbol = Annotated[
    str, StringConstraints(pattern=rf"^{_SYMBOL_PART}/{_SYMBOL_PART}$", max_length=61), AfterValidator(_printable)
]
StrategyName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
ZoneName = Annotated[
    str, StringConstraints(max_length=60, pattern=r"^[A-Za-z][A-Za-z0-9_+/-]*$"), AfterValidator(_zone_name)
]
LocalTime = Annotated[
    time,
    BeforeValidator(_local_time),
    WithJsonSchema({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}),
]


class Strict(BaseModel):
    """Input in which nothing is guessed: unknown fields are refused, no type is made of another."""

    model_config = ConfigDict(extra="forbid", defer_build=True, frozen=True)


class SignInRequest(Strict):
    """Who wants to sign in."""

    email: Email


class TokenRequest(Strict):
    """A token that was mailed."""

    token: Secret


class KeyRequest(Strict):
    """What a new key is for, its owner's word for it, and how long it is good; None is until it is revoked."""

    scopes: Annotated[frozenset[Scope], Field(min_length=1)] = frozenset({Scope.READ})
    label: Name = ""
    expires_in_days: Annotated[int, Field(ge=1, le=3650, strict=True)] | None = None


class DeviceRequest(Strict):
    """A device: the token that its push service gave the app, and its owner's word for it."""

    token: DeviceToken
    name: Name = ""


class QuietRequest(Strict):
    """Quiet hours, in local time."""

    start: LocalTime
    end: LocalTime

    @model_validator(mode="after")
    def _require_some(self) -> Self:
        QuietHours(self.start, self.end)
        return self


class SubscriptionRequest(Strict):
    """What is wanted, how, and when. Empty sets mean all; `email` is the account's own where none is given.

    `daily_budget` is how many messages a local day may bring by each channel beside digests: the best by quality.
    E-mail beyond it comes with the next digest; a push beyond it is not sent.
    """

    name: Name = ""
    symbols: Annotated[frozenset[PlainSymbol], Field(max_length=200)] = frozenset()
    signal_types: frozenset[SignalType] = frozenset()
    strategies: Annotated[frozenset[StrategyName], Field(max_length=50)] = frozenset()
    timeframes: frozenset[Timeframe] = frozenset()
    minimum_quality: Annotated[float, Field(ge=0, le=100, strict=True, allow_inf_nan=False)] = 0.0
    minimum_confidence: Annotated[float, Field(ge=0, le=1, strict=True, allow_inf_nan=False)] | None = None
    endings: Annotated[bool, Field(strict=True)] = True
    channels: Annotated[frozenset[Channel], Field(min_length=1)]
    email: Email | None = None
    digest: Digest = Digest.HOURLY
    time_zone: ZoneName = "UTC"
    quiet: QuietRequest | None = None
    daily_budget: Annotated[int, Field(ge=1, le=100, strict=True)] | None = None
