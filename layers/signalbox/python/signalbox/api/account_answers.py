"""The shapes of answers about accounts, keys, subscriptions and alerts; see `answers`."""

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from signalbox.api.answers import Count, Exact, MomentText, SignalDocument
from signalbox.domain.accounts.account import Scope, Tier
from signalbox.domain.accounts.channel import Channel
from signalbox.domain.alerts.alert import AlertKind, Window
from signalbox.domain.delivery.timing import Digest
from signalbox.domain.market.timeframe import Timeframe
from signalbox.domain.signals.signal import SignalType

LocalTimeText = Annotated[str, Field(pattern="^[0-2][0-9]:[0-5][0-9]$")]
"""A time of day, as 22:30."""


class Told(TypedDict):
    """What was done, in a sentence."""

    detail: str


class TermsDocument(TypedDict):
    """What a tier gives."""

    delay_seconds: Count
    requests_per_hour: Count
    requests_per_day: Count
    channels: list[Channel]
    subscriptions: Count
    alerts: Count
    keys: Count


class AccountDocument(TypedDict):
    """An account, what its tier gives, and how much of the day's quota is used.

    `mail_off` says that its address bounced or complained: nothing is mailed there until somebody confirms it again or
    signs in by it.
    """

    account_id: str
    email: str | None
    mail_off: bool
    tier: Tier
    terms: TermsDocument
    requests_today: Count


class KeyDocument(TypedDict):
    """A key, without its text: `prefix` is how that begins."""

    prefix: str
    label: str
    scopes: list[Scope]
    created_at: MomentText | None
    expires_at: MomentText | None


class NewKeyDocument(KeyDocument):
    """A new key. Its text is shown this once."""

    key: str


class KeysAnswer(TypedDict):
    """The good keys of an account."""

    keys: list[KeyDocument]


class ConnectionToken(TypedDict):
    """A token that opens one WebSocket connection."""

    token: str
    audience: Literal["websocket"]
    expires_at: MomentText


class SessionDocument(TypedDict):
    """A session: its token is sent as `Authorization: Bearer ...`."""

    token: str
    expires_at: MomentText
    account_id: str
    tier: Tier


class QuietDocument(TypedDict):
    """Quiet hours, in the subscription's time zone."""

    start: LocalTimeText
    end: LocalTimeText


class SubscriptionDocument(TypedDict):
    """What is wanted, how, and when. Empty lists mean all."""

    subscription_id: str
    name: str
    symbols: list[str]
    signal_types: list[SignalType]
    strategies: list[str]
    timeframes: list[Timeframe]
    minimum_quality: float
    minimum_confidence: float | None
    endings: bool
    channels: list[Channel]
    email: str | None
    confirmed: bool
    digest: Digest
    time_zone: str
    quiet: QuietDocument | None
    daily_budget: int | None


class SubscriptionsAnswer(TypedDict):
    """The caller's subscriptions."""

    subscriptions: list[SubscriptionDocument]


class ConfirmedAnswer(TypedDict):
    """The subscription whose address was confirmed."""

    subscription_id: str
    confirmed: bool


class DeviceDocument(TypedDict):
    """A device that gets push messages."""

    device_id: str
    name: str
    created_at: MomentText


class DevicesAnswer(TypedDict):
    """The caller's devices."""

    devices: list[DeviceDocument]


class FiringDocument(TypedDict):
    """The last time an alert fired."""

    at: MomentText
    value: str
    headline: str


class AlertDocument(TypedDict):
    """An alert: its terms, and how it stands. It fires when its price is `waits_at`, if it waits for one."""

    alert_id: str
    kind: AlertKind
    symbol: str
    price: Exact | None
    percent: float | None
    window: Window | None
    timeframe: Timeframe | None
    minimum_quality: float | None
    repeat: bool
    cooldown_seconds: Count
    hysteresis_percent: float
    expires_at: MomentText
    note: str
    channels: list[Channel]
    created_at: MomentText
    waiting: bool
    waits_at: Exact | None
    fired: Count
    last: FiringDocument | None


class SignalAlert(TypedDict):
    """Something new of a signal."""

    event: Literal["published", "ended"]
    at: MomentText
    signal: SignalDocument


class AlertsAnswer(TypedDict):
    """What is new of signals, newest first, and the caller's own alerts, null without a key for them; each where asked
    for."""

    signal_alerts: NotRequired[list[SignalAlert]]
    alerts: NotRequired[list[AlertDocument] | None]
